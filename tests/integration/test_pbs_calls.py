"""Which calls are made, and how long they are waited for."""
import json
import time

import pytest

from pbs_stack import FakeRouter, Pbs, running, seats, wait_until

SECOND = {"prebid": {"targeting": {}, "returnallbidstatus": True, "auctionoptions": {"secondarybidders": ["BIRCH"]}}}
PLAIN = {"prebid": {"targeting": {}, "returnallbidstatus": True}}


def status(reply, seat):
    return {s["seat"]: s["nonbid"][0]["statuscode"] for s in reply["ext"]["prebid"].get("seatnonbid", [])}.get(seat)


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calls")
    accounts = folder / "data/accounts"
    accounts.mkdir(parents=True)
    (accounts / "second.json").write_text(json.dumps({"secondary_bidders": ["birch"]}))
    bidders = {"aster": "price=2", "birch": "mode=hang", "cedar": "price=1"}
    with running(Pbs(folder, bidders, yaml=f"stored_requests: {{ directory: {folder / 'data'} }}\n"
                                           "auction_timeouts_ms: { default: 20000, max: 20000 }\n")) as (server,):
        yield server


@pytest.mark.parametrize("changes", [
    {"ext": SECOND},
    {"ext": PLAIN, "site": {"id": "s", "publisher": {"id": "second"}}},
], ids=["the request's word", "the account's"])
def test_a_secondary_bidder_is_not_waited_for(pbs, changes):
    begin = time.monotonic()
    reply = pbs.auction(tmax=20000, **changes)
    assert time.monotonic() - begin < 15  # it answers never: only waiting for it would take the whole tmax
    assert set(seats(reply)) == {"aster", "cedar"} and status(reply, "birch") == 101
    assert reply["ext"]["warnings"]["birch"] == [{"code": 1, "message": "secondary bidder timed out, auction proceeded"}]
    assert "birch" not in reply["ext"].get("errors", {}) and "birch" in reply["ext"]["responsetimemillis"]
    told = pbs.last_request("aster")["body"]["ext"]["prebid"]
    assert "auctionoptions" not in told


def test_the_requests_list_goes_before_the_accounts(pbs):
    none = {"prebid": {**PLAIN["prebid"], "auctionoptions": {"secondarybidders": ["aster"]}}}
    reply = pbs.auction(tmax=300, ext=none, site={"id": "s", "publisher": {"id": "second"}})
    assert [e["message"] for e in reply["ext"]["errors"]["birch"]] == ["context deadline exceeded"]


def test_secondary_bidders_alone_are_waited_for(pbs):
    all_second = {"prebid": {**PLAIN["prebid"], "auctionoptions": {"secondarybidders": ["aster", "birch", "cedar"]}}}
    reply = pbs.auction(tmax=300, ext=all_second)
    assert set(seats(reply)) == {"aster", "cedar"} and status(reply, "birch") == 101


def test_the_router_learns_nothing_of_who_was_not_waited_for(tmp_path):
    """A timeout would teach it that the bidder is slow. At the deadline it is one, of whichever kind the bidder is."""
    router = FakeRouter()
    bidders = {"aster": "price=2", "birch": "mode=hang", "cedar": ""}
    with running(router, Pbs(tmp_path, bidders, router.port, env={"IDR_TIMEOUT_MS": "1000"})) as (_, pbs):
        pbs.auction(id="left-behind", tmax=20000, ext=SECOND)
        pbs.auction(id="too-late", tmax=300, ext=PLAIN)
        wait_until(lambda: len(router.events) == 2, what="both events")
    told = {e["auction_id"]: {b["bidder_code"]: b for b in e["bidders"]} for e in router.events}
    assert told["left-behind"]["birch"]["status"] == "not_called" and "response_time_ms" not in told["left-behind"]["birch"]
    assert told["too-late"]["birch"]["status"] == "timeout" and told["too-late"]["birch"]["response_time_ms"] > 0
    assert {told[name]["aster"]["status"] for name in told} == {"bid"}


def test_at_the_deadline_a_secondary_bidder_is_late_like_any_other(tmp_path):
    with running(Pbs(tmp_path, {"aster": "mode=hang", "birch": "mode=hang"})) as (pbs,):
        reply = pbs.auction(tmax=300, ext=SECOND)
    for name in ("aster", "birch"):
        assert reply["ext"]["errors"][name] == [{"code": 1, "message": "context deadline exceeded"}]


def test_a_call_for_which_no_time_is_left_is_not_made(tmp_path):
    yaml = ("tmax_adjustments: { enabled: true, bidder_response_duration_min_ms: 5000, "
            "pbs_response_preparation_duration_ms: 1 }\n")
    router = FakeRouter()
    with running(router, Pbs(tmp_path, {"aster": ""}, router.port, yaml=yaml)) as (_, pbs):
        reply = pbs.auction(tmax=1000, ext=PLAIN)
        assert reply["ext"]["errors"]["aster"] == [{"code": 12, "message": "exceeded tmax duration"}]
        assert status(reply, "aster") == 100 and not pbs.calls().get("aster")
        assert set(seats(pbs.auction(tmax=5000 + 15000, ext=PLAIN))) == set()  # bounded by the host: 5000
        wait_until(lambda: router.events, what="the event")
        assert router.events[0]["bidders"][0]["status"] == "not_called"


def test_a_bidder_far_away_is_told_of_less_time(tmp_path):
    info = {"aster": "tmaxDeductionMs: 1500\n", "birch": ""}
    with running(Pbs(tmp_path, {"aster": "", "birch": ""}, info=info)) as (pbs,):
        assert set(seats(pbs.auction(tmax=2000))) == {"aster", "birch"}
        told = {name: pbs.last_request(name)["body"]["tmax"] for name in ("aster", "birch")}
        assert told["birch"] - told["aster"] >= 1400 and told["aster"] > 0


@pytest.mark.parametrize("wins,tmax", [("false", 700), ("true", 900)])
def test_a_fresh_id_for_a_stored_request(tmp_path, wins, tmax):
    stored = tmp_path / "data/stored_requests"
    stored.mkdir(parents=True)
    (stored / "page.json").write_text(json.dumps({"id": "{{UUID}}", "tmax": 900}))
    yaml = f"stored_requests: {{ directory: {tmp_path / 'data'} }}\nstored_request_wins: {wins}\n"
    with running(Pbs(tmp_path, {"aster": ""}, yaml=yaml)) as (pbs,):
        reply = pbs.auction(tmax=700, ext={"prebid": {"targeting": {}, "storedrequest": {"id": "page"}}})
        resolved = reply["ext"]["debug"]["resolvedrequest"]
        assert len(resolved["id"]) == 36 and resolved["tmax"] == tmax
