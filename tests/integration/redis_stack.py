"""A real redis-server on a free loopback port, in a temporary folder, with a password."""
import pathlib
import shutil
import socket
import subprocess
import tempfile

import pytest
from pbs_stack import free_port, wait_until


class Redis:
    password = "p@ss/word"

    def __init__(self, tls=False, cluster=False):
        if not shutil.which("redis-server"):
            pytest.skip("redis-server is not installed")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nexus-redis-"))
        self.port, self.tls, self.cluster, self.proc = free_port(), tls, cluster, None
        self.url = f"redis{'s' if tls else ''}://:p%40ss%2Fword@{'localhost' if tls else '127.0.0.1'}:{self.port}/0"
        if tls:
            self.make_certificate()
        self.start()
        if cluster:
            self.ask("CLUSTER", "ADDSLOTS", *map(str, range(16384)))
            wait_until(lambda: "cluster_state:ok" in self.ask("CLUSTER", "INFO"), 20, "the cluster is whole")

    def make_certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                        "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                        self.folder / "key.pem", "-out", self.folder / "cert.pem"], check=True, capture_output=True)

    def start(self):
        ports = ["--port", "0", "--tls-port", str(self.port), "--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem",
                 "--tls-auth-clients", "no"] if self.tls else ["--port", str(self.port)]
        if self.cluster:
            # its own choice is port + 10000, which there need not be
            ports += ["--cluster-enabled", "yes", "--cluster-port", str(free_port())]
        with open(self.folder / "log", "ab") as log:
            self.proc = subprocess.Popen(["redis-server", *ports, "--bind", "127.0.0.1", "--requirepass", self.password, "--save",
                                          "", "--appendonly", "no", "--dir", self.folder], stdout=log, stderr=log,
                                         cwd=self.folder)

        def up():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_until(up, 10, "Redis is ready")

    def ask(self, *args):
        tls = ["--tls", "--cacert", self.folder / "cert.pem", "-h", "localhost"] if self.tls else []
        return subprocess.run(["redis-cli", "--no-auth-warning", "-p", str(self.port), "-a", self.password, *tls, *args],
                              check=True, capture_output=True, text=True).stdout.strip()

    def info(self, name):
        return next(line.split(":")[1] for line in self.ask("INFO").splitlines() if line.startswith(name + ":"))

    def kill(self):
        self.proc.kill()
        self.proc.wait()

    def stop(self):
        if self.proc.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
