#!/usr/bin/env python3
"""Measures the real binaries against mock bidders and prints a table and JSON.

The measured process is pinned to one CPU, everything else to the other. CPU time is user + system of that process from
/proc; figures are medians over the runs. On a shared machine read ratios, not single numbers.
"""
import argparse
import contextlib
import http.client
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import pbs_stack  # noqa: E402
from pbs_stack import KEY, Process, free_port  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
CPUS = sorted(os.sched_getaffinity(0))
MEASURED, OTHERS = {CPUS[0]}, set(CPUS[1:]) or {CPUS[0]}


def pin(pid, cpus):
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), cpus)


def cpu_us(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / TICKS


def rss_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read())[1]) / 1024


def auction(n_bidders, names):
    bidders = {name: {"unit": "top", "placement": 1234567} for name in names[:n_bidders]}
    banner = {"format": [{"w": 300, "h": 250}, {"w": 300, "h": 600}], "pos": 1}
    return {
        "id": "bench-1",
        "imp": [{"id": str(i), "banner": banner, "bidfloor": 0.1, "bidfloorcur": "USD", "secure": 1,
                 "ext": {"gpid": f"/1234/home/{i}", "prebid": {"bidder": bidders}}} for i in (1, 2)],
        "site": {"id": "news", "domain": "news.example.com", "page": "https://news.example.com/world/europe/article-1234",
                 "cat": ["IAB12", "IAB12-1"], "publisher": {"id": "pub-1", "domain": "example.com"}},
        "device": {"ua": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
                   "ip": "203.0.114.7", "devicetype": 2, "os": "windows", "language": "en", "w": 1920, "h": 1080,
                   "geo": {"country": "GBR", "region": "ENG", "lat": 51.5, "lon": -0.12}},
        "user": {"id": "0f2c8a1e", "eids": [{"source": "uidapi.com", "uids": [{"id": "A4AAAABlh75XmviGJi-hkLGs96duivRhMd3a3pe7yTIwbAHudfB9"}]}]},
        "regs": {"gdpr": 0}, "at": 1, "tmax": 1000, "cur": ["USD"],
        "ext": {"prebid": {"targeting": {"includewinners": True, "includebidderkeys": True}}},
    }


def wrk(port, path, body, connections, seconds, folder, headers=()):
    script = pathlib.Path(folder) / "wrk.lua"
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(json.dumps(body))}", f'wrk.headers["X-API-Key"] = "{KEY}"']
    lines += [f'wrk.headers["{k}"] = "{v}"' for k, v in headers]
    lines.append('done = function(s, l, r) io.write(string.format("R %d %d %d %d %d %d\\n", s.requests, s.errors.status + '
                 's.errors.timeout + s.errors.read + s.errors.connect, s.duration, l:percentile(50), l:percentile(95), l:percentile(99))) end')
    script.write_text("\n".join(lines))
    out = subprocess.run(["taskset", "-c", ",".join(map(str, OTHERS)), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
                          "--timeout", "30s", "-s", str(script), f"http://127.0.0.1:{port}{path}"],
                         capture_output=True, text=True, check=True).stdout
    n, errors, us, p50, p95, p99 = map(int, re.search(r"^R (\d+) (\d+) (\d+) (\d+) (\d+) (\d+)$", out, re.M).groups())
    return {"requests": n, "errors": errors, "per_s": n * 1e6 / us, "p50_us": p50, "p95_us": p95, "p99_us": p99}


def measure(pid, port, path, body, connections, args, folder):
    rows = []
    wrk(port, path, body, connections, 1, folder)  # connections, caches, branch predictors
    for _ in range(args.runs):
        before = cpu_us(pid)
        row = wrk(port, path, body, connections, args.seconds, folder)
        row["cpu_us"] = (cpu_us(pid) - before) / max(1, row["requests"])
        rows.append(row)
    row = {k: statistics.median(r[k] for r in rows) for k in rows[0]}
    row["rss_mib"] = rss_mib(pid)
    return row


def bench_pbs(args, rows, with_router):
    with tempfile.TemporaryDirectory() as folder:
        names = [f"bidder{i:02d}" for i in range(15)]
        idr = None
        env = {}
        if with_router:
            port = free_port()
            idr = Process("nexus-idr", [pbs_stack.BIN / "nexus-idr"], folder,
                          {"IDR_HOST": "127.0.0.1", "IDR_PORT": str(port), "IDR_DATA_DIR": f"{folder}/idr", "API_KEY_DEFAULT": KEY,
                           "IDR_WORKERS": "1", "RATE_LIMIT_RPS": "0", "LOG_LEVEL": "warn"})
            idr.wait_ready(port, "/ready")
            pin(idr.proc.pid, OTHERS)
            # every bidder is called, as without a router: the cost of asking is what is measured
            pbs_stack.request(port, "PUT", "/api/v1/publishers/pub-1/settings", json.dumps({"mode": "bypass"}), {"X-API-Key": KEY})
        pbs = pbs_stack.Pbs(folder, dict.fromkeys(names, "price=1.5"), port if with_router else None,
                            env={**env, "RATE_LIMIT_RPS": "0", "LOG_LEVEL": "warn", "EVENT_FLUSH_MS": "200"})
        pid = pbs.process.proc.pid
        pin(pid, MEASURED)
        pin(pbs.mock.proc.pid, OTHERS)
        idle = rss_mib(pid)
        for n in (1, 5, 15):
            row = measure(pid, pbs.port, "/openrtb2/auction", auction(n, names), 16, args, folder)
            rows.append({"what": f"auction, {n} bidders" + (", router asked" if with_router else ""), **row})
        rows[-1]["rss_idle_mib"] = idle
        pbs.stop()
        if idr:
            idr.stop()


def allocations(n_auctions):
    """jemalloc's count of allocations over the life of a nexus-pbs that served so many auctions of five bidders."""
    with tempfile.TemporaryDirectory() as folder:
        names = [f"bidder{i:02d}" for i in range(5)]
        pbs = pbs_stack.Pbs(folder, dict.fromkeys(names, "price=1.5"), None,
                            env={"RATE_LIMIT_RPS": "0", "LOG_LEVEL": "warn", "MALLOC_CONF": "stats_print:true"})
        body = json.dumps(auction(5, names))
        for _ in range(n_auctions):
            pbs.post(body)
        pbs.process.stop()
        log = pbs.process.log()
        pbs.mock.stop()
        return int(re.search(r"^total: +\d+ +(\d+)", log[log.rindex("Merged arenas"):], re.M)[1])


def bench_allocations(args, rows):
    few, many = allocations(100), allocations(1100)
    rows.append({"what": "allocations per auction, 5 bidders", "count": (many - few) / 1000})


def bench_in_flight(args, rows):
    """1,000 auctions in flight against five bidders of 100 ms each."""
    with tempfile.TemporaryDirectory() as folder:
        names = [f"bidder{i:02d}" for i in range(5)]
        pbs = pbs_stack.Pbs(folder, dict.fromkeys(names, "latency_ms=100"), None,
                            env={"RATE_LIMIT_RPS": "0", "LOG_LEVEL": "warn"})
        pid = pbs.process.proc.pid
        pin(pid, MEASURED)
        pin(pbs.mock.proc.pid, OTHERS)
        idle = rss_mib(pid)
        row = measure(pid, pbs.port, "/openrtb2/auction", auction(5, names), 1000, args, folder)
        row["kib_per_open_call"] = (row["rss_mib"] - idle) * 1024 / 5000
        rows.append({"what": "1,000 auctions in flight x 5 bidders of 100 ms", **row})
        pbs.stop()


def bench_route(args, rows):
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        idr = Process("nexus-idr", [pbs_stack.BIN / "nexus-idr"], folder,
                      {"IDR_HOST": "127.0.0.1", "IDR_PORT": str(port), "IDR_DATA_DIR": f"{folder}/idr", "API_KEY_DEFAULT": KEY,
                       "IDR_WORKERS": "1", "RATE_LIMIT_RPS": "0", "LOG_LEVEL": "warn"})
        idr.wait_ready(port, "/ready")
        pin(idr.proc.pid, MEASURED)
        for n in (15, 60):
            names = [f"bidder{i:02d}" for i in range(n)]
            full = auction(0, names)
            body = {"auction_id": "bench", "publisher_id": "pub-1", "ts": time.time(), "configured_bidders": names, "scores": False,
                    "bid_request": {"imp": [{"id": "1", "banner": full["imp"][0]["banner"], "bidfloor": 0.1}], "site": full["site"],
                                    "device": {k: full["device"][k] for k in ("devicetype", "os", "geo")},
                                    "user": {"eids": [{"source": "uidapi.com"}]}}}
            row = measure(idr.proc.pid, port, "/route", body, 16, args, folder)
            rows.append({"what": f"/route, {n} bidders", **row})
        idr.stop()


class Idr:
    """nexus-idr on one core, all of its threads, with its store in `folder`/var."""

    def __init__(self, folder, **env):
        self.port = free_port()
        begin = time.monotonic()
        self.process = Process("nexus-idr", ["taskset", "-c", str(min(MEASURED)), pbs_stack.BIN / "nexus-idr"], folder,
                               {"IDR_HOST": "127.0.0.1", "IDR_PORT": str(self.port), "IDR_DATA_DIR": f"{folder}/var",
                                "API_KEY_DEFAULT": KEY, "IDR_WORKERS": "1", "RATE_LIMIT_RPS": "0", "LOG_LEVEL": "warn", **env})
        pbs_stack.wait_until(self.is_ready, 600, "nexus-idr is ready")
        self.start_s, self.start_cpu_s = time.monotonic() - begin, cpu_us(self.process.proc.pid) / 1e6

    def is_ready(self):
        assert self.process.proc.poll() is None, self.process.log()[-3000:]
        with contextlib.suppress(OSError):
            return pbs_stack.request(self.port, "GET", "/ready").status == 200
        return False

    def get(self, path, headers=None):
        reply = pbs_stack.request(self.port, "GET", path, headers={"X-API-Key": KEY, **(headers or {})})
        assert reply.status == 200, reply.text
        return reply

    def timed(self, path, times=9, headers=None):
        """Median wall clock and mean CPU time of one answer, ms."""
        walls, before = [], cpu_us(self.process.proc.pid)
        for _ in range(times):
            begin = time.monotonic()
            self.get(path, headers)
            walls.append((time.monotonic() - begin) * 1000)
        return statistics.median(walls), (cpu_us(self.process.proc.pid) - before) / 1000 / times


def bench_history(args, rows):
    """Start and statistics on a history of args.history_rows bidder rows over 90 days."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(args.history_dir or temporary)
        if not (folder / "var/idr.db").exists():
            folder.mkdir(exist_ok=True)
            subprocess.run([pbs_stack.BIN / "history-fill", folder / "var", str(args.history_rows), "90"], check=True,
                           stdout=subprocess.DEVNULL)
        (folder / "var/index.snapshot").unlink(missing_ok=True)
        idr = Idr(folder)
        rows.append({"what": "start without a snapshot: ready, ms", "count": idr.start_s * 1000})
        rows.append({"what": "  its CPU time, ms", "count": idr.start_cpu_s * 1000})
        idr.process.stop()  # writes the snapshot
        idr = Idr(folder)
        rows.append({"what": "start with one: ready, ms", "count": idr.start_s * 1000})
        for where in ("/stats/pub-0", "/stats"):
            for step in ("day", "hour"):
                for by in ("bidder", "country", "device", "format"):
                    wall, cpu = idr.timed(f"{where}?days=90&granularity={step}&by={by}")
                    rows.append({"what": f"{where} by {step} and {by}: ms", "count": wall, "cpu_ms": cpu})
            wall, cpu = idr.timed(f"{where}?days=90&by=country", headers={"Accept": "text/csv"})
            rows.append({"what": f"{where} as CSV by day and country: ms", "count": wall, "cpu_ms": cpu})
        idr.process.stop()


def outcome(n, at):
    bidders = []
    for i in range(12):
        row = {"bidder_code": f"bidder{(n + i) % 40:02}", "was_selected": True, "status": "no_bid", "response_time_ms": 60 + i}
        if (n + i) % 4 == 0:
            row.update(status="bid", bids=[{"imp": "1", "cpm": 1.25 + i / 10, "cur": "USD", "won": i == 0}])
        bidders.append(row)
    return {"auction_id": f"bench-{n}", "ts": at + n / 1000, "publisher_id": f"pub-{n % 200}", "country": "GBR", "device_type": "mobile",
            "os": "ios", "browser": "safari", "ids": ["uid2"], "routing_mode": "normal", "total_configured": 15,
            "imps": [{"id": "1", "ad_format": "banner", "ad_size": "300x250", "floor": 0.1, "floor_cur": "USD"}], "bidders": bidders}


def bench_analytics(args, rows):
    """Bodies of 500 events with 12 bidders each, one after the other over one connection; every one is new."""
    at, bodies = time.time(), []
    for b in range(40):
        bodies.append("\n".join(json.dumps(outcome(b * 500 + i, at)) for i in range(500)))
    for sync in ("full", "normal"):
        with tempfile.TemporaryDirectory() as folder:
            idr = Idr(folder, IDR_STORE_SYNC=sync)
            conn = http.client.HTTPConnection("127.0.0.1", idr.port)
            before, begin = cpu_us(idr.process.proc.pid), time.monotonic()
            for body in bodies:
                conn.request("POST", "/analytics", body, {"X-API-Key": KEY, "Content-Type": "application/x-ndjson"})
                reply = conn.getresponse()
                assert reply.status == 200 and json.loads(reply.read())["duplicates"] == 0
            n, took = len(bodies) * 500 * 12, time.monotonic() - begin
            rows.append({"what": f"/analytics, store.sync {sync}: bidder rows per s", "count": n / took})
            rows.append({"what": "  per s of CPU time, learning included",
                         "count": n * 1e6 / (cpu_us(idr.process.proc.pid) - before)})
            idr.process.stop()


def bench_privacy(args, rows):
    """privacy-bench, the figures of docs/privacy.md."""
    measured = json.loads(subprocess.run([pbs_stack.BIN / "privacy-bench"], capture_output=True, check=True).stdout)
    rows.append({"what": "decoding a consent string, ns", "count": measured["decode_ns"]})
    rows.append({"what": "privacy for 15 bidders, us", "count": measured["stage_us"]})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", default="")
    parser.add_argument("--json", default="")
    parser.add_argument("--history-rows", type=int, default=10000000)
    parser.add_argument("--history-dir", default="", help="keep the history there for the next time; it takes 100 bytes a row")
    args = parser.parse_args()
    rows = []
    parts = {"pbs": lambda: bench_pbs(args, rows, False), "routed": lambda: bench_pbs(args, rows, True),
             "allocations": lambda: bench_allocations(args, rows), "privacy": lambda: bench_privacy(args, rows),
             "flight": lambda: bench_in_flight(args, rows), "route": lambda: bench_route(args, rows),
             "analytics": lambda: bench_analytics(args, rows), "history": lambda: bench_history(args, rows)}
    for name, part in parts.items():
        if not args.only or name in args.only.split(","):
            print(f"measuring {name} ...", file=sys.stderr, flush=True)
            part()
    cpu = re.search(r"model name\s*:\s*(.*)", open("/proc/cpuinfo").read())
    print(f"machine: {cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}")
    print(f"{'what':<48} {'CPU us':>8} {'per s':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'RSS MiB':>8} {'errors':>7}")
    for r in rows:
        if "count" in r:
            print(f"{r['what']:<48} {r['count']:>8.0f}" + (f"   CPU {r['cpu_ms']:.0f} ms" if "cpu_ms" in r else ""))
            continue
        print(f"{r['what']:<48} {r['cpu_us']:>8.0f} {r['per_s']:>8.0f} {r['p50_us'] / 1000:>8.2f} {r['p95_us'] / 1000:>8.2f} "
              f"{r['p99_us'] / 1000:>8.2f} {r['rss_mib']:>8.1f} {r['errors']:>7.0f}")
        if "kib_per_open_call" in r:
            print(f"  {r['kib_per_open_call']:.1f} KiB per open call")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
