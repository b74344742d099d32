"""A memory cgroup to run a process in, where this user may make one."""
import contextlib
import os
import pathlib


class Cgroup:
    """A ceiling on memory, of either version of cgroups; `why` says what is in the way when there is none."""
    V1, V2 = pathlib.Path("/sys/fs/cgroup/memory"), pathlib.Path("/sys/fs/cgroup")

    def __init__(self, name, megabytes):
        self.why, self.v1 = "", (self.V1 / "memory.limit_in_bytes").exists()
        root = self.V1 if self.v1 else self.V2
        self.path = root / f"nexus-{name}-{os.getpid()}"
        try:
            if not self.v1 and "memory" not in (root / "cgroup.subtree_control").read_text():
                raise OSError(f"no memory controller below {root}")
            self.path.mkdir()
            limits = (["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"] if self.v1 else ["memory.max"])
            for file in limits:
                with contextlib.suppress(FileNotFoundError):  # swap is not accounted for everywhere
                    (self.path / file).write_text(str(megabytes << 20))
            if not self.v1:
                with contextlib.suppress(FileNotFoundError):
                    (self.path / "memory.swap.max").write_text("0")
        except OSError as e:
            self.why, self.path = str(e), None

    def wrap(self):
        return ["sh", "-c", f'echo $$ > {self.path}/cgroup.procs && exec "$@"', "sh"] if self.path else []

    def peak_mib(self, pid):
        if self.path:
            with contextlib.suppress(OSError):
                return int((self.path / ("memory.max_usage_in_bytes" if self.v1 else "memory.peak")).read_text()) / 2**20
        return int(next(line.split()[1] for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM"))) / 1024

    def remove(self):
        if self.path:
            with contextlib.suppress(OSError):
                self.path.rmdir()
