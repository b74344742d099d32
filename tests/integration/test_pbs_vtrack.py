"""POST /vtrack: VAST into the cache, with an impression that this server counts."""
import pytest

from pbs_stack import Pbs, running

BIDDERS = {"aster": "price=2", "birch": "price=1", "cedar": "price=1"}
INFO = {"aster": "modifyingVastXmlAllowed: true\n", "cedar": "modifyingVastXmlAllowed: true\ndisabled: true\n"}
VAST = '<VAST version="3.0"><Ad><InLine><Impression>https://x.example/</Impression></InLine></Ad></VAST>'
URL = "https://pbs.example.com/event?t=imp&b={}&a=p1&bidder={}&f=b"


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    with running(Pbs(tmp_path_factory.mktemp("vtrack"), BIDDERS, yaml="external_url: https://pbs.example.com\n",
                     info=INFO)) as (server,):
        yield server


def track(pbs, *puts, query="a=p1"):
    return pbs.post({"puts": list(puts)}, "/vtrack?" + query, key=None)


def xml(value=VAST, **members):
    return {"type": "xml", "value": value, "bidid": "b1", "bidder": "aster", **members}


def kept(pbs, reply):
    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"] == "application/json"
    return [pbs.get("/cache?uuid=" + r["uuid"]).text for r in reply.json()["responses"]]


def test_an_impression_is_added(pbs):
    (vast,) = kept(pbs, track(pbs, xml(timestamp=5), query="a=p1&int=web"))
    url = URL.format("b1", "aster") + "&int=web&ts=5"
    assert vast == VAST.replace("</Impression>", f"</Impression><Impression><![CDATA[{url}]]></Impression>")


def test_an_empty_impression_is_filled(pbs):
    (vast,) = kept(pbs, track(pbs, xml("<VAST><Impression></Impression></VAST>")))
    assert vast == f"<VAST><Impression><![CDATA[{URL.format('b1', 'aster')}]]></Impression></VAST>"


def test_who_may_be_changed(pbs):
    reply = track(pbs, xml(bidder="birch"), xml(bidder="cedar"), xml(bidder="nobody"), xml("<VAST/>"))
    allowed = [("event?" in vast) for vast in kept(pbs, reply)]
    assert allowed == [False, False, True, False]


def test_no_puts(pbs):
    assert track(pbs).json() == {"responses": []}


@pytest.mark.parametrize("query, body, text", [
    ("", {"puts": []}, "Account 'a' is required query parameter and can't be empty"),
    ("a=p1&int=a.b", {"puts": []}, "Invalid integration type: integration type can only contain numbers, letters and "
                                   "these characters '-', '_'\n"),
    ("a=p1", "", "Invalid request: request body is empty\n"),
    ("a=p1", {"puts": [{"type": "xml", "value": "x", "bidder": "aster"}]},
     "Invalid request: 'bidid' is required field and can't be empty\n"),
    ("a=p1", {"puts": [{"type": "xml", "value": "x", "bidid": "1", "bidder": ""}]},
     "Invalid request: 'bidder' is required field and can't be empty\n"),
])
def test_refusals(pbs, query, body, text):
    reply = pbs.post(body, "/vtrack?" + query, key=None)
    assert (reply.status, reply.text) == (400, text)


def test_broken_json_and_a_refusing_cache(pbs):
    assert pbs.post("{", "/vtrack?a=p1", key=None).text.startswith("Invalid request: ")
    reply = track(pbs, xml(type="text"))
    assert reply.status == 500 and reply.text.startswith("Error(s) updating vast: Type must be one of")
