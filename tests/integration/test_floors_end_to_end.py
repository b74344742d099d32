"""Floors that nexus-idr computes from bids, fetched and enforced by nexus-pbs, which tells how its lot fell."""
import time

from idr_stack import Idr, bid, event
from pbs_stack import Pbs, banner_request, running, seats, wait_until

ACCOUNT = "account_defaults: { price_floors: { enabled: true, use_dynamic_data: true, fetch: { period_sec: 60 } } }\n"
SITE = {"site": {"id": "s", "page": "https://news.example.com/", "publisher": {"id": "pub-1"}},
        "device": {"ua": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile", "ip": "203.0.114.7", "devicetype": 4,
                   "geo": {"country": "USA"}}}


def past_of(pbs_floor, now):
    """Auctions in which the best bid was 2.00: 250 on a phone in the United States; dearer ones in Canada."""
    return [event(f"us{i}", now - i, "pub-1", [bid("aster", 2.0)], "USA", imps=imp(pbs_floor)) for i in range(250)] + \
        [event(f"ca{i}", now - i, "pub-1", [bid("aster", 8.0)], "CAN", imps=imp(pbs_floor)) for i in range(250)]


def imp(floor):
    return [{"id": "1", "ad_format": "banner", "ad_size": "300x250", "floor": floor, "floor_cur": "USD"}]


def test_computed_floors_are_enforced(tmp_path):
    (tmp_path / "idr").mkdir()
    idr = Idr(tmp_path / "idr", "floors: { min_auctions: 200, holdout_percent: 40 }", env={"IDR_CLOCK": "wall"})
    with running(idr):
        idr.send(past_of(0.1, time.time()))
        data = idr.ask("GET", "/floors/pub-1").json()
        group = data["modelGroups"][0]
        assert group["schema"]["fields"] == ["mediaType", "country", "deviceType"]
        american = group["values"]["banner|usa|phone"]
        assert 2.0 < american < 2.4 and group["values"]["banner|can|phone"] > 8
        with running(Pbs(tmp_path, {"aster": "price=3", "birch": "price=1"}, idr_port=idr.port, yaml=ACCOUNT)) as (pbs,):
            def floors(reply):
                return reply["ext"]["debug"]["resolvedrequest"]["ext"]["prebid"]["floors"]
            wait_until(lambda: floors(pbs.auction(**SITE)).get("location") == "fetch", 10, "the floors are fetched")
            lots = {True: 0, False: 0}
            for i in range(60):
                reply = pbs.post(banner_request(["aster", "birch"], id=f"real{i}", **SITE)).json()
                skipped = floors(reply)["skipped"]
                lots[skipped] += 1
                assert "aster" in seats(reply)
                assert ("birch" in seats(reply)) == skipped, "1.00 is below the floor"
                told = pbs.last_request("aster")["body"]["imp"][0].get("bidfloor")
                assert told is None if skipped else abs(told - american) < 0.01
            assert lots[True] > 10 and lots[False] > 10

            def measured():
                lift = idr.ask("GET", "/stats/pub-1?days=2").json()["floor_lift"]
                heard = lift["applied_auctions"] >= lots[False] and lift["skipped_auctions"] >= lots[True]
                return lift if heard else None
            lift = wait_until(measured, 20, "the router has heard of all of either lot")
            assert lift["revenue_per_1000_auctions_applied"] == 3


def test_never_below_the_publisher_s_own_floor(tmp_path):
    with running(Idr(tmp_path, "floors: { min_auctions: 200 }", env={"IDR_CLOCK": "wall"})) as (idr,):
        idr.send([event(f"a{i}", time.time() - i, "pub-1", [bid("aster", 0.5 if i % 2 else 5)], imps=imp(3)) for i in range(400)])
        values = idr.ask("GET", "/floors/pub-1").json()["modelGroups"][0]["values"]
        assert values and min(values.values()) >= 3


def test_floors_that_do_harm_are_taken_back(tmp_path):
    now = time.time()
    with running(Idr(tmp_path, "floors: { min_auctions: 200 }", env={"IDR_CLOCK": "wall"})) as (idr,):
        idr.send(past_of(0.1, now))
        assert len(idr.ask("GET", "/floors/pub-1").json()["modelGroups"][0]["values"]) > 1
        idr.send([event(f"x{i}", now - i, "pub-1", [bid("aster", 2.3)] if i % 2 else [], floors="applied") for i in range(400)]
                 + [event(f"y{i}", now - i, "pub-1", [bid("aster", 2)], floors="skipped") for i in range(60)])
        assert idr.stats("pub-1", "days=2")["floor_lift"]["revenue_per_1000_auctions_difference_high"] < 0
        assert idr.ask("GET", "/floors/pub-1").json()["modelGroups"][0]["values"] == {"*": 0}
        assert "floors_do_harm" in idr.process.log()
