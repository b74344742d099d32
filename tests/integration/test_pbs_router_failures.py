"""Whatever the router does, the auction answers and every eligible bidder is called."""
import socket
import threading

import pytest

from pbs_stack import FakeRouter, Pbs, free_port, running, seats, wait_until

BIDDERS = {"aster": "", "birch": "", "cedar": ""}
PATIENT = {"IDR_TIMEOUT_MS": "1000"}  # where the router's answer matters, on a busy machine too
HASTY = {"IDR_TIMEOUT_MS": "20"}      # where its silence does


class Late:
    """Answers as soon as the auction is over, and no sooner."""

    def __init__(self):
        self.over = threading.Event()

    def __call__(self, handler, body):
        self.over.wait(20)
        FakeRouter.select(["aster"])(handler, body)


def half_a_body(handler, body):
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"auction_id":"')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def answering(status, text):
    return lambda handler, body: handler.answer(status, text)


FAILURES = [
    ("an error status", answering(500, b"broken"), "error"),
    ("garbage", answering(200, b"<html>"), "invalid_reply"),
    ("an empty list", answering(200, b'{"selected_bidders":[]}'), "invalid_reply"),
    ("only names that were not asked about", FakeRouter.select(["nobody"]), "invalid_reply"),
    ("a list of the wrong type", answering(200, b'{"selected_bidders":"aster"}'), "invalid_reply"),
    ("half a body", half_a_body, "error"),
]


@pytest.mark.parametrize("why,behave,reason", FAILURES, ids=[f[0] for f in FAILURES])
def test_every_bidder_is_called(tmp_path, why, behave, reason):
    router = FakeRouter()
    router.behave = behave
    with running(router, Pbs(tmp_path, BIDDERS, router.port, env=PATIENT)) as (_, pbs):
        reply = pbs.auction()
        assert set(seats(reply)) == set(BIDDERS)
        routing = reply["ext"]["debug"]["routing"]
        assert routing["reason"] == reason and routing["source"] == "fallback"
        assert sorted(routing["selected"]) == sorted(BIDDERS)
        assert pbs.metric("nexus_pbs_router_calls_total", result=reason) == 1


def test_it_answers_too_late(tmp_path):
    """The auction went on without the answer, which is of no use to the next one either."""
    router = FakeRouter()
    router.behave = late = Late()
    with running(router, Pbs(tmp_path, BIDDERS, router.port, env=HASTY)) as (_, pbs):
        for calls in (1, 2):
            reply = pbs.auction()
            assert set(seats(reply)) == set(BIDDERS)
            routing = reply["ext"]["debug"]["routing"]
            assert routing["reason"] == "timeout" and routing["source"] == "fallback"
            assert sorted(routing["selected"]) == sorted(BIDDERS)
            assert pbs.metric("nexus_pbs_router_calls_total", result="timeout") == calls
            late.over.set()
            router.behave = late = Late()
        late.over.set()


def test_nobody_listens(tmp_path):
    with running(Pbs(tmp_path, BIDDERS, free_port(), env=PATIENT)) as (pbs,):
        reply = pbs.auction()
        assert set(seats(reply)) == set(BIDDERS)
        assert reply["ext"]["debug"]["routing"]["reason"] == "error"


def test_an_open_breaker_costs_nothing(tmp_path):
    """After a few failures the router is not asked any more, so its deadline is not lost either."""
    router = FakeRouter()
    router.behave = late = Late()
    with running(router, Pbs(tmp_path, BIDDERS, router.port, env={**HASTY, "IDR_BREAKER_OPEN_MS": "600000"})) as (_, pbs):
        for _ in range(40):
            reply = pbs.auction()
            assert set(seats(reply)) == set(BIDDERS)
            if reply["ext"]["debug"]["routing"]["reason"] == "breaker_open":
                break
        else:
            raise AssertionError("the breaker never opened")
        for i in range(5):
            reply = pbs.auction(id=f"open-{i}")
            assert set(seats(reply)) == set(BIDDERS)
            assert reply["ext"]["debug"]["routing"]["reason"] == "breaker_open"
        assert not [r for r in router.routes if r["auction_id"].startswith("open-")]
        assert pbs.metric("nexus_pbs_router_calls_total", result="breaker_open") == 6
        late.over.set()


def test_the_breaker_closes_again(tmp_path):
    router = FakeRouter()
    router.behave = answering(500, b"")
    with running(router, Pbs(tmp_path, BIDDERS, router.port, env={**PATIENT, "IDR_BREAKER_OPEN_MS": "1000"})) as (_, pbs):
        def routing():
            return pbs.auction()["ext"]["debug"]["routing"]

        wait_until(lambda: routing()["reason"] == "breaker_open", 20, "the breaker is open")
        router.behave = FakeRouter.select(["birch"])
        wait_until(lambda: routing()["source"] == "idr", 20, "the breaker is closed")
        assert set(seats(pbs.auction())) == {"birch"}


def test_selection_is_obeyed_and_explained(tmp_path):
    router = FakeRouter()
    router.behave = FakeRouter.select(["cedar"])
    with running(router, Pbs(tmp_path, BIDDERS, router.port, env=PATIENT)) as (_, pbs):
        reply = pbs.auction(ext={"prebid": {"targeting": {}, "returnallbidstatus": True}})
        assert set(seats(reply)) == {"cedar"}
        assert pbs.calls() == {"cedar": 1}
        routing = reply["ext"]["debug"]["routing"]
        assert routing["mode"] == "normal" and routing["selected"] == ["cedar"]
        assert {e["bidder"] for e in routing["excluded"]} == {"aster", "birch"}
        nonbid = {s["seat"]: s["nonbid"][0]["statuscode"] for s in reply["ext"]["prebid"]["seatnonbid"]}
        assert nonbid == {"aster": 203, "birch": 203}


def test_identifiers_stay_here(tmp_path):
    """The router learns which id sources are there, never an id, an address or a consent string."""
    router = FakeRouter()
    with running(router, Pbs(tmp_path, BIDDERS, router.port)) as (_, pbs):
        pbs.auction(user={"id": "secret-user", "buyeruid": "secret-buyer", "consent": "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA",
                          "eids": [{"source": "uidapi.com", "uids": [{"id": "secret-uid2"}]}]},
                    regs={"gdpr": 0}, device={"ua": "Mozilla/5.0", "ip": "203.0.114.77", "ifa": "secret-ifa"})
        wait_until(lambda: router.events, what="the event")
        seen = str(router.routes) + str(router.events)
        for secret in ("secret-", "203.0.114.77", "CPXxRf"):
            assert secret not in seen
        assert "uidapi.com" in str(router.routes)


def test_outcomes_are_reported(tmp_path):
    router = FakeRouter()
    bidders = {"aster": "price=2", "birch": "mode=nobid", "cedar": "mode=error", "dahlia": "mode=hang"}
    with running(router, Pbs(tmp_path, bidders, router.port, env=PATIENT)) as (_, pbs):
        router.behave = FakeRouter.select(["aster", "birch", "cedar", "dahlia"])
        pbs.auction(tmax=2000)
        wait_until(lambda: router.events, what="the event")
        event = router.events[0]
        assert event["auction_id"] and event["publisher_id"] == "pub-1" and event["total_configured"] == 4
        by_code = {b["bidder_code"]: b for b in event["bidders"]}
        assert {c: b["status"] for c, b in by_code.items()} == {
            "aster": "bid", "birch": "no_bid", "cedar": "error", "dahlia": "timeout"}
        assert by_code["aster"]["bids"] == [{"imp": "1", "cpm": 2, "cur": "USD", "won": True}]
        assert event["imps"][0]["ad_format"] == "banner" and event["imps"][0]["ad_size"] == "300x250"


def test_events_survive_a_router_that_is_down_for_a_while(tmp_path):
    router = FakeRouter()
    router.analytics_status = 503
    with running(router, Pbs(tmp_path, BIDDERS, router.port)) as (_, pbs):
        for i in range(5):
            pbs.auction(id=f"a{i}")
        router.analytics_status = 200
        wait_until(lambda: {e["auction_id"] for e in router.events} == {f"a{i}" for i in range(5)}, 20, "every event")


def test_events_are_flushed_at_shutdown(tmp_path):
    router = FakeRouter()
    pbs = Pbs(tmp_path, BIDDERS, router.port, env={"EVENT_FLUSH_MS": "60000"})
    with running(router):
        with running(pbs):
            for i in range(3):
                pbs.auction(id=f"a{i}")
            assert router.events == []
        assert len(router.events) == 3
