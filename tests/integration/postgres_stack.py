"""A real PostgreSQL on a free loopback port, in a temporary folder, run as a user that is not root."""
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest
from pbs_stack import free_port, wait_until


def bin_dir():
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    def __init__(self):
        self.bin = bin_dir()
        if not self.bin:
            pytest.skip("PostgreSQL is not installed")
        self.user = "postgres" if os.geteuid() == 0 else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="nexus-pg-"))
        self.port, self.proc = free_port(), None
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self.run([self.bin / "initdb", "-D", self.folder / "data", "-A", "trust", "-U", "postgres", "-N"])
        self.start()

    def command(self, argv):
        argv = [str(a) for a in argv]
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *argv] if self.user else argv

    def run(self, argv):
        subprocess.run(self.command(argv), check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self):
        """After a kill the old children must be gone before it can start, so it is tried until it does."""
        argv = self.command([self.bin / "postgres", "-D", self.folder / "data", "-p", self.port, "-h", "127.0.0.1", "-k",
                             self.folder, "-c", "fsync=off"])
        ready = [self.bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]

        def up():
            if self.proc is None or self.proc.poll() is not None:
                with open(self.folder / "log", "ab") as log:
                    self.proc = subprocess.Popen(argv, stdout=log, stderr=log, cwd="/")
            return subprocess.run(ready).returncode == 0 and self.proc.poll() is None
        wait_until(up, 30, "PostgreSQL is ready")

    def kill(self):
        self.proc.kill()
        self.proc.wait()

    def stop(self):
        if self.proc.poll() is None:
            self.proc.send_signal(3)  # immediate shutdown
            self.proc.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def query(self, sql):
        out = subprocess.run([self.bin / "psql", "-qAtX", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", "-c", sql],
                             check=True, capture_output=True, text=True, cwd="/").stdout
        return [line.split("|") for line in out.splitlines()]

    def number(self, sql):
        return int(self.query(sql)[0][0])
