"""GET /event: wins, impressions and steps of a video."""
import json

import pytest

from pbs_stack import Pbs, running, seats, wait_until

BIDDERS = {"aster": "price=2"}


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("event")
    (folder / "data/accounts").mkdir(parents=True)
    for name, settings in {"p1": {"events": {"enabled": True}}, "no": {}, "off": {"disabled": True}, "bad": []}.items():
        (folder / f"data/accounts/{name}.json").write_text(json.dumps(settings))
    with running(Pbs(folder, BIDDERS, yaml=f"stored_requests: {{ directory: {folder / 'data'} }}\n")) as (server,):
        yield server


@pytest.mark.parametrize("query, text", [
    ("b=1&a=p1", "parameter 't' is required"),
    ("t=click&b=1&a=p1", "unknown type: 'click'"),
    ("t=win&a=p1", "parameter 'b' is required"),
    ("t=vast&b=1&a=p1", "parameter 'vtype' is required"),
    ("t=vast&vtype=end&b=1&a=p1", "unknown vtype: 'end'"),
    ("t=win&vtype=start&b=1&a=p1", "parameter 'vtype' is only required for t=vast"),
    ("t=win&b=1&a=p1&f=x", "unknown format: 'x'"),
    ("t=win&b=1&a=p1&x=2", "unknown analytics: '2'"),
    ("t=win&b=1&a=p1&ts=soon", "invalid request: error parsing timestamp 'soon'"),
    ("t=win&b=1&a=p1&int=" + "x" * 65, "integration type length is too long"),
    ("t=win&b=1&a=p1&int=a.b",
     "integration type can only contain numbers, letters and these characters '-', '_'"),
])
def test_bad_parameters(pbs, query, text):
    reply = pbs.get("/event?" + query)
    assert (reply.status, reply.text) == (400, f"invalid request: {text}\n")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_all_bad_parameters_are_told(pbs):
    reply = pbs.get("/event?vtype=start&ts=x&f=q&x=9&int=a.b")
    assert (reply.status, reply.text) == (400, "".join(f"invalid request: {text}\n" for text in (
        "parameter 't' is required", "parameter 'b' is required", "invalid request: error parsing timestamp 'x'",
        "unknown format: 'q'", "unknown analytics: '9'",
        "integration type can only contain numbers, letters and these characters '-', '_'")))


def test_accounts(pbs):
    for query, status, text in (
            ("t=win&b=1", 401, "Account 'a' is required query parameter and can't be empty"),
            ("t=win&b=1&a=no", 401, "Account 'no' doesn't support events"),
            ("t=win&b=1&a=off", 503, "Invalid request: Prebid-server has disabled Account ID: off, please reach out to "
                                     "the prebid server host.\n"),
            ("t=win&b=1&a=bad", 500, 'Invalid request: The prebid-server account config for account id "bad" is '
                                     "malformed. Please reach out to the prebid server host.\n")):
        reply = pbs.get("/event?" + query)
        assert (reply.status, reply.text) == (status, text)


def test_events_are_counted_and_logged(pbs):
    before = pbs.metric("nexus_pbs_notifications_total", type="vast")
    reply = pbs.get("/event?t=vast&vtype=midPoint&b=b7&a=p1&bidder=ASTER&ts=17&int=web")
    assert (reply.status, reply.body) == (204, b"")
    assert pbs.metric("nexus_pbs_notifications_total", type="vast") == before + 1
    line = wait_until(lambda: [json.loads(s) for s in pbs.process.log().splitlines() if '"b7"' in s])[0]
    assert line["event"] == "notification" and (line["type"], line["vtype"], line["bidid"]) == ("vast", "midPoint", "b7")
    assert (line["account"], line["bidder"], line["timestamp"], line["integration"]) == ("p1", "aster", 17, "web")


def test_an_image_is_answered_with_an_image(pbs):
    reply = pbs.get("/event?t=imp&b=1&a=p1&f=i")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "image/png") and reply.body.startswith(b"\x89PNG")


def test_without_analytics_nothing_is_counted(pbs):
    before = pbs.metric("nexus_pbs_notifications_total", type="win")
    assert pbs.get("/event?t=win&b=1&a=p1&x=0").status == 204
    assert pbs.get("/event?t=win&b=1&a=nobody&x=0").status == 204
    assert pbs.metric("nexus_pbs_notifications_total", type="win") == before


def test_the_urls_in_bids_work(pbs):
    reply = pbs.auction(site={"page": "https://n.example/", "publisher": {"id": "p1"}})
    events = seats(reply)["aster"][0]["ext"]["prebid"]["events"]
    assert set(events) == {"win", "imp"}
    for url in events.values():
        assert pbs.get("/event" + url.partition("/event")[2]).status == 204
