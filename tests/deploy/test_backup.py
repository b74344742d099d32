"""Backup, destruction, restore: what comes back is what was there."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

import pytest

from namespace import BIN, ROOT, need

SCRIPTS = ROOT / "deploy/scripts"
KEY = "backup-test-key-0123456789"
EVENTS = 300


def script(name, *argv, status=0, **env):
    done = subprocess.run([SCRIPTS / name, *map(str, argv)], capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **{k: str(v) for k, v in env.items()}})
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout.strip() if status == 0 else done.stderr


class Idr:
    def __init__(self, folder):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.data = folder / "data"
        self.log = folder / "idr.log"

    def start(self):
        with open(self.log, "ab") as log:
            self.proc = subprocess.Popen([BIN / "nexus-idr"], cwd=ROOT, stdout=log, stderr=log, env={
                "API_KEY_DEFAULT": KEY, "IDR_HOST": "127.0.0.1", "IDR_PORT": str(self.port), "IDR_DATA_DIR": str(self.data)})
        deadline = time.monotonic() + 20
        while True:
            try:
                self.ask("/ready")
                return
            except OSError:
                assert time.monotonic() < deadline and self.proc.poll() is None, self.log.read_text()
                time.sleep(0.02)

    def stop(self, number=signal.SIGTERM):
        self.proc.send_signal(number)
        self.proc.wait(20)

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, {"X-API-Key": KEY})
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.read().decode()

    def metric(self, name):
        return next(float(line.split()[-1]) for line in self.ask("/metrics").splitlines() if line.startswith(name + " "))

    def put(self, publisher, settings):
        urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1/publishers/{publisher}/settings", json.dumps(settings).encode(),
            {"X-API-Key": KEY, "Content-Type": "application/json"}, method="PUT"), timeout=10).close()


@pytest.fixture
def idr(tmp_path):
    need("sqlite3")
    service = Idr(tmp_path)
    service.start()
    yield service
    if service.proc.poll() is None:
        service.stop()


def rows(path):
    lib = SCRIPTS / "store-lib.sh"
    out = subprocess.run(["bash", "-c", f". {lib}; sqlite_counts {path}"], capture_output=True, text=True, check=True).stdout
    return {name: int(count) for name, count in map(str.split, out.splitlines())}


def record_events(idr):
    now = time.time()
    events = [{"auction_id": f"a{i}", "ts": now - i, "publisher_id": "pub-1", "country": "GBR", "device_type": "mobile", "os": "ios",
               "browser": "safari", "ids": [], "routing_mode": "normal",
               "imps": [{"id": "1", "ad_format": "banner", "ad_size": "300x250", "floor": 0.1, "floor_cur": "USD"}],
               "bidders": [{"bidder_code": "aster", "was_selected": True, "status": "bid", "response_time_ms": 40,
                            "bids": [{"imp": "1", "cpm": 1.5, "cur": "USD", "won": True}]},
                           {"bidder_code": "birch", "was_selected": True, "status": "no_bid", "response_time_ms": 60}]}
              for i in range(EVENTS)]
    assert json.loads(idr.ask("/analytics", json.dumps(events).encode()))["accepted"] == EVENTS


def test_the_router_learns_again_from_its_backup(idr, tmp_path):
    record_events(idr)
    settings = {"mode": "shadow"}
    idr.put("pub-1", settings)
    textfiles = tmp_path / "textfiles"
    textfiles.mkdir()
    file = script("backup", "idr", idr.data, BACKUP_DIR=tmp_path / "backups", TEXTFILES=textfiles)
    assert "nexus_backup_last_success_timestamp_seconds{what=\"idr\"}" in (textfiles / "nexus_backup_idr.prom").read_text()
    idr.stop()
    before = rows(idr.data / "idr.db")
    assert before["routing_decisions"] == EVENTS

    shutil.rmtree(idr.data)
    start = time.monotonic()
    script("restore", "idr", file, idr.data)
    idr.start()
    print(f"restored and ready in {time.monotonic() - start:.2f} s")
    after = rows(idr.data / "idr.db")
    for table in ("auction_events", "routing_decisions", "documents"):  # roll-ups are written out again when it is time
        assert after[table] == before[table] > 0, table
    assert idr.metric("nexus_idr_store_ok") == 1
    assert idr.metric("nexus_idr_index_events") == EVENTS, "the index is built anew from the journal"
    assert "shadow" in idr.ask("/api/v1/publishers/pub-1/settings")


def test_what_was_there_is_kept(idr, tmp_path):
    file = script("backup", "idr", idr.data, BACKUP_DIR=tmp_path / "backups")
    idr.stop()
    script("restore", "idr", file, idr.data)
    kept = sorted(p.name.split(".before-")[0] for p in idr.data.glob("*.before-*"))
    assert "idr.db" in kept and not (idr.data / "index.snapshot").exists()


def test_a_damaged_backup_is_refused(idr, tmp_path):
    file = pathlib.Path(script("backup", "idr", idr.data, BACKUP_DIR=tmp_path / "backups"))
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    assert "checksum" in script("restore", "idr", file, tmp_path / "new", status=1)
    assert not (tmp_path / "new").exists()


def test_a_backup_that_fails_leaves_nothing_and_deletes_nothing(idr, tmp_path):
    backups = tmp_path / "backups"
    backups.mkdir()
    old = backups / "idr-20200101T000000Z.db.gz"
    old.write_text("old")
    os.utime(old, (0, 0))
    script("backup", "idr", tmp_path / "nowhere", BACKUP_DIR=backups, status=1)
    assert list(backups.iterdir()) == [old]
    file = script("backup", "idr", idr.data, BACKUP_DIR=backups, BACKUP_COPY=f"cp -t {tmp_path}")
    assert not old.exists() and (tmp_path / pathlib.Path(file).name).exists()


# --- PostgreSQL

@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("not installed: postgresql")
    folder = tmp_path_factory.mktemp("pg")
    bin_dir = found[-1].parent
    run_as = []
    if os.getuid() == 0:
        for p in [folder, *folder.parents]:
            if p == pathlib.Path("/tmp"):
                break
            p.chmod(0o755)
        run_as = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres", "postgres")
    run = lambda *argv: subprocess.run([*run_as, *map(str, argv)], check=True, capture_output=True, cwd="/")
    run(bin_dir / "initdb", "-D", folder / "data", "-A", "trust", "-U", "nexus", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
    # pg_ctl's child keeps the log; its own output is not waited for.
    run(bin_dir / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "-o",
        f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off", "start")
    yield {"PGHOST": str(folder), "PGUSER": "nexus"}
    run(bin_dir / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")


def sql(postgres, database, text):
    return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", text], check=True, capture_output=True,
                          text=True, env={**os.environ, **postgres}).stdout.strip()


def test_postgres_comes_back(postgres, tmp_path):
    sql(postgres, "postgres", "CREATE DATABASE nexus")
    sql(postgres, "nexus", "CREATE TABLE a (n int); INSERT INTO a SELECT generate_series(1, 1000); CREATE TABLE \"B c\" (t text)")
    file = script("backup", "postgres", BACKUP_DIR=tmp_path, PGDATABASE="nexus", **postgres)
    assert "public.a 1000" in pathlib.Path(f"{file}.meta").read_text()
    sql(postgres, "nexus", "DELETE FROM a")
    busy = subprocess.Popen(["psql", "-Xq", "-d", "nexus", "-c", "SELECT pg_sleep(60)"], env={**os.environ, **postgres},
                            stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    script("restore", "postgres", file, "nexus", **postgres)
    busy.wait(10)
    assert sql(postgres, "nexus", "SELECT count(*) FROM a") == "1000"
    assert sql(postgres, "postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'nexus_before_%'") == "1"


def test_a_short_postgres_backup_is_not_swapped_in(postgres, tmp_path):
    sql(postgres, "postgres", "CREATE DATABASE other")
    sql(postgres, "other", "CREATE TABLE a (n int); INSERT INTO a VALUES (1)")
    file = pathlib.Path(script("backup", "postgres", BACKUP_DIR=tmp_path, PGDATABASE="other", **postgres))
    meta = pathlib.Path(f"{file}.meta")
    meta.write_text(meta.read_text().replace("public.a 1", "public.a 2"))
    assert "rows are missing" in script("restore", "postgres", file, "other", status=1, **postgres)
    assert sql(postgres, "postgres", "SELECT count(*) FROM pg_database WHERE datname LIKE 'other_before_%'") == "0"
