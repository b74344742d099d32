#!/usr/bin/env python3
"""Starts nexus-idr, nexus-pbs and mock bidders, sends real auctions and shows what happened.

Everything it makes (API key, configuration, the embedded store, logs) is under --dir. With --once it ends by itself,
with status 0 only if auctions were won and routing learned: fewer calls for nearly the same revenue.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
COUNTRIES = ["GBR"] * 4 + ["USA"] * 4 + ["DEU"] * 2 + ["FRA"] * 2 + ["NLD", "ESP"]
DEVICES = {
    1: "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
    2: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
}
FORMATS = {
    "banner 300x250": {"banner": {"format": [{"w": 300, "h": 250}]}},
    "banner 300x600": {"banner": {"format": [{"w": 300, "h": 600}]}},
    "banner 970x250": {"banner": {"format": [{"w": 970, "h": 250}]}},
    "video 640x360": {"video": {"mimes": ["video/mp4"], "protocols": [2, 3], "minduration": 5, "maxduration": 30,
                                "w": 640, "h": 360, "plcmt": 1}},
    "native": {"native": {"ver": "1.2", "request": json.dumps(
        {"ver": "1.2", "context": 1, "plcmttype": 1, "assets": [{"id": 1, "required": 1, "title": {"len": 90}}]})}},
}
SITES = [("pub-1", "news.example.com"), ("pub-1", "sport.example.com"), ("pub-2", "recipes.example.org")]


HELD = []


def free_port():
    """Nobody else is given it: a socket stays bound to it that does not listen, which the services' may do beside it."""
    HELD.append(socket.socket())
    HELD[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    HELD[-1].bind(("127.0.0.1", 0))
    return HELD[-1].getsockname()[1]


class Stack:
    """The three programs, their ports and their key."""

    def __init__(self, args, profiles):
        self.args, self.dir, self.procs = args, pathlib.Path(args.dir).resolve(), []
        self.names = sorted(profiles)
        self.pbs, self.idr = args.pbs_port or free_port(), args.idr_port or free_port()
        self.admin, self.mock = free_port(), free_port()
        self.key, self.password = secrets.token_urlsafe(24), secrets.token_urlsafe(12)

    def write_config(self):
        if self.dir.exists():
            shutil.rmtree(self.dir)
        info = self.dir / "bidder-info"
        info.mkdir(parents=True)
        for name in self.names:
            media = "[banner, video, native]"
            (info / f"{name}.yaml").write_text(
                f"endpoint: http://127.0.0.1:{self.mock}/bid/{name}\n"
                f"maintainer: {{ email: {name}@example.com }}\n"
                "openrtb: { version: 2.6, gpp-supported: true }\n"
                f"capabilities: {{ site: {{ mediaTypes: {media} }}, app: {{ mediaTypes: {media} }} }}\n")

    def start(self, name, argv, env, ready):
        log = open(self.dir / f"{name}.log", "wb")
        proc = subprocess.Popen(argv, env={**os.environ, **env}, stdout=log, stderr=subprocess.STDOUT)
        self.procs.append((name, proc))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if proc.poll() is not None:
                break
            try:
                conn = http.client.HTTPConnection("127.0.0.1", ready[0], timeout=1)
                conn.request("GET", ready[1])
                if conn.getresponse().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        tail = (self.dir / f"{name}.log").read_text(errors="replace")[-2000:]
        raise SystemExit(f"{name} did not start; its log says:\n{tail}")

    def start_all(self, profiles_path):
        bin_dir = pathlib.Path(self.args.bin)
        common = {"API_KEY_DEFAULT": self.key, "LOG_LEVEL": "warn"}
        self.start("mockbidder", [bin_dir / "mockbidder", "--port", str(self.mock), "--profiles", profiles_path], {},
                   (self.mock, "/stats"))
        self.start("idr", [bin_dir / "nexus-idr"],
                   {**common, **self.login(bin_dir), "IDR_HOST": "127.0.0.1", "IDR_PORT": str(self.idr),
                    "IDR_DATA_DIR": str(self.dir / "idr")},
                   (self.idr, "/ready"))
        self.start("pbs", [bin_dir / "nexus-pbs"],
                   {**common, "PBS_HOST": "127.0.0.1", "PBS_PORT": str(self.pbs), "PBS_ADMIN_PORT": str(self.admin),
                    "IDR_URL": f"http://127.0.0.1:{self.idr}", "PBS_BIDDER_INFO_DIR": str(self.dir / "bidder-info"),
                    "PBS_EXTERNAL_URL": f"http://127.0.0.1:{self.pbs}", "EVENT_FLUSH_MS": "100"},
                   (self.pbs, "/ready"))

    def login(self, bin_dir):
        """What lets `demo` into the router's dashboard; over plain HTTP, which this machine does not leave."""
        made = subprocess.run([bin_dir / "nexus-idr", "hash-password"], input=self.password, capture_output=True, text=True, check=True)
        return {"ADMIN_USERS": f"demo:{made.stdout.strip()}", "SECRET_KEY": secrets.token_hex(32), "SESSION_COOKIE_SECURE": "false"}

    def stop(self):
        codes = {}
        for name, proc in reversed(self.procs):
            proc.send_signal(signal.SIGTERM)
            try:
                codes[name] = proc.wait(15)
            except subprocess.TimeoutExpired:
                proc.kill()
                codes[name] = "killed"
        return codes


class Client(threading.local):
    """One kept-alive connection per thread and port."""

    def __init__(self):
        self.conns = {}

    def call(self, port, method, path, body=None, key=None):
        headers = {"Content-Type": "application/json"}
        if key:
            headers["X-API-Key"] = key
        kept = port in self.conns
        conn = self.conns.get(port) or self.connect(port)
        try:
            conn.request(method, path, body, headers)
            reply = conn.getresponse()
            return reply.status, reply.read()
        except (OSError, http.client.HTTPException):
            conn.close()
            del self.conns[port]
            if kept:  # the server has closed a connection that was idle for long
                return self.call(port, method, path, body, key)
            raise

    def connect(self, port):
        conn = self.conns[port] = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        conn.connect()
        conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return conn


def make_request(number, names, debug=False):
    rnd = random.Random(number)
    publisher, domain = rnd.choice(SITES)
    device = rnd.choice(list(DEVICES))
    unit = rnd.choice(list(FORMATS))
    request = {
        "id": f"demo-{number}",
        "imp": [{"id": "1", **FORMATS[unit], "bidfloor": 0.05, "bidfloorcur": "USD",
                 "ext": {"prebid": {"bidder": {name: {"unit": unit} for name in names}}}}],
        "site": {"id": domain, "domain": domain, "page": f"https://{domain}/", "publisher": {"id": publisher}},
        "device": {"ua": DEVICES[device], "ip": "203.0.114.7", "devicetype": device,
                   "geo": {"country": rnd.choice(COUNTRIES)}},
        "regs": {"gdpr": 0},
        "tmax": 400,
        "ext": {"prebid": {"targeting": {}}},
    }
    if debug:
        request["test"] = 1
    return request


class Window:
    """What a run of auctions cost and earned."""

    def __init__(self):
        self.auctions = self.won = self.errors = 0
        self.revenue = self.possible = 0.0
        self.ms = []


def run_auctions(stack, client, first, count, threads=8):
    window, lock, numbers = Window(), threading.Lock(), iter(range(first, first + count))

    def worker():
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            body = json.dumps(make_request(number, stack.names))
            begin = time.perf_counter()
            status, reply = client.call(stack.pbs, "POST", "/openrtb2/auction", body, stack.key)
            ms = 1000 * (time.perf_counter() - begin)
            _, best = client.call(stack.mock, "POST", "/best", body)
            bids = [b for seat in json.loads(reply).get("seatbid", []) for b in seat["bid"]] if status == 200 else []
            with lock:
                window.auctions += 1
                window.errors += status != 200
                window.won += bool(bids)
                window.revenue += max((b["price"] for b in bids), default=0)
                window.possible += json.loads(best)["revenue"]
                window.ms.append(ms)

    pool = [threading.Thread(target=worker) for _ in range(threads)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    return window


def bidder_calls(stack, client):
    stats = json.loads(client.call(stack.mock, "GET", "/stats")[1])
    return sum(s["requests"] for s in stats.values())


def show_one(stack, client, number):
    """One auction in detail: who was asked, who was not and why, who bid, who won."""
    request = make_request(number, stack.names, debug=True)
    status, reply = client.call(stack.pbs, "POST", "/openrtb2/auction", json.dumps(request), stack.key)
    if status != 200:
        raise SystemExit(f"PBS answered {status}: {reply[:500]!r}")
    reply = json.loads(reply)
    routing = reply["ext"]["debug"]["routing"]
    excluded = {e["bidder"]: e["reason"] for e in routing.get("excluded", [])}
    bids = {seat["seat"]: seat["bid"][0] for seat in reply.get("seatbid", [])}
    winner = max(bids, key=lambda s: bids[s]["price"], default=None)
    times = reply["ext"].get("responsetimemillis", {})
    errors = reply["ext"].get("errors", {})
    imp = request["imp"][0]
    what = next(k for k in ("banner", "video", "native") if k in imp)
    print(f"\nAuction {request['id']}: a {what} for {request['device']['geo']['country']} on {request['site']['domain']}; "
          f"routing mode {routing['mode']}, decided in {routing['time_ms']:.2f} ms\n")
    print(f"  {'bidder':<10} {'asked':<26} {'answer':<22} {'ms':>5}")
    for name in stack.names:
        asked = "yes" if name in times else f"no: {excluded.get(name, 'not selected')}"
        if name in bids:
            answer = f"bid {bids[name]['price']:.2f} USD" + ("  <- wins" if name == winner else "")
        elif name in errors:
            answer = errors[name][0]["message"][:40]
        else:
            answer = "no bid" if name in times else ""
        print(f"  {name:<10} {asked:<26} {answer:<22} {times.get(name, ''):>5}")


def wait_for_learning(stack, client, auctions):
    """Until IDR has recorded the outcome of every auction so far."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        _, stats = client.call(stack.idr, "GET", "/stats", key=stack.key)
        if json.loads(stats).get("totals", {}).get("auctions", 0) >= auctions:
            return
        time.sleep(0.05)
    print("note: IDR has not recorded every auction yet", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--dir", default="var/demo")
    parser.add_argument("--auctions", type=int, default=4000)
    parser.add_argument("--pbs-port", type=int, default=0)
    parser.add_argument("--idr-port", type=int, default=0)
    parser.add_argument("--once", action="store_true")
    args = parser.parse_args()

    profiles = HERE / "bidders.json"
    stack, client = Stack(args, json.loads(profiles.read_text())), Client()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        stack.write_config()
        print(f"Starting mock bidders ({len(stack.names)}), nexus-idr and nexus-pbs; logs are in {stack.dir}", flush=True)
        stack.start_all(profiles)
        show_one(stack, client, 0)

        print(f"\nSending {args.auctions} auctions. 'all' is what calling every bidder would have earned.\n")
        print(f"  {'auctions':<14} {'calls each':>10} {'of all':>7} {'revenue kept':>13} {'won':>7} {'p50 ms':>7} {'p95 ms':>7}")
        windows, before, done = [], bidder_calls(stack, client), 1
        step = max(1, args.auctions // 8)
        for first in range(1, args.auctions + 1, step):
            window = run_auctions(stack, client, first, min(step, args.auctions + 1 - first))
            after = bidder_calls(stack, client)
            window.calls = (after - before) / window.auctions
            before, done = after, done + window.auctions
            window.kept = window.revenue / window.possible if window.possible else 0
            cuts = statistics.quantiles(window.ms, n=20)
            windows.append(window)
            print(f"  {first:>6}-{first + window.auctions - 1:<7} {window.calls:>10.1f} "
                  f"{100 * window.calls / len(stack.names):>6.0f}% {100 * window.kept:>12.1f}% "
                  f"{100 * window.won / window.auctions:>6.0f}% {cuts[9]:>7.0f} {cuts[18]:>7.0f}", flush=True)
            wait_for_learning(stack, client, done)
        show_one(stack, client, args.auctions + 1)

        last = windows[-len(windows) // 4:]
        calls = statistics.mean(w.calls for w in last) / len(stack.names)
        kept = sum(w.revenue for w in last) / max(1e-9, sum(w.possible for w in last))
        won, errors = sum(w.won for w in windows), sum(w.errors for w in windows)
        learned = calls <= 0.75 and kept >= 0.95
        print(f"\nAt the end {100 * (1 - calls):.0f} % of the calls are saved and {100 * kept:.1f} % of the revenue is kept; "
              f"{won} of {done} auctions were won, {errors} failed.")
        if not args.once:
            print(f"\nnexus-pbs   http://127.0.0.1:{stack.pbs}/   nexus-idr   http://127.0.0.1:{stack.idr}/\n"
                  f"The router's dashboard is the latter: log in as demo with {stack.password}\n\nTry it:\n"
                  f"  curl -s http://127.0.0.1:{stack.pbs}/openrtb2/auction -H 'X-API-Key: {stack.key}' "
                  f"-d @tests/data/banner.json\n"
                  f"  curl -s http://127.0.0.1:{stack.idr}/stats -H 'X-API-Key: {stack.key}'\n\nStop with Ctrl-C.", flush=True)
            try:
                signal.pause()
            except KeyboardInterrupt:
                print()
    finally:
        codes = stack.stop()
    dirty = {name: code for name, code in codes.items() if name != "mockbidder" and code != 0}
    if dirty:
        print(f"did not stop cleanly: {dirty}", file=sys.stderr)
    if args.once and not (won > 0 and errors == 0 and learned and not dirty):
        print("routing did not learn what it should: expected at most 75 % of the calls for at least 95 % of the revenue",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
