"""Consent strings made field by field, and a server of vendor lists."""
import http.server
import json
import threading
import time

from pbs_stack import DATA

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
YEAR_2025, YEAR_2026_JUNE = 1748736000, 1780272000


class Bits:
    def __init__(self):
        self.text = ""

    def put(self, value, width):
        self.text += format(value, f"0{width}b")
        return self

    def set(self, members, width):
        self.text += "".join("1" if n in members else "0" for n in range(1, width + 1))
        return self

    def base64(self):
        padded = self.text + "0" * (-len(self.text) % 8)
        padded += "0" * (-len(padded) % 6)
        return "".join(DIGITS[int(padded[i:i + 6], 2)] for i in range(0, len(padded), 6))


def vendors(bits, ids):
    return bits.put(64, 16).put(0, 1).set(ids, 64)


def tc_string(purposes=(), vendor_consent=(), li=(), vendor_li=(), features=(), version=7, created=YEAR_2025, disclosed=None,
              not_allowed=()):
    """not_allowed: pairs of purpose and vendor that the publisher forbids."""
    b = Bits().put(2, 6).put(created * 10, 36).put(created * 10, 36).put(7, 12).put(1, 12).put(0, 6).put(4 << 6 | 13, 12)
    b.put(version, 12).put(5, 6).put(2, 2).set(features, 12).set(purposes, 24).set(li, 24).put(0, 1).put(3 << 6 | 4, 12)
    vendors(vendors(b, vendor_consent), vendor_li)
    b.put(len(not_allowed), 12)
    for purpose, vendor in not_allowed:
        b.put(purpose, 6).put(0, 2).put(1, 12).put(0, 1).put(vendor, 16)
    text = b.base64()
    if disclosed is not None:
        text += "." + vendors(Bits().put(1, 3), disclosed).base64()
    return text


def fibonacci(n):
    weights = [1, 2]
    while weights[-1] <= n:
        weights.append(weights[-1] + weights[-2])
    bits = ""
    for w in reversed(weights[:-1]):
        bits = ("1" if w <= n else "0") + bits
        n -= w if w <= n else 0
    return bits + "1"


def gpp(sections):
    """{section id: text}"""
    b = Bits().put(3, 6).put(1, 6).put(len(sections), 12)
    last = 0
    for section in sorted(sections):
        b.put(0, 1).text += fibonacci(section - last)
        last = section
    b.text += "0" * (-len(b.text) % 6)
    header = "".join(DIGITS[int(b.text[i:i + 6], 2)] for i in range(0, len(b.text), 6))
    return "~".join([header, *(sections[s] for s in sorted(sections))])


def us_national(sale=2, sharing=2, targeted=2, sensitive=(), child=(0, 0), gpc=False):
    """Section 7, version 1; `sensitive`: the kinds (1..12) that are opted out of."""
    b = Bits().put(1, 6)
    for notice in (1, 1, 1, 1, 1, 1):
        b.put(notice, 2)
    b.put(sale, 2).put(sharing, 2).put(targeted, 2)
    for kind in range(1, 13):
        b.put(1 if kind in sensitive else 2, 2)
    b.put(child[0], 2).put(child[1], 2).put(0, 2).put(2, 2).put(0, 2).put(2, 2)
    return b.base64() + ("." + Bits().put(1, 2).put(1, 1).base64() if gpc else "")


class VendorLists:
    """Serves versions 1..newest of the list in tests/data; `requests` holds (path, conditional header) in order."""

    def __init__(self, newest=7):
        outer = self
        self.newest, self.requests, self.broken = newest, [], False
        self.gate = threading.Event()
        self.gate.set()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.gate.wait(20)
                condition = self.headers.get("If-None-Match")
                outer.requests.append((self.path, condition))
                etag = f'"{outer.newest}"'
                version = outer.newest if self.path.startswith("/latest") else int(self.path.rsplit("-v")[-1].split(".")[0])
                if outer.broken or version > outer.newest:
                    self.answer(503 if outer.broken else 404, b"")
                elif self.path == "/latest" and condition == etag:
                    self.answer(304, b"", ETag=etag)
                else:
                    tree = json.loads((DATA / "vendor-list.json").read_text())
                    tree["vendorListVersion"] = version
                    self.answer(200, json.dumps(tree).encode(), ETag=etag)

            def answer(self, status, body, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 304:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def yaml(self, **more):
        settings = {"latest_url": f"http://127.0.0.1:{self.port}/latest",
                    "archive_url": f"http://127.0.0.1:{self.port}/v%s/archives/vendor-list-v%d.json", "preload": 0, **more}
        return "\n".join(f"    {k}: {json.dumps(v)}" for k, v in settings.items())

    def asked(self, path):
        return [condition for p, condition in self.requests if p == path]

    def stop(self):
        self.gate.set()
        self.server.shutdown()
        self.server.server_close()


def lists_at_hand(pbs, n=1):
    """Waits until the server holds so many lists."""
    deadline = time.monotonic() + 10
    while pbs.metric("nexus_pbs_vendor_lists") < n:
        assert time.monotonic() < deadline, pbs.process.log()[-2000:]
        time.sleep(0.01)
