#!/usr/bin/env python3
"""Do both services hold their rate on machines of 256 MB each, and how much more?

Each service runs in a memory cgroup of its own (its threads, its page cache, its kernel buffers), swap not allowed, so that
what does not fit is killed; both are pinned to one CPU, mock bidders and the load to the others. Before anything is
measured the memory that fills over time is filled: the cache of bids to its ceiling, the router's index with publishers.
Then auctions are started at a fixed rate, whether or not earlier ones have ended, and rates rise until one fails. An auction
has two imps and 15 bidders of 20 to 150 ms, is routed, reported, and its bids are cached. The limits are those of fly/pbs.toml.

    small_machine.py [--memory MB] [--seconds N] [--rates 75,150,...] [--must RATE] [--flood RATE] [--fill AUCTIONS]
The status is 0 when every auction at --must was answered with bids and within tmax, and no service was killed, also not at
--flood, where more come than can be answered: those that are too many get 503 at once. It is 75 where the load itself could
not be made in time.
"""
import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import random
import sys
import tempfile
import time
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import bench  # noqa: E402
from cgroup_kit import Cgroup  # noqa: E402
from idr_stack import Idr, event, bid, no_bid, ndjson  # noqa: E402
from pbs_stack import KEY, Pbs, Process, BIN  # noqa: E402

NAMES = [f"bidder{i:02d}" for i in range(15)]
TMAX_MS = 1000
LATE_MS = 30  # of load that is late itself nothing can be learned but that
FLY = tomllib.loads((pathlib.Path(__file__).resolve().parents[2] / "fly/pbs.toml").read_text())["env"]
LIMITS = {k: v for k, v in FLY.items() if "_MAX_" in k}


class SmallPbs(Pbs):
    wrap = ()

    def start(self):
        self.process = Process("nexus-pbs", [*self.wrap, BIN / "nexus-pbs", "--config", self.config], self.folder, self.env)
        self.process.wait_ready(self.port, "/ready")


def fill_cache(pbs):
    """With more than fits, in values of the largest size, so that what was there first has gone by the end."""
    value = {"type": "xml", "value": "x" * 250_000, "ttlseconds": 3600}
    body = json.dumps({"puts": [value] * 4})
    for _ in range(80):
        assert pbs.post(body, "/cache").status == 200


def fill_index(idr, auctions):
    """Many publishers, countries and bidders: every new pair of them is a row of the index."""
    rng = random.Random(1)
    countries = ["GBR", "USA", "DEU", "FRA", "JPN", "BRA", "IND", "CAN", "ESP", "ITA"]
    now = time.time()
    for start in range(0, auctions, 500):
        batch = []
        for i in range(start, min(start + 500, auctions)):
            parts = [bid(name, rng.uniform(0.2, 3), won=False) if rng.random() < 0.4 else no_bid(name) for name in NAMES]
            batch.append(event(f"fill-{i}", now - auctions / 100 + i / 100, publisher=f"pub-{rng.randrange(2000)}",
                               country=rng.choice(countries), bidders=parts))
        while idr.ask("POST", "/analytics", ndjson(batch), headers={"Content-Type": "application/x-ndjson"}).status == 503:
            time.sleep(0.05)
    idr.learned(auctions)


class Client:
    """Auctions at a fixed rate over kept-alive connections; a connection that is busy is not waited for."""

    def __init__(self, port, seed):
        self.port, self.idle, self.seed = port, [], seed
        self.ms, self.late_ms, self.bad, self.shed = [], [], [], 0
        # Made before the clock runs: the load shares its processor with the bidders.
        self.bodies = [self.body(publisher) for publisher in range(50)]

    def body(self, publisher):
        body = bench.auction(len(NAMES), NAMES)
        body.update(id="auction-00000000", tmax=TMAX_MS)
        body["site"]["publisher"]["id"] = f"pub-{publisher}"
        body["ext"]["prebid"]["cache"] = {"bids": {}}
        return json.dumps(body).encode()

    def request(self, n):
        text = self.bodies[n % len(self.bodies)].replace(b"auction-00000000", b"auction-%02d%06d" % (self.seed % 100, n), 1)
        return b"POST /openrtb2/auction HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n\r\n%s" % (
            KEY.encode(), len(text), text)

    async def one(self, n, due):
        self.late_ms.append(1000 * (time.monotonic() - due))
        try:
            reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(self.request(n))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            body = await asyncio.wait_for(reader.readexactly(length), 10)
            ms = 1000 * (time.monotonic() - due)
            if b" 503 " in head[:15]:
                self.shed += 1
            elif b" 200 " not in head[:15] or b'"seatbid"' not in body or ms > TMAX_MS:
                self.bad.append(f"{head.split(chr(13).encode())[0].decode()}, {ms:.0f} ms, {len(body)} bytes")
            self.ms.append(ms)
            self.idle.append((reader, writer))
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as e:
            self.bad.append(repr(e))

    async def run(self, rate, seconds):
        begin, tasks = time.monotonic(), []
        for n in range(int(rate * seconds)):
            due = begin + n / rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(self.one(n, due)))
        await asyncio.gather(*tasks)
        for _, writer in self.idle:
            writer.close()


def step(rate, seconds, pbs, idr, groups):
    client = Client(pbs.port, int(rate))
    pids = [pbs.process.proc.pid, idr.process.proc.pid]
    before, start = [bench.cpu_us(p) for p in pids], time.monotonic()
    asyncio.run(client.run(rate, seconds))
    took = time.monotonic() - start
    cpu = [(bench.cpu_us(p) - b) / took / 1e4 for p, b in zip(pids, before)]
    ms = sorted(client.ms) or [float("nan")]
    alive = all(t.process.proc.poll() is None for t in (pbs, idr))
    return {"rate": rate, "sent": int(rate * seconds), "bad": client.bad, "late": sorted(client.late_ms)[len(client.late_ms) * 9 // 10], "shed": client.shed, "alive": alive,
            "p50": ms[len(ms) // 2], "p99": ms[int(len(ms) * 0.99)], "cpu_pbs": cpu[0], "cpu_idr": cpu[1],
            "mib_pbs": groups[0].peak_mib(pids[0]), "mib_idr": groups[1].peak_mib(pids[1])}


def go_first():
    """What else runs on this machine is not to be measured; where that is not allowed, --must says when it was in the way."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memory", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rates", default="75,150,300,450,600")
    parser.add_argument("--must", type=float, default=75)
    parser.add_argument("--flood", type=float, default=1500)
    parser.add_argument("--fill", type=int, default=60000, metavar="AUCTIONS", help="for the router's index; 0 fills nothing")
    args = parser.parse_args()
    go_first()
    groups = [Cgroup("pbs", args.memory), Cgroup("idr", args.memory)]
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        for g in groups:
            stack.callback(g.remove)
        (pathlib.Path(folder) / "idr").mkdir()
        idr = Idr(pathlib.Path(folder) / "idr", env={"IDR_CLOCK": "wall", "LOG_LEVEL": "warn"}, wrap=groups[1].wrap())
        stack.callback(lambda: idr.process.proc.poll() is None and idr.stop())
        SmallPbs.wrap = groups[0].wrap()
        pbs = SmallPbs(folder, {name: f"latency_ms={20 + 9 * i}&bid=1&price={1 + i / 10}&spread=0.3" for i, name in enumerate(NAMES)},
                       idr.port, env={"RATE_LIMIT_RPS": "0", "LOG_LEVEL": "warn", "EVENT_FLUSH_MS": "1000", "IDR_API_KEY": KEY, **LIMITS})
        stack.callback(lambda: pbs.process.proc.poll() is None and pbs.stop())
        for service in (pbs, idr):
            bench.pin(service.process.proc.pid, bench.MEASURED)
        bench.pin(pbs.mock.proc.pid, bench.OTHERS)
        os.sched_setaffinity(0, bench.OTHERS)
        print(f"ceiling of each: {args.memory} MiB" + "".join(f" ({g.why}: measured, not enforced)" for g in groups[:1] if g.why))
        if args.fill:
            fill_cache(pbs)
            fill_index(idr, args.fill)
        print("rate/s     sent   503   bad   p50 ms  p99 ms  CPU pbs  CPU idr  peak pbs  peak idr")
        held = 0
        for rate in [*map(float, args.rates.split(",")), *([args.flood] if args.flood else [])]:
            r = step(rate, args.seconds, pbs, idr, groups)
            print(f"{r['rate']:6.0f} {r['sent']:8d} {r['shed']:5d} {len(r['bad']):5d} {r['p50']:8.0f} {r['p99']:7.0f} {r['cpu_pbs']:7.0f}% "
                  f"{r['cpu_idr']:7.0f}% {r['mib_pbs']:5.0f} MiB {r['mib_idr']:5.0f} MiB", flush=True)
            if not r["alive"]:
                print(f"at {rate:.0f}/s a service was killed", file=sys.stderr)
                return True
            if r["bad"] and rate <= args.must and r["late"] > LATE_MS:
                print(f"this machine is busy: a tenth of the load was {r['late']:.0f} ms late itself")
                return 75
            if r["bad"]:
                print(f"at {rate:.0f}/s: {'; '.join(r['bad'][:3])}", file=sys.stderr)
            if not r["bad"] and not r["shed"]:
                held = max(held, rate)
        print(f"every auction was answered at up to {held:.0f}/s")
    return held < args.must


if __name__ == "__main__":
    sys.exit(main())
