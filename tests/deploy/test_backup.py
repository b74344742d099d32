"""Backup, destruction, restore: what comes back is what was there."""
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
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
    os.kill(int((folder / "data/postmaster.pid").read_text().split()[0]), signal.SIGQUIT)  # immediate shutdown


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


# --- Redis

@pytest.fixture
def redis(tmp_path):
    need("redis-server", "redis-cli")
    sys.path.insert(0, str(ROOT / "tests/integration"))
    from redis_stack import Redis
    server = Redis()
    yield server
    server.stop()


def redis_env(server):
    return {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": server.port, "REDISCLI_AUTH": server.password}


def test_redis_comes_back_with_its_append_only_file(redis, tmp_path):
    """A Redis with `appendonly yes`, as deploy/redis/redis.conf has it, does not look at a snapshot that is put there."""
    for i in range(200):
        redis.ask("SET", f"key{i}", f"value{i}", *(["EX", "3600"] if i % 2 else []))
    redis.ask("XADD", "stream", "*", "event", "a")
    file = script("backup", "redis", BACKUP_DIR=tmp_path / "backups", **redis_env(redis))
    assert "db0 201" in pathlib.Path(f"{file}.meta").read_text()
    redis.ask("FLUSHALL")
    data = tmp_path / "data"
    data.mkdir()
    (data / "dump.rdb").write_text("what was there")
    start = time.monotonic()
    script("restore", "redis", file, data)
    print(f"restored in {time.monotonic() - start:.2f} s")
    assert sorted(p.name.split(".before-")[0] for p in data.iterdir()) == ["appendonlydir", "dump.rdb", "dump.rdb"]
    sock = tmp_path / "s"
    server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", sock, "--dir", data, "--save", "", "--appendonly", "yes"],
                              stdout=subprocess.DEVNULL)
    try:
        ask = lambda *a: subprocess.run(["redis-cli", "-s", sock, *a], capture_output=True, text=True, check=False).stdout.strip()
        deadline = time.monotonic() + 10
        while ask("PING") != "PONG":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert (ask("DBSIZE"), ask("GET", "key7"), ask("XLEN", "stream")) == ("201", "value7", "1")
        assert int(ask("TTL", "key7")) > 3000 and ask("TTL", "key8") == "-1"
    finally:
        server.terminate()
        server.wait(20)


def test_a_redis_that_does_not_answer_leaves_no_backup(redis, tmp_path):
    wrong = {**redis_env(redis), "REDISCLI_AUTH": "wrong"}
    assert "REDISCLI_AUTH" in script("backup", "redis", status=1, BACKUP_DIR=tmp_path / "b", **wrong)
    assert list((tmp_path / "b").iterdir()) == []


def test_a_snapshot_with_fewer_keys_is_not_put_in_place(redis, tmp_path):
    redis.ask("SET", "a", "1")
    file = pathlib.Path(script("backup", "redis", BACKUP_DIR=tmp_path / "b", **redis_env(redis)))
    meta = pathlib.Path(f"{file}.meta")
    meta.write_text(meta.read_text().replace("db0 1", "db0 2"))
    assert "keys are missing" in script("restore", "redis", file, tmp_path / "data", status=1)
    assert list((tmp_path / "data").iterdir()) == []


# --- a copy off the site

class Bucket:
    """An S3-compatible store that checks signatures (AWS Signature Version 4) and keeps what it gets."""
    key, secret = "AKTEST", "a/secret+key"

    def __init__(self):
        outer = self
        self.objects, self.lose = {}, False

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self):
                if self.headers.get("Expect"):
                    self.send_response_only(100)
                    self.end_headers()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                good = hashlib.sha256(body).hexdigest() == self.headers["x-amz-content-sha256"]
                if self.signed() and good:
                    outer.objects[self.path] = b"" if outer.lose else body
                self.answer(200 if self.signed() and good else 403)

            def do_HEAD(self):
                self.answer(403 if not self.signed() else 200 if self.path in outer.objects else 404, len(outer.objects.get(self.path, b"")))

            def answer(self, status, length=0):
                self.send_response(status)
                self.send_header("Content-Length", str(length))
                self.end_headers()

            def signed(self):
                scope, names, given = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=AKTEST/(\S+), SignedHeaders=(\S+), Signature=(\S+)",
                                                   self.headers["Authorization"]).groups()
                canonical = "\n".join([self.command, self.path, "", *(f"{n}:{self.headers[n].strip()}" for n in names.split(";")), "", names,
                                       self.headers["x-amz-content-sha256"]])
                text = "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
                k = ("AWS4" + outer.secret).encode()
                for part in scope.split("/"):
                    k = hmac.digest(k, part.encode(), "sha256")
                return hmac.compare_digest(hmac.digest(k, text.encode(), "sha256").hex(), given)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/backups/nexus"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def bucket():
    need("curl")
    b = Bucket()
    yield b
    b.server.shutdown()
    b.server.server_close()


def test_backups_are_copied_off_the_site(idr, tmp_path, bucket):
    keys = {"AWS_ACCESS_KEY_ID": bucket.key, "AWS_SECRET_ACCESS_KEY": bucket.secret}
    file = pathlib.Path(script("backup", "idr", idr.data, BACKUP_DIR=tmp_path / "b",
                               BACKUP_COPY=f"{SCRIPTS}/copy-to-bucket {bucket.url}", **keys))
    assert bucket.objects == {f"/backups/nexus/{file.name}": file.read_bytes(),
                              f"/backups/nexus/{file.name}.meta": pathlib.Path(f"{file}.meta").read_bytes()}


@pytest.mark.parametrize("secret, lose, said", [("wrong", False, "403"), (Bucket.secret, True, "has 0, not 5 bytes")])
def test_a_copy_that_was_not_kept_is_an_error(tmp_path, bucket, secret, lose, said):
    (tmp_path / "file").write_text("12345")
    bucket.lose = lose
    assert said in script("copy-to-bucket", bucket.url, tmp_path / "file", status=1 if lose else 22, AWS_ACCESS_KEY_ID=bucket.key, AWS_SECRET_ACCESS_KEY=secret)
