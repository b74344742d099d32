"""A private place to run servers in under their production names and ports: own network, own mounts, own /etc/hosts.
Everything in it vanishes with it, so nothing can be left on the machine."""
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("NEXUS_BIN", ROOT / "build/release/bin")).resolve()


def need(*programs):
    """Skips, by name, what this machine cannot run."""
    missing = [p for p in programs if not shutil.which(p)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


class Namespace:
    def __init__(self, folder, hosts, mounts=""):
        """`mounts` is shell, run with the namespace's own mount table."""
        need("unshare", "nsenter", "ip")
        self.folder, self.procs = pathlib.Path(folder), []
        (self.folder / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"{a} {n}\n" for a, n in hosts))
        script = (f"set -e; ip link set lo up; mount --bind {self.folder}/hosts /etc/hosts; {mounts}\n"
                  "echo up; exec sleep 600")
        self.holder = subprocess.Popen(["unshare", "-mn", "sh", "-c", script], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
        line = self.holder.stdout.readline()
        if line.strip() != "up":
            rest = line + self.holder.stdout.read()
            self.holder.wait()
            pytest.skip(f"no private namespace here: {rest.strip()}")

    def inside(self, *argv):
        return ["nsenter", "-t", str(self.holder.pid), "-m", "-n", f"--wd={ROOT}", "--", *map(str, argv)]

    def run(self, *argv, timeout=20, check=True):
        done = subprocess.run(self.inside(*argv), capture_output=True, text=True, timeout=timeout, check=False)
        assert not check or done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def start(self, name, *argv, env=None):
        with open(self.folder / f"{name}.log", "ab") as log:
            proc = subprocess.Popen(self.inside(*argv), stdout=log, stderr=subprocess.STDOUT,
                                    env={**os.environ, **(env or {})})
        self.procs.append(proc)
        return proc

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self):
        for proc in reversed(self.procs):
            if proc.poll() is None:
                proc.terminate()
                try:
                    proc.wait(10)
                except subprocess.TimeoutExpired:
                    proc.kill()
                    proc.wait()
        self.holder.kill()
        self.holder.wait()
