"""docs/openapi/pbs.yaml is complete and true: every documented answer is seen once, and every answer seen is documented."""
import http.client
import json
import socket
import threading

import pytest
from openapi_check import OpenApi
from pbs_stack import KEY, SIGTERM, JsonServer, Pbs, Reply, banner_request, free_port, request, running, wait_until

BOUND = "bound-key-0123456789"
UA = {"User-Agent": "Mozilla/5.0 (X11) Chrome/120.0"}
FORM = "application/x-www-form-urlencoded"
SYNC = "userSync: { redirect: { url: 'https://aster.example/?r={{.RedirectURL}}' } }\n"
POD = {"podconfig": {"durationrangesec": [30], "requireexactduration": False,
                     "pods": [{"podid": 1, "adpoddurationsec": 30, "configid": "slot"}]},
       "site": {"id": "s", "publisher": {"id": "acct"}}, "video": {"mimes": ["video/mp4"], "protocols": [2], "w": 640, "h": 360}}
FILES = {
    "stored_requests/page": {"id": "p", "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
                                                 "ext": {"prebid": {"bidder": {"aster": {}}}}}],
                             "site": {"page": "https://p.example/", "publisher": {"id": "acct"}}},
    "stored_requests/closed": {"id": "p", "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
                                                   "ext": {"prebid": {"bidder": {"aster": {}}}}}],
                               "site": {"page": "https://p.example/", "publisher": {"id": "off"}}},
    "stored_requests/broken": {"id": "p", "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
                                                   "ext": {"prebid": {"bidder": {"aster": {}}}}}],
                               "site": {"page": "https://p.example/", "publisher": {"id": "bad"}}},
    "stored_imps/slot": {"ext": {"prebid": {"bidder": {"aster": {}}}}},
    "accounts/acct": {"events": {"enabled": True}}, "accounts/off": {"disabled": True}, "accounts/bad": {"events": {"enabled": 3}},
    "accounts/nosync": {"privacy": {"allowactivities": {"syncUser": {"default": False}}}},
}
YAML = """
stored_requests: {{ directory: '{folder}/data', cache_events: {{ enabled: true }} }}
auth: {{ keys: [{{ key: {bound}, publisher: acct, origins: ["https://own.example"] }}] }}
video: {{ enable_deprecated_endpoint: true }}
request_timeout_headers: {{ request_time_in_queue: X-Waited, request_timeout_in_queue: X-May-Wait }}
recaptcha_url: http://127.0.0.1:{captcha}/
host_cookie: {{ opt_out_url: https://host.example/out, opt_in_url: https://host.example/in }}
max_request_size: 60000
status_response: ""
static: {{ directory: '{folder}/static' }}
"""


class Captcha(JsonServer):
    def answer(self, path, query, body, headers):
        return {"success": b"response=person" in body}


class Silent:
    """Takes connections and says nothing: a Redis that hangs."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def stop(self):
        self.socket.close()


@pytest.fixture(scope="module")
def spec():
    return OpenApi("docs/openapi/pbs.yaml")


def start(tmp_path_factory, name, yaml, **env):
    return Pbs(tmp_path_factory.mktemp(name), {"aster": "price=2"}, yaml=yaml, info={"aster": SYNC}, env=env)


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, value in FILES.items():
        (folder / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "data" / f"{name}.json").write_text(json.dumps(value))
    (folder / "static").mkdir()
    (folder / "static/index.html").write_text("<!doctype html><title>Bids</title>")
    (folder / "static/optout.html").write_text("<!doctype html><title>Out</title>")
    captcha = Captcha()
    yaml = YAML.format(folder=folder, captcha=captcha.port, bound=BOUND)
    with running(captcha, start(tmp_path_factory, "main", yaml)) as (_, server):
        yield server


class Asker:
    def __init__(self, spec, pbs):
        self.spec, self.pbs = spec, pbs

    def __call__(self, method, target, status, body=None, sent_type="application/json", key=KEY, headers=None):
        sent = json.dumps(body) if isinstance(body, (dict, list)) else body
        own = {"Content-Type": sent_type} if sent is not None else {}
        reply = request(self.pbs.port, method, target, sent, {**own, **({"X-API-Key": key} if key else {}), **UA, **(headers or {})})
        assert reply.status == status, (method, target, reply.status, reply.body[:300])
        return self.spec.check(method, target, reply, sent, sent_type)


@pytest.fixture(scope="module")
def ask(spec, pbs):
    return Asker(spec, pbs)


def of(account, **changes):
    return banner_request(["aster"], site={"id": "s", "publisher": {"id": account}}, **changes)


AUCTIONS = [
    ("an auction", of("acct"), 200, {}), ("in full", of("acct", ext={"prebid": {"targeting": {}, "cache": {"bids": {}},
                                         "returnallbidstatus": True, "trace": "verbose"}}), 200, {}),
    ("no imp", {"id": "x"}, 400, {}), ("no key", of("acct"), 401, {"key": None}),
    ("another's key", of("other"), 403, {"key": BOUND}),
    ("another's page", of("acct"), 403, {"key": BOUND, "headers": {"Origin": "https://thief.example"}}),
    ("too long", {"id": "x" * 70000}, 413, {}), ("not gzip", of("acct"), 415, {"headers": {"Content-Encoding": "br"}}),
    ("a broken account", of("bad"), 500, {}), ("a closed account", of("off"), 503, {}),
]


@pytest.mark.parametrize("why, body, status, more", AUCTIONS, ids=[a[0] for a in AUCTIONS])
def test_auctions(ask, why, body, status, more):
    ask("POST", "/openrtb2/auction", status, body, **more)


ROWS = [
    ("GET", "/openrtb2/amp?tag_id=page&w=300&h=250&debug=1&trace=basic&curl=https%3A%2F%2Fp.example%2F&timeout=500", 200, None, {}),
    ("GET", "/openrtb2/amp?tag_id=page&__amp_source_origin=https%3A%2F%2Fp.example&targeting=%7B%22a%22%3A1%7D&slot=s", 200, None, {}),
    ("GET", "/openrtb2/amp?tag_id=gone", 400, None, {}), ("GET", "/openrtb2/amp?tag_id=broken", 500, None, {}),
    ("GET", "/openrtb2/amp?tag_id=closed", 503, None, {}),
    ("POST", "/openrtb2/video", 200, POD, {}), ("POST", "/openrtb2/video", 500, {}, {}),
    ("POST", "/openrtb2/video?debug=true", 200, POD, {}),
    ("POST", "/openrtb2/video", 401, POD, {"key": None}),
    ("POST", "/openrtb2/video", 408, POD, {"headers": {"X-Waited": "9", "X-May-Wait": "3"}}),
    ("POST", "/openrtb2/video", 503, {**POD, "site": {"id": "s", "publisher": {"id": "off"}}}, {}),
    ("POST", "/cookie_sync", 200, {"bidders": ["aster", "nobody"], "debug": True, "limit": 2}, {}),
    ("POST", "/cookie_sync", 400, "{", {}),
    ("POST", "/cookie_sync", 401, {}, {"headers": {"Cookie": "uids=eyJvcHRvdXQiOnRydWV9"}}),
    ("GET", "/setuid?bidder=aster&uid=1", 200, None, {}), ("GET", "/setuid?bidder=aster&uid=1&f=b&gdpr=0", 200, None, {}),
    ("GET", "/setuid?bidder=nobody", 400, None, {}),
    ("GET", "/setuid?bidder=aster", 401, None, {"headers": {"Cookie": "uids=eyJvcHRvdXQiOnRydWV9"}}),
    ("GET", "/setuid?bidder=aster&uid=1&account=nosync", 451, None, {}),
    ("GET", "/getuids", 200, None, {}),
    ("GET", "/optout", 301, None, {}), ("GET", "/optout?optout=1&g-recaptcha-response=person", 301, None, {}),
    ("GET", "/optout?g-recaptcha-response=robot", 401, None, {}),
    ("POST", "/optout", 301, "optout=1&g-recaptcha-response=person", {"sent_type": FORM}),
    ("POST", "/optout", 401, "g-recaptcha-response=robot", {"sent_type": FORM}),
    ("POST", "/cache", 400, {"puts": [{"type": "text", "value": 1}]}, {}),
    ("GET", "/cache", 400, None, {}), ("GET", "/cache?uuid=gone", 404, None, {}),
    ("GET", "/event?t=win&b=b&a=acct&f=i&ts=1&int=x&bidder=aster", 200, None, {}),
    ("GET", "/event?t=vast&vtype=start&b=b&a=acct&x=1", 204, None, {}), ("GET", "/event?t=what", 400, None, {}),
    ("GET", "/event?t=win&b=b", 401, None, {}), ("GET", "/event?t=win&b=b&a=bad", 500, None, {}),
    ("GET", "/event?t=win&b=b&a=off", 503, None, {}),
    ("POST", "/vtrack?a=acct&int=x", 200, {"puts": [{"type": "xml", "value": "<VAST/>", "bidid": "b", "bidder": "aster"}]}, {}),
    ("POST", "/vtrack", 400, {"puts": []}, {}), ("POST", "/vtrack?a=off", 503, {"puts": []}, {}),
    ("POST", "/vtrack?a=acct", 500, {"puts": [{"type": "what", "value": "x", "bidid": "b", "bidder": "aster"}]}, {}),
    ("GET", "/info/bidders?enabledonly=true&baseadaptersonly=false", 200, None, {}),
    ("GET", "/info/bidders?enabledonly=perhaps", 400, None, {}),
    ("GET", "/info/bidders/aster", 200, None, {}), ("GET", "/info/bidders/all", 200, None, {}),
    ("GET", "/info/bidders/nobody", 404, None, {}), ("GET", "/bidders/params", 200, None, {}),
    ("GET", "/status", 204, None, {}), ("GET", "/health", 200, None, {}), ("GET", "/ready", 200, None, {}),
    ("GET", "/version", 200, None, {}), ("GET", "/metrics", 200, None, {}),
    ("GET", "/metrics", 404, None, {"headers": {"X-Forwarded-For": "203.0.114.7"}}),
    ("GET", "/", 200, None, {}), ("GET", "/static/optout.html", 200, None, {}), ("GET", "/static/gone.html", 404, None, {}),
]


@pytest.mark.parametrize("method, target, status, body, more", ROWS)
def test_the_others(ask, method, target, status, body, more):
    ask(method, target, status, body, **{"key": None if "openrtb2/video" not in target else KEY, **more})


def test_the_cache_gives_back(ask):
    reply = ask("POST", "/cache", 200, {"puts": [{"type": "json", "value": {"a": 1}, "ttlseconds": 9}, {"type": "xml", "value": "<a/>"}]},
                key=None)
    for one in reply.json()["responses"]:
        ask("GET", f"/cache?uuid={one['uuid']}", 200, key=None)


@pytest.mark.parametrize("path", ["/storedrequests/openrtb2", "/storedrequests/amp"])
def test_stored_events(ask, path):
    ask("POST", path, 200, {"requests": {"a": {}}, "imps": {"b": None}})
    ask("POST", path, 400, {"requests": []})
    ask("DELETE", path, 200, {"requests": ["a"]})
    ask("DELETE", path, 400, {"requests": {}})
    for method in ("POST", "DELETE"):
        ask(method, path, 401, {}, key=None)
        ask(method, path, 403, {}, key=BOUND)


def test_what_is_switched_off(spec, tmp_path_factory):
    yaml = "cache: { builtin: { enabled: false } }\nvtrack: { enabled: false }\nstatus_response: well\n"
    with running(start(tmp_path_factory, "off", yaml)) as (pbs,):
        ask = Asker(spec, pbs)
        ask("POST", "/openrtb2/video", 501, POD)
        ask("POST", "/cache", 404, {"puts": []})
        ask("POST", "/vtrack?a=acct", 404, {"puts": []})
        ask("GET", "/status", 200)
        ask("GET", "/", 404)
        for path in ("/storedrequests/openrtb2", "/storedrequests/amp"):
            ask("POST", path, 404, {})
            ask("DELETE", path, 404, {})


def test_a_redis_that_is_of_no_use(spec, tmp_path_factory):
    silent = Silent()
    yaml = "cache: { builtin: { redis: { timeout_ms: 50 } } }\n"
    put = {"puts": [{"type": "json", "value": 1}]}
    with running(silent, start(tmp_path_factory, "silent", yaml, REDIS_URL=f"redis://127.0.0.1:{silent.port}"),
                 start(tmp_path_factory, "gone", yaml, REDIS_URL=f"redis://127.0.0.1:{free_port()}")) as (_, slow, gone):
        Asker(spec, slow)("POST", "/cache", 597, put)
        Asker(spec, gone)("POST", "/cache", 500, put)
        Asker(spec, gone)("GET", "/cache?uuid=x", 500)


def test_who_asks_too_often(spec, tmp_path_factory):
    yaml = "rate_limit_rps: 1\nvideo: { enable_deprecated_endpoint: true }\n"
    with running(start(tmp_path_factory, "often", yaml)) as (pbs,):
        ask = Asker(spec, pbs)
        limited = [(m, p) for m, p, s in sorted(spec.documented()) if s == "429"]
        assert len(limited) > 10
        for method, path in limited:
            key = KEY if path in ("/openrtb2/auction", "/openrtb2/video") else None
            send = lambda: request(pbs.port, method, path.replace("{bidder}", "aster"), "{}" if method == "POST" else None,
                                   {"X-API-Key": key} if key else {})
            replies = [send() for _ in range(3)]
            late = next(r for r in replies if r.status == 429)
            assert int(late.headers["Retry-After"]) >= 1
            spec.check(method, path.replace("{bidder}", "aster"), late)


def test_while_draining(spec, tmp_path_factory):
    pbs = Pbs(tmp_path_factory.mktemp("drain"), {"slow": "latency_ms=800"})
    try:
        kept = http.client.HTTPConnection("127.0.0.1", pbs.port, timeout=10)
        kept.request("GET", "/ready")
        kept.getresponse().read()
        auction = threading.Thread(target=lambda: pbs.post(banner_request(["slow"])))
        auction.start()
        wait_until(lambda: pbs.calls().get("slow", 0) == 1, what="an auction is under way")
        pbs.process.signal(SIGTERM)
        wait_until(lambda: "draining" in pbs.process.log(), what="draining has begun")
        kept.request("GET", "/ready")
        reply = kept.getresponse()
        spec.check("GET", "/ready", Reply(reply.status, reply.headers, reply.read()))
        auction.join()
    finally:
        pbs.stop()


def test_every_documented_answer_was_seen(spec):
    assert spec.unseen() == []


def test_the_document_names_what_is_served(spec):
    assert spec.unlike_routes("pbs/routes.c") == []
