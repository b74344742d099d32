"""A nexus-idr with a week of a market behind it and two users, for the browser tests of its dashboard: learned from the
first day on, auctions are routed as the router says. Runs until it is told to end.

    dashboard.py FOLDER    writes FOLDER/dashboard.json when all is there"""
import concurrent.futures
import json
import pathlib
import random
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from idr_stack import Idr, bid, event, no_bid  # noqa: E402
from pbs_stack import wait_until  # noqa: E402
from test_idr_login import HASH, PASSWORD, admin_env  # noqa: E402

BIDDERS = ["aster", "birch", "cedar", "daisy", "elder", "fennel", "ginger", "hazel", "iris", "juniper", "kale", "laurel"]
PLACES = [("GBR", "mobile", 4), ("USA", "mobile", 4), ("DEU", "desktop", 2), ("FRA", "desktop", 2), ("USA", "desktop", 2)]
DAYS, AUCTIONS, STEP = 7, 4200, 300


class Week:
    def __init__(self, idr):
        self.idr, self.random, self.begin, self.n = idr, random.Random(7), time.time() - DAYS * 86400, 0

    def outcome(self, code, strength):
        if self.random.random() < 0.02 + 0.12 * (code == "kale"):
            return {"bidder_code": code, "was_selected": True, "status": "timeout", "response_time_ms": 900}
        took = round(self.random.lognormvariate(4.3, 0.35), 1)
        if self.random.random() > strength:
            return no_bid(code, took)
        return bid(code, round(self.random.lognormvariate(0, 0.5) * (0.4 + 2.2 * strength), 3), won=False, ms=took)

    def auction(self, i):
        country, device, kind = PLACES[i % len(PLACES)]
        publisher = ("news.example", "games.example", "weather.example")[i % 7 % 3]
        called = BIDDERS
        if i >= STEP * 2:
            reply = self.idr.ask("POST", "/route", {
                "auction_id": f"w{i}", "publisher_id": publisher, "configured_bidders": BIDDERS,
                "bid_request": {"imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]}, "bidfloor": 0.1}],
                                "device": {"devicetype": kind, "geo": {"country": country}}}}).json()
            called = reply["selected_bidders"]
        return publisher, country, device, set(called)

    def event(self, i, publisher, country, device, called):
        rows, best = [], None
        for k, code in enumerate(BIDDERS):
            strength = 0.75 / (1 + (k + i % len(PLACES) * 3) % len(BIDDERS))
            if code not in called:
                rows.append({"bidder_code": code, "was_selected": False, "status": "not_called"})
                continue
            rows.append(self.outcome(code, strength))
            if rows[-1]["status"] == "bid" and (not best or rows[-1]["bids"][0]["cpm"] > best["bids"][0]["cpm"]):
                best = rows[-1]
        if best:
            best["bids"][0]["won"] = True
        return event(f"w{i}", self.begin + (DAYS * 86400 - 60) * i / AUCTIONS, publisher, rows, country, device_type=device)

    def run(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for first in range(0, AUCTIONS, STEP):
                some = range(first, first + STEP)
                self.idr.send([self.event(i, *asked) for i, asked in zip(some, pool.map(self.auction, some))])
                self.idr.learned(first + STEP)


def main(folder):
    idr = Idr(folder, env=admin_env(f"ada:{HASH},bob:{HASH}:viewer", IDR_CLOCK="wall",
                                        SESSION_COOKIE_SECURE="true"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        idr.ask("PUT", "/api/v1/publishers/*/settings", {"control_share": 0.2})
        Week(idr).run()
        ready = folder / "dashboard.new"
        ready.write_text(json.dumps({"page": f"http://localhost:{idr.port}", "pid": idr.process.proc.pid, "password": PASSWORD,
                                     "bidders": BIDDERS, "auctions": AUCTIONS}))
        ready.rename(folder / "dashboard.json")
        wait_until(lambda: idr.process.proc.poll() is not None, 600, "the end")
    finally:
        idr.process.stop()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
