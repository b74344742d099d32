"""Cookies, query strings and headers of strangers: no header of theirs in an answer, no markup that a browser would run, no
redirect to their place, and a clear refusal of what is too much."""
import base64
import json

import pytest

from pbs_stack import Pbs, banner_request, raw_exchange, request, running

SYNC = "userSync: { redirect: { url: 'https://aster.example/?r={{.RedirectURL}}&c={{.GDPRConsent}}&u={{.USPrivacy}}' } }\n"
MARKUP = "%3Cscript%3Ealert(1)%3C/script%3E"
INJECTION = "x%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0a%3Ch1%3E"
TARGETS = [
    "/openrtb2/amp?tag_id={}", "/openrtb2/amp?tag_id=x&gdpr_applies={}", "/openrtb2/amp?tag_id=x&timeout={}",
    "/openrtb2/amp?tag_id=x&__amp_source_origin={}", "/setuid?bidder={}", "/setuid?bidder=aster&uid=1&f={}",
    "/setuid?bidder=aster&uid={}", "/setuid?bidder=aster&uid={}&f=b", "/setuid?bidder=aster&gdpr={}", "/setuid?bidder=aster&gpp={}",
    "/setuid?bidder=aster&gpp_sid={}", "/setuid?bidder=aster&account={}", "/setuid?bidder=aster&gdpr=1&gdpr_consent={}", "/getuids?x={}",
    "/optout?optout={}", "/cache?uuid={}", "/event?t={}", "/event?t=win&b=1&a={}", "/event?t=win&b=1&a=x&f={}", "/event?t=vast&vtype={}",
    "/event?t=win&b=1&a=x&int={}", "/info/bidders?enabledonly={}", "/info/bidders/{}", "/{}", "/static/{}", "/status?{}",
]


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    with running(Pbs(tmp_path_factory.mktemp("hostile"), {"aster": "price=2"}, info={"aster": SYNC},
                     yaml="external_url: https://pbs.example.com\n")) as (server,):
        yield server


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("value", [MARKUP, INJECTION])
def test_nothing_of_it_is_run_or_becomes_a_header(pbs, target, value):
    reply = pbs.get(target.format(value))
    assert reply.status in (200, 301, 400, 401, 404), reply.status
    kind = reply.headers.get("Content-Type", "")
    if b"<script>" in reply.body or b"<h1>" in reply.body:
        assert kind.startswith(("text/plain", "application/json")) and reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "evil" not in (reply.headers.get("Set-Cookie") or "").split(";")[0] or "uids=" in reply.headers["Set-Cookie"]
    assert not any("\r" in v or "\n" in v for v in reply.headers.values())
    assert len(reply.headers.get_all("Set-Cookie") or []) <= 1


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example/status/", "/\\evil.example/status/", "/STATUS/?r=//evil.example",
                                  "/optout?optout=1&r=https://evil.example", "/setuid/?bidder=//evil.example", "/%2f/evil.example/",
                                  "/status/..//evil.example", "/https://evil.example/"])
def test_redirects_stay_at_home(pbs, path):
    answer = raw_exchange(pbs.port, f"GET {path} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n".encode()).decode()
    for line in answer.split("\r\n\r\n")[0].split("\r\n"):
        if line.lower().startswith("location:"):
            where = line.split(":", 1)[1].strip()
            assert where.startswith("https://pbs.example.com/") or (where.startswith("/") and where[1:2] not in ("/", "\\")), line


@pytest.mark.parametrize("path", ["/setuid?bidder=aster&uid=", "/getuids?x=", "/openrtb2/amp?tag_id=", "/event?t=win&b=", "/cache?uuid="])
def test_100_kb_of_query_are_refused(pbs, path):
    answer = raw_exchange(pbs.port, f"GET {path}{'x' * 100_000} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] in (b"414", b"431", b"400"), answer[:100]
    assert pbs.get("/status").status in (200, 204)


def test_thousands_of_arguments(pbs):
    assert pbs.get("/getuids?" + "&".join(f"a{i}=" for i in range(200))).status == 200
    for query in ("&".join(f"a{i}=" for i in range(1500)), "&" * 8000):
        assert pbs.get("/setuid?" + query).status == 414


def uids(value):
    return {"Cookie": "uids=" + base64.urlsafe_b64encode(value).decode()}


@pytest.mark.parametrize("cookie, status", [
    ("uids=" + "A" * 100_000, (400, 413, 431)), ("; ".join(f"c{i}={i}" for i in range(20_000)), (400, 413, 431)),
    ("uids=" + "A" * 8000, (200,)), ("uids=%%%", (200,)), ("uids", (200,)), ("=;=;=", (200,)), ("uids=e30=; uids=!", (200,)),
])
def test_cookie_bombs(pbs, cookie, status):
    answer = raw_exchange(pbs.port, f"GET /getuids HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode())
    assert int(answer.split(b" ")[1]) in status, answer[:100]


def test_a_cookie_of_many_ids_is_bounded(pbs):
    many = {"tempUIDs": {f"k{i}": {"uid": "x", "expires": "2099-01-01T00:00:00Z"} for i in range(100)}}
    reply = pbs.get("/setuid?bidder=aster&uid=mine", uids(json.dumps(many).encode()))
    assert reply.status == 200 and "uids=" in reply.headers["Set-Cookie"]
    deep = b'{"tempUIDs":' + b'{"a":' * 2000 + b"1" + b"}" * 2001
    assert pbs.get("/getuids", uids(deep)).json() == {}


def test_ids_with_anything_in_them_come_back_as_they_were(pbs):
    reply = pbs.get("/setuid?bidder=aster&uid=" + INJECTION)
    cookie = reply.headers["Set-Cookie"].split(";")[0]
    assert pbs.get("/getuids", {"Cookie": cookie}).json()["buyeruids"]["aster"] == "x\r\nSet-Cookie: evil=1\r\n\r\n<h1>"
    assert pbs.get("/getuids", {"Cookie": cookie}).headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("field", ["gdpr_consent", "us_privacy", "gpp", "gpp_sid"])
def test_sync_urls_take_no_foreign_text(pbs, field):
    for text in ("x&uid=evil", "x\r\nSet-Cookie: a=b", "\"><script>", "https://evil.example"):
        reply = pbs.post({"bidders": ["aster"], "gdpr": 0, field: text}, "/cookie_sync", key=None)
        assert reply.status in (200, 400)
        if reply.status == 200:
            (sync,) = reply.json()["bidder_status"]
            assert sync["usersync"]["url"].startswith("https://aster.example/?r=https%3A%2F%2Fpbs.example.com%2Fsetuid")
            assert text not in sync["usersync"]["url"] and "\r" not in sync["usersync"]["url"]


def test_origins_of_any_kind(pbs):
    for origin in ("null", "https://a.example", "javascript:alert(1)", "x" * 3000, "\"><script>"):
        reply = pbs.get("/status", {"Origin": origin})
        assert reply.headers["Access-Control-Allow-Origin"] == origin and reply.headers["Vary"] == "Origin"


def test_a_body_that_is_only_nested(pbs):
    for path in ("/openrtb2/auction", "/cookie_sync", "/cache", "/vtrack?a=x"):
        reply = pbs.post("[" * 100_000, path)
        assert 400 <= reply.status < 500, (path, reply.status)
    assert request(pbs.port, "GET", "/ready").status == 200
    assert pbs.post(banner_request(["aster"])).status == 200
