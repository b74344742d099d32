"""docs/openapi/idr.yaml is complete and true: every documented answer is seen once, and every answer seen is documented."""
import concurrent.futures
import http.client
import json
import sqlite3
import subprocess

import pytest
from idr_stack import Idr, Market, bid, event, ndjson
from openapi_check import Mismatch, OpenApi, closed, parts_of
from pbs_stack import KEY, Reply, running, wait_until
from test_idr_login import HASH, PASSWORD, Browser, admin_env, bcrypt

ONE = "publisher-one-key-0001"
ROUTE = {"auction_id": "r", "publisher_id": "p1", "bid_request": {"imp": [{"id": "1", "banner": {"w": 300, "h": 250}}]},
         "configured_bidders": Market.codes}
FLOORS = {"currency": "USD", "modelGroups": [{"schema": {"fields": ["mediaType"]}, "values": {"banner": 0.7, "*": 0.2}}]}
SETTINGS = "/api/v1/publishers/p1/settings"

# One request of each operation that is answered 200.
GOOD = [
    ("POST", "/route", ROUTE), ("POST", "/analytics", event("one")),
    ("PUT", "/floors/p1", FLOORS), ("GET", "/floors/p1", None), ("DELETE", "/floors/p1", None),
    ("GET", "/stats", None), ("GET", "/stats/p1", None), ("GET", "/stored-requests?request-id=r1", None),
    ("PUT", "/api/v1/stored/request/r1", {"tmax": 500}), ("DELETE", "/api/v1/stored/request/r1", None),
    ("PUT", SETTINGS, {"max_bidders": 3}), ("GET", SETTINGS, None), ("GET", SETTINGS + "/history", None),
    ("DELETE", SETTINGS, None), ("GET", "/health", None), ("GET", "/ready", None), ("GET", "/metrics", None),
    ("GET", "/version", None), ("GET", "/config", None), ("POST", "/api/v1/explain", ROUTE),
    ("GET", "/", None), ("GET", "/login", None), ("GET", "/assets/app.js", None), ("GET", "/api/v1/audit?limit=5", None), ("GET", "/api/v1/session", None),
]
# (why, method, target, body, status, and what the request has beside it)
ROWS = [
    ("scores", "POST", "/route", {**ROUTE, "scores": True}, 200, {}),
    ("no bid request", "POST", "/route", {}, 400, {}),
    ("another's publisher", "POST", "/route", {**ROUTE, "publisher_id": "p2"}, 403, {"key": ONE}),
    ("no bid request", "POST", "/api/v1/explain", {}, 400, {}),
    ("another's publisher", "POST", "/api/v1/explain", {**ROUTE, "publisher_id": "p2"}, 403, {"key": ONE}),
    ("bad limit", "GET", "/api/v1/audit?limit=0", None, 400, {}), ("all, for one", "GET", "/api/v1/audit", None, 403, {"key": ONE}),
    ("a style", "GET", "/assets/style.css", None, 200, {}), ("a picture", "GET", "/assets/icon.svg", None, 200, {}),
    ("no such file", "GET", "/assets/..%2Fapp.js", None, 404, {}), ("no name", "GET", "/assets/%00", None, 400, {}),
    ("the login is off", "POST", "/login", {"user": "ada", "password": PASSWORD}, 403, {}),
    ("no session", "POST", "/logout", None, 401, {}),
    ("an array", "POST", "/analytics", [event("a1"), event("a2")], 200, {}),
    ("lines", "POST", "/analytics", ndjson([event("l1")]), 200, {"headers": {"Content-Type": "application/x-ndjson"}}),
    ("a bad event", "POST", "/analytics", [event("b1", bidders=[bid("a", -1)])], 400, {}),
    ("no event at all", "POST", "/analytics", "{", 400, {}),
    ("every version", "GET", "/floors/p1?history=1", None, 200, {}),
    ("bad floors", "PUT", "/floors/p1", {"floorMin": -1}, 400, {}),
    ("a bound for computed floors", "PUT", "/floors/p3", {"floorMin": 1}, 200, {}),
    ("computed floors", "GET", "/floors/p3", None, 200, {}),
    ("no name", "GET", "/floors/%00", None, 400, {}), ("no name", "DELETE", "/floors/%00", None, 400, {}),
    ("another's floors", "GET", "/floors/p2", None, 403, {"key": ONE}),
    ("another's floors", "PUT", "/floors/p2", FLOORS, 403, {"key": ONE}),
    ("another's floors", "DELETE", "/floors/p2", None, 403, {"key": ONE}),
    ("all there is", "GET", "/stats?days=30&granularity=hour&by=country", None, 200, {}),
    ("as a table", "GET", "/stats/p1?days=30&format=csv", None, 200, {}),
    ("as a table", "GET", "/stats?days=30&by=device", None, 200, {"headers": {"Accept": "text/csv"}}),
    ("by format", "GET", "/stats/p1?days=30&by=format", None, 200, {}),
    ("nothing known", "GET", "/stats/nobody", None, 200, {}),
    ("bad days", "GET", "/stats?days=0", None, 400, {}), ("bad key", "GET", "/stats/p1?by=color", None, 400, {}),
    ("all, for one", "GET", "/stats", None, 403, {"key": ONE}), ("all, for one", "GET", "/config", None, 403, {"key": ONE}), ("another's", "GET", "/stats/p2", None, 403, {"key": ONE}),
    ("accounts too", "GET", "/stored-requests?request-ids=%5B%22r1%22%5D&imp-id=i&account-ids=%5B%22a%22%5D", None, 200, {}),
    ("no array", "GET", "/stored-requests?imp-ids=x", None, 400, {}),
    ("no object", "PUT", "/api/v1/stored/imp/i", "[1]", 400, {}),
    ("no name", "DELETE", "/api/v1/stored/imp/%00", None, 400, {}),
    ("one's key", "PUT", "/api/v1/stored/imp/i", {}, 403, {"key": ONE}),
    ("one's key", "DELETE", "/api/v1/stored/imp/i", None, 403, {"key": ONE}),
    ("no such kind", "PUT", "/api/v1/stored/thing/i", {}, 404, {}), ("no such kind", "DELETE", "/api/v1/stored/thing/i", None, 404, {}),
    ("nothing set", "GET", "/api/v1/publishers/p9/settings?site=s&unit=u", None, 200, {}),
    ("unknown key", "PUT", SETTINGS, {"max_biders": 1}, 400, {}),
    ("no publisher", "GET", "/api/v1/publishers/%00/settings", None, 400, {}),
    ("no publisher", "GET", "/api/v1/publishers/%00/settings/history", None, 400, {}),
    ("no publisher", "DELETE", "/api/v1/publishers/%00/settings", None, 400, {}),
    ("another's", "GET", "/api/v1/publishers/p2/settings", None, 403, {"key": ONE}),
    ("another's", "GET", "/api/v1/publishers/p2/settings/history", None, 403, {"key": ONE}),
    ("another's", "PUT", "/api/v1/publishers/*/settings", {}, 403, {"key": ONE}),
    ("another's", "DELETE", "/api/v1/publishers/p2/settings", None, 403, {"key": ONE}),
]


@pytest.fixture(scope="module")
def spec():
    return OpenApi("docs/openapi/idr.yaml")


def ask(spec, idr, method, target, body, status, key=KEY, headers=None):
    reply = idr.ask(method, target, body, key=key, headers=headers)
    assert reply.status == status, f"{method} {target}: {reply.status} {reply.text[:300]}"
    return spec.check(method, target, reply, body, (headers or {}).get("Content-Type", "application/json"))


def documented(spec, status):
    """The good requests, by key, of the operations that may answer so."""
    return [(m, t, b) for m, t, b in GOOD if str(status) in spec.operation(m, t)[2]["responses"]]


def good_and_bad(spec, idr):
    idr.ask("PUT", "/api/v1/publishers/*/settings", {"control_share": 0.3})
    idr.send([{**e, "floors": "applied" if i % 3 else "skipped"} for i, e in enumerate(Market().events(400))])
    idr.learned(400)
    lift = ask(spec, idr, "GET", "/stats/p1?days=30", None, 200).json()
    assert lift["lift"]["latency_ms_difference_low"] is not None and lift["floor_lift"]["skipped_auctions"] == 134
    idr.ask("DELETE", "/api/v1/publishers/*/settings")
    for method, target, body in GOOD:
        ask(spec, idr, method, target, body, 200)
    for _, method, target, body, status, how in ROWS:
        ask(spec, idr, method, target, body, status, **how)
    tag = idr.ask("GET", "/floors/p1").headers["ETag"]
    ask(spec, idr, "GET", "/floors/p1", None, 304, headers={"If-None-Match": tag})


def refused_before_the_handler(spec, idr):
    for method, target, body in documented(spec, 401):
        ask(spec, idr, method, target, body, 401, key=None)
        ask(spec, idr, method, target, body, 401, key="wrong-key-wrong-key")
    for method, target, _ in documented(spec, 415):
        ask(spec, idr, method, target, b"{}", 415, headers={"Content-Encoding": "br"})


def too_large(spec, folder):
    small = {"MAX_REQUEST_SIZE": "20000"}
    with running(Idr(folder, "limits: { max_analytics_size: 20000 }", env=small)) as (idr,):
        for method, target, _ in documented(spec, 413):
            ask(spec, idr, method, target, b" " * 20001, 413)


def one_too_many(spec, folder):
    with running(Idr(folder, env={"RATE_LIMIT_RPS": "1"})) as (idr,):
        for method, target, body in documented(spec, 429):
            for _ in range(3):
                if idr.ask(method, target, body).status == 429:
                    break
            ask(spec, idr, method, target, body, 429)


def disk_full(spec, folder):
    """A limit on the size of files stands in for the full disk."""
    def limit(size):
        subprocess.run(["prlimit", "--pid", str(idr.process.proc.pid), f"--fsize={size}:unlimited"], check=True)

    idr = Idr(folder)
    with running(idr):
        limit(0)
        for method, target, body in documented(spec, 503):
            if target != "/ready":
                ask(spec, idr, method, target, body, 503)
        assert ask(spec, idr, "GET", "/health", None, 200).json()["store"]["status"] == "failing"
        limit("unlimited")


def sessions(spec, folder):
    good, wrong = {"user": "ada", "password": PASSWORD}, {"user": "bob", "password": "wrong horse battery"}
    with running(Idr(folder, env=admin_env(f"ada:{HASH},bob:{HASH}:viewer"))) as (idr,):
        ask(spec, idr, "POST", "/login", "{", 400)
        ask(spec, idr, "POST", "/login", b" " * 5000, 413)
        ask(spec, idr, "POST", "/login", "a=b", 415, headers={"Content-Type": "text/plain"})
        reply = ask(spec, idr, "POST", "/login", good, 200)
        session = {"Cookie": reply.headers["Set-Cookie"].split(";")[0]}
        assert ask(spec, idr, "GET", "/api/v1/session", None, 200, key=None, headers=session).json()["user"] == "ada"
        ask(spec, idr, "POST", "/logout", None, 403, key=None, headers=session)
        session["X-CSRF-Token"] = reply.json()["csrf"]
        ask(spec, idr, "GET", "/stats", None, 200, key=None, headers=session)
        ask(spec, idr, "POST", "/logout", None, 200, key=None, headers=session)
        for _ in range(5):
            ask(spec, idr, "POST", "/login", wrong, 401)
        ask(spec, idr, "POST", "/login", wrong, 429)


def too_many_at_once(spec, folder):
    with running(Idr(folder, env=admin_env(f"ada:{bcrypt(13)}"))) as (idr,):
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            replies = list(pool.map(lambda i: Browser(idr).login(f"name{i}"), range(20)))
        spec.check("POST", "/login", next(r for r in replies if r.status == 503))


def neighbours_away(spec, folder):
    env = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1"}
    with running(Idr(folder, env=env)) as (idr,):
        health = ask(spec, idr, "GET", "/health", None, 200).json()
        assert health["postgres"]["status"] == health["redis"]["status"] == "down"


def draining(spec, folder):
    """A write waits for a lock that is held from outside; while it does, the process that shall end is asked."""
    idr = Idr(folder)
    kept = http.client.HTTPConnection("127.0.0.1", idr.port, timeout=20)
    kept.request("GET", "/ready")
    kept.getresponse().read()
    lock = sqlite3.connect(folder / "var/idr.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    waiting = http.client.HTTPConnection("127.0.0.1", idr.port, timeout=20)
    waiting.request("POST", "/analytics", json.dumps(event("late")), {"X-API-Key": KEY})
    wait_until(lambda: idr.metric("nexus_idr_queued_rows") > 0, 10, "the write waits")
    idr.process.signal(15)
    wait_until(lambda: "draining" in idr.process.log(), 10, "it is draining")
    kept.request("GET", "/ready")
    answer = kept.getresponse()
    spec.check("GET", "/ready", Reply(answer.status, answer.headers, answer.read()))
    assert answer.status == 503
    lock.execute("ROLLBACK")
    assert waiting.getresponse().status == 200
    assert idr.process.wait() == 0


def test_every_documented_answer(tmp_path, spec):
    folders = [tmp_path / name for name in ("idr", "small", "limited", "full", "alone", "draining", "sessions", "busy")]
    for folder in folders:
        folder.mkdir()
    with running(Idr(folders[0], env={"API_KEYS": f"{ONE}:p1"})) as (idr,):
        good_and_bad(spec, idr)
        refused_before_the_handler(spec, idr)
    parts = (too_large, one_too_many, disk_full, neighbours_away, draining, sessions, too_many_at_once)
    for part, folder in zip(parts, folders[1:], strict=True):
        part(spec, folder)
    assert spec.unseen() == []


def test_the_table_of_routes_and_the_document_name_the_same(spec):
    assert spec.unlike_routes("idr/routes.c") == []


def reply(status, body, kind="application/json", **headers):
    message = http.client.HTTPMessage()
    for name, value in {"Content-Type": kind, **headers}.items():
        message[name.replace("_", "-")] = value
    return Reply(status, message, body.encode())


# The check itself: what must not pass.
@pytest.mark.parametrize("why, method, target, answer, said", [
    ("a path nobody wrote of", "GET", "/nowhere", reply(200, "{}"), "not documented"),
    ("a method", "PATCH", "/stats", reply(200, "{}"), "not documented"),
    ("a status", "GET", "/version", reply(201, "{}"), "not documented"),
    ("a content type", "GET", "/version", reply(200, "{}", "text/html"), "content type"),
    ("no JSON", "GET", "/version", reply(200, "{"), "cannot be read"),
    ("a member is missing", "GET", "/version", reply(200, '{"service":"nexus-idr","revision":"r"}'), "'version' is a required property"),
    ("a member of another type", "GET", "/version", reply(200, '{"service":"nexus-idr","revision":"r","version":1}'), "is not of type"),
    ("a member nobody wrote of", "GET", "/version", reply(200, '{"service":"nexus-idr","revision":"r","version":"1","more":1}'), "'more' was unexpected"),
    ("a header is missing", "GET", "/stats", reply(429, '{"error":"x"}'), "Retry-After is missing"),
    ("a body where none is", "GET", "/floors/x", reply(304, "{}", ETag="x"), "no body is documented"),
    ("an argument nobody wrote of", "GET", "/stored-requests?color=red", reply(200, '{"requests":{},"imps":{}}'), "parameter color"),
])
def test_the_check_refuses(spec, why, method, target, answer, said):
    with pytest.raises(Mismatch, match=said):
        spec.check(method, target, answer)


def test_a_part_of_a_schema_stays_open():
    doc = {"a": {"type": "object", "properties": {"x": {}}}, "b": {"type": "object", "allOf": [{"$ref": "#/a"}]}}
    shut = closed(doc, parts_of(doc))
    assert "unevaluatedProperties" not in shut["a"] and shut["b"]["unevaluatedProperties"] is False
