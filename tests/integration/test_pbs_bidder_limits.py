"""limits of a bidder's file: who may ask it, from where, and how often. What they leave out has a reason."""
from pbs_stack import FakeRouter, Pbs, banner_request, running, seats, wait_until


def ask(pbs, country=None, publisher="pub-1", imps=1):
    body = banner_request(["acme", "aster"])
    body["imp"] = [dict(body["imp"][0], id=str(i + 1)) for i in range(imps)]
    body["site"]["publisher"]["id"] = publisher
    body["ext"]["prebid"]["returnallbidstatus"] = True
    if country:
        body["device"]["geo"] = {"country": country}
    reply = pbs.post(body)
    assert reply.status == 200, reply.text
    return reply.json()


def nonbids(reply):
    return {(s["seat"], n["impid"]): n["statuscode"] for s in reply["ext"]["prebid"].get("seatnonbid", [])
            for n in s["nonbid"]}


def warnings(reply, bidder):
    return [w["message"] for w in reply["ext"].get("warnings", {}).get(bidder, []) if w["code"] == 10018]


def test_only_the_countries_and_publishers_of_the_list(tmp_path):
    info = {"acme": "limits: { countries: [USA, JPN], publishers: [pub-1, pub-2] }\n"}
    with running(Pbs(tmp_path, {"acme": "price=2", "aster": "price=1"}, info=info)) as (pbs,):
        assert set(seats(ask(pbs, "USA"))) == {"acme", "aster"}
        for country, publisher, reason in [("BRA", "pub-1", 'country "BRA"'), (None, "pub-1", 'country ""'),
                                           ("JPN", "pub-9", 'publisher "pub-9"')]:
            reply = ask(pbs, country, publisher)
            assert set(seats(reply)) == {"aster"}
            assert nonbids(reply) == {("acme", "1"): 200}
            assert warnings(reply, "acme") == [f"Bidder acme is not asked: {reason} is none that its limits allow"]
        assert pbs.calls() == {"acme": 1, "aster": 4}
        assert pbs.metric("nexus_pbs_bidder_limited_total", bidder="acme", limit="country") == 2
        assert pbs.metric("nexus_pbs_bidder_limited_total", bidder="acme", limit="publisher") == 1


def test_no_more_calls_a_second_than_it_takes(tmp_path):
    """The calls of one auction leave at once, so the first uses up what a second allows."""
    info = {"acme": "limits: { qps: 1 }\ngeneric: { split: imp }\n"}
    with running(Pbs(tmp_path, {"acme": "price=2", "aster": "price=1"}, info=info)) as (pbs,):
        reply = ask(pbs, imps=3)
        assert [b["impid"] for b in seats(reply)["acme"]] == ["1"]
        assert nonbids(reply) == {("acme", "2"): 200, ("acme", "3"): 200}
        assert warnings(reply, "acme") == ["Bidder acme is limited to 1 calls per second"] * 2
        assert pbs.calls() == {"acme": 1, "aster": 1}
        assert pbs.metric("nexus_pbs_bidder_limited_total", bidder="acme", limit="qps") == 2
        assert pbs.metric("nexus_pbs_bidder_calls_total", bidder="acme") == 1


def test_the_rate_holds_over_all_workers(tmp_path):
    info = {"acme": "limits: { qps: 1 }\n"}
    with running(Pbs(tmp_path, {"acme": "price=2", "aster": "price=1"}, info=info,
                     env={"PBS_WORKERS": "4"})) as (pbs,):
        limited = lambda: pbs.metric("nexus_pbs_bidder_limited_total", bidder="acme", limit="qps")
        n = 0
        while n < 40 or limited() == 0:
            ask(pbs)
            n += 1
        assert pbs.calls()["acme"] + limited() == n


def test_the_router_learns_nothing_from_what_was_not_asked(tmp_path):
    router = FakeRouter()
    info = {"acme": "limits: { countries: [USA] }\n", "aster": "limits: { qps: 1 }\n"}
    with running(router, Pbs(tmp_path, {"acme": "price=2", "aster": "price=1"}, idr_port=router.port,
                             info=info)) as (_, pbs):
        limited = lambda: pbs.metric("nexus_pbs_bidder_limited_total", bidder="aster", limit="qps")
        n = 0
        while limited() == 0:
            ask(pbs, "BRA")
            n += 1
        assert all(r["configured_bidders"] == ["aster"] for r in router.routes)
        wait_until(lambda: len(router.events) == n, what="an event of every auction")
        status = [{b["bidder_code"]: b["status"] for b in e["bidders"]} for e in router.events]
        assert status[0] == {"acme": "not_called", "aster": "bid"}
        assert status[-1] == {"acme": "not_called", "aster": "not_called"}
