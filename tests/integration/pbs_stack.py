"""Starts the real nexus-pbs with mock bidders, and a router that does as the test says. Everything is on free loopback
ports and in a temporary folder."""
import collections
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("NEXUS_BIN", ROOT / "build/release/bin"))
KEY = "integration-test-key"
DATA = ROOT / "tests/data"


HELD = collections.deque()


def free_port():
    """A port that stays ours. A socket keeps it that does not listen: the system gives the port to nobody else who asks for
    any, and the server it is for may bind it all the same, as many times as it starts, since both say SO_REUSEADDR. Until
    then nobody listens there. The latest few hundred are kept, which is more than one test uses."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    HELD.append(s)
    if len(HELD) > 300:
        HELD.popleft().close()
    return s.getsockname()[1]


def wait_until(condition, seconds=10, what="condition"):
    """Polls; for things outside this process that announce nothing."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s: {what}")


class Process:
    def __init__(self, name, argv, folder, env=None):
        self.name, self.log_path = name, pathlib.Path(folder) / f"{name}.log"
        with open(self.log_path, "ab") as log:
            self.proc = subprocess.Popen([str(a) for a in argv], env={**os.environ, **(env or {})}, stdout=log,
                                         stderr=subprocess.STDOUT)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def wait_ready(self, port, path):
        def ready():
            if self.proc.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.proc.returncode}:\n{self.log()[-3000:]}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                return request(port, "GET", path).status == 200
            return False
        wait_until(ready, 60, f"{self.name} is ready")

    def signal(self, number):
        self.proc.send_signal(number)

    def wait(self, seconds=20):
        return self.proc.wait(seconds)

    def stop(self):
        if self.proc.poll() is None:
            self.proc.terminate()
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
                raise AssertionError(f"{self.name} did not stop on SIGTERM:\n{self.log()[-3000:]}")


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


def request(port, method, path, body=None, headers=None, timeout=30):
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        conn.request(method, path, body, headers or {})
        reply = conn.getresponse()
        return Reply(reply.status, reply.headers, reply.read())
    finally:
        conn.close()


class JsonServer:
    """Somebody whom the server asks over HTTP. `answer` gets (path, query, body, headers), the query as lists by name, and
    gives the JSON to answer; the status is `status`. Whoever derives may override answer()."""

    def __init__(self, answer=None, status=200):
        outer = self
        self.status = status
        if answer:
            self.answer = answer

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                text = json.dumps(outer.answer(url.path, urllib.parse.parse_qs(url.query), body, self.headers)).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class FakeRouter:
    """A router whose /route does what `behave` says: a callable that gets the handler and the parsed body. The events it
    was sent are kept."""

    def __init__(self):
        outer = self
        self.routes, self.events, self.analytics_status = [], [], 200

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip
                    raw = gzip.decompress(raw)
                if self.path == "/analytics":
                    if outer.analytics_status == 200:
                        outer.events += parse_events(raw)
                    self.answer(outer.analytics_status, b'{"status":"recorded","accepted":1}')
                    return
                body = json.loads(raw)
                outer.routes.append(body)
                outer.behave(self, body)

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *args):  # clients that hang up are part of the tests
                pass

        self.behave = self.select_all
        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def select(names):
        def behave(handler, body):
            handler.answer(200, json.dumps({"auction_id": body["auction_id"], "selected_bidders": names,
                                            "mode": "normal", "routing_time_ms": 0.1}).encode())
        return behave

    @staticmethod
    def select_all(handler, body):
        FakeRouter.select(body["configured_bidders"])(handler, body)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def parse_events(raw):
    text = raw.decode().strip()
    if text.startswith("["):
        return json.loads(text)
    return [json.loads(line) for line in text.splitlines()]


class Pbs:
    """nexus-pbs with bidders given as {name: query string of the mock, or a full URL}."""

    def __init__(self, folder, bidders, idr_port=None, yaml="", env=None, info=None):
        self.folder = pathlib.Path(folder)
        self.port, self.admin, self.mock_port = free_port(), free_port(), free_port()
        self.bidders = bidders
        info_dir = self.folder / "bidder-info"
        info_dir.mkdir()
        for name, how in bidders.items():
            url = how if "://" in how else f"http://127.0.0.1:{self.mock_port}/bid/{name}?{how}"
            media = "[banner, video, native, audio]"
            (info_dir / f"{name}.yaml").write_text(
                f"endpoint: {json.dumps(url)}\nmaintainer: {{ email: {name}@example.com }}\n"
                "openrtb: { version: 2.6, gpp-supported: true }\n"
                f"capabilities: {{ site: {{ mediaTypes: {media} }}, app: {{ mediaTypes: {media} }} }}\n"
                + (info or {}).get(name, ""))
        self.config = self.folder / "pbs.yaml"
        self.config.write_text(yaml)
        self.mock = Process("mockbidder", [BIN / "mockbidder", "--port", self.mock_port, "--keep"], folder)
        self.mock.wait_ready(self.mock_port, "/stats")
        self.env = {
            "PBS_HOST": "127.0.0.1", "PBS_PORT": str(self.port), "PBS_ADMIN_PORT": str(self.admin),
            "PBS_BIDDER_INFO_DIR": str(info_dir), "API_KEY_DEFAULT": KEY, "PBS_WORKERS": "1",
            "IDR_ENABLED": "true" if idr_port else "false", "IDR_URL": f"http://127.0.0.1:{idr_port}",
            "EVENT_FLUSH_MS": "20", "LOG_LEVEL": "info", **(env or {}),
        }
        self.start()

    def start(self):
        self.process = Process("nexus-pbs", [BIN / "nexus-pbs", "--config", self.config], self.folder, self.env)
        self.process.wait_ready(self.port, "/ready")

    def stop(self):
        try:
            self.process.stop()
        finally:
            self.mock.stop()
        assert self.process.proc.returncode == 0, self.process.log()[-3000:]

    def post(self, body, path="/openrtb2/auction", key=KEY, headers=None, timeout=30):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        all_headers = {"Content-Type": "application/json", **({"X-API-Key": key} if key else {}), **(headers or {})}
        return request(self.port, "POST", path, body, all_headers, timeout)

    def get(self, path, headers=None):
        return request(self.port, "GET", path, headers=headers)

    def auction(self, **changes):
        reply = self.post(banner_request(list(self.bidders), **changes))
        assert reply.status == 200, reply.text
        return reply.json()

    def last_request(self, bidder):
        return request(self.mock_port, "GET", f"/last/{bidder}").json()

    def calls(self):
        return {name: s["requests"] for name, s in request(self.mock_port, "GET", "/stats").json().items()}

    def metric(self, name, **labels):
        """The sum of the series with these labels; 0 when there is none."""
        total = 0.0
        for line in self.get("/metrics").text.splitlines():
            m = re.match(r"([a-zA-Z_:0-9]+)(?:\{(.*)\})? (\S+)$", line)
            if m and m[1] == name and all(f'{k}="{v}"' in (m[2] or "") for k, v in labels.items()):
                total += float(m[3])
        return total


def banner_request(bidders, **changes):
    body = {
        "id": "auction-1",
        "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
                 "ext": {"prebid": {"bidder": {name: {} for name in bidders}}}}],
        "site": {"id": "s", "page": "https://news.example.com/", "publisher": {"id": "pub-1"}},
        "device": {"ua": "Mozilla/5.0", "ip": "203.0.114.7"},
        "tmax": 2000, "test": 1,
        "ext": {"prebid": {"targeting": {}}},
    }
    body.update(changes)
    return body


def seats(reply):
    return {s["seat"]: s["bid"] for s in reply.get("seatbid", [])}


@contextlib.contextmanager
def running(*things):
    try:
        yield things
    finally:
        for thing in reversed(things):
            thing.stop()


def raw_exchange(port, data, seconds=10, shut=False):
    """Sends bytes and returns everything that comes back until the server closes or is silent."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as s:
        s.sendall(data)
        if shut:
            s.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(socket.timeout, ConnectionResetError):
            while chunk := s.recv(65536):
                received += chunk
        return received


SIGTERM = signal.SIGTERM
