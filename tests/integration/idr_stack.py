"""Starts the real nexus-idr on a free loopback port with its store in a temporary folder, and makes markets for it."""
import json
import os
import pathlib
import random
import signal

from pbs_stack import BIN, KEY, Process, free_port, request, wait_until

T0 = 1767225600  # 2026-01-01
CHAOS_ROUNDS = int(os.environ.get("CHAOS_ROUNDS", 6))  # kills per test; `make chaos` takes more


class Idr:
    def __init__(self, folder, yaml="", env=None, wrap=()):
        self.folder, self.wrap = pathlib.Path(folder), list(wrap)
        self.port = free_port()
        self.config = self.folder / "idr.yaml"
        self.config.write_text(yaml)
        self.env = {
            "IDR_HOST": "127.0.0.1", "IDR_PORT": str(self.port), "IDR_DATA_DIR": str(self.folder / "var"),
            "IDR_WORKERS": "1", "IDR_CLOCK": "event", "API_KEY_DEFAULT": KEY, "RATE_LIMIT_RPS": "0",
            "LOG_LEVEL": "info", **(env or {}),
        }
        self.start()

    def start(self, ready=True):
        argv = [*self.wrap, BIN / "nexus-idr", "--config", self.config]
        self.process = Process("nexus-idr", argv, self.folder, self.env)
        if ready:
            self.process.wait_ready(self.port, "/ready")

    def kill(self):
        self.process.signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.stop()
        assert self.process.proc.returncode == 0, self.process.log()[-3000:]

    def ask(self, method, path, body=None, key=KEY, headers=None, timeout=30):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        all_headers = {"Content-Type": "application/json", **({"X-API-Key": key} if key else {}), **(headers or {})}
        return request(self.port, method, path, body, all_headers, timeout)

    def route(self, auction_id="r", publisher="p1", bidders=(), country="GBR", ts=T0, **more):
        reply = self.ask("POST", "/route", {
            "auction_id": auction_id, "publisher_id": publisher, "ts": ts,
            "bid_request": {"imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]}, "bidfloor": 0.1}],
                            "device": {"devicetype": 4, "geo": {"country": country}}},
            "configured_bidders": list(bidders), **more})
        assert reply.status == 200, reply.text
        return reply.json()

    def send(self, events, **kw):
        reply = self.ask("POST", "/analytics", events, **kw)
        assert reply.status == 200, reply.text
        return reply.json()

    def stats(self, publisher="p1", query="days=30"):
        reply = self.ask("GET", f"/stats/{publisher}?{query}")
        assert reply.status == 200, reply.text
        return reply.json()

    def metric(self, name):
        for line in self.ask("GET", "/metrics").text.splitlines():
            if line.startswith(name + " ") or line.startswith(name + "{"):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no metric {name}")

    def learned(self, events):
        wait_until(lambda: self.metric("nexus_idr_index_events") >= events, 20, f"{events} events are learned")


def event(auction_id, ts=T0, publisher="p1", bidders=None, country="GBR", **more):
    return {"auction_id": auction_id, "ts": ts, "publisher_id": publisher, "country": country, "device_type": "mobile",
            "os": "ios", "browser": "safari", "ids": ["uid2"], "routing_mode": "normal",
            "imps": [{"id": "1", "ad_format": "banner", "ad_size": "300x250", "floor": 0.1, "floor_cur": "USD"}],
            "bidders": bidders if bidders is not None else [bid("aster", 1.5)], **more}


def bid(code, cpm, won=True, ms=80):
    return {"bidder_code": code, "was_selected": True, "status": "bid", "response_time_ms": ms,
            "bids": [{"imp": "1", "cpm": cpm, "cur": "USD", "won": won}]}


def no_bid(code, ms=80):
    return {"bidder_code": code, "was_selected": True, "status": "no_bid", "response_time_ms": ms}


class Market:
    """A dozen bidders of which few bid; deterministic by seed."""
    codes = [f"bidder{i:02}" for i in range(12)]

    def __init__(self, seed=1):
        self.random, self.n = random.Random(seed), 0

    def event(self, called=None):
        out, best = [], None
        for i, code in enumerate(self.codes):
            bids, cpm = self.random.random() < 0.9 / (1 + i), round(self.random.uniform(0.5, 3) / (1 + i / 4), 3)
            if called is not None and code not in called:
                out.append({"bidder_code": code, "was_selected": False, "status": "not_called"})
            elif bids:
                out.append(bid(code, cpm, won=False))
                if best is None or cpm > best["bids"][0]["cpm"]:
                    best = out[-1]
            else:
                out.append(no_bid(code))
        if best:
            best["bids"][0]["won"] = True
        self.n += 1
        return event(f"m{self.n}", T0 + self.n / 10, bidders=out)

    def events(self, n):
        return [self.event() for _ in range(n)]


def ndjson(events):
    return "\n".join(json.dumps(e) for e in events)
