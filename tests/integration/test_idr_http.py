"""What nexus-idr answers to good and bad requests."""
import gzip
import json
import sqlite3
import subprocess

import pytest
import yaml
from idr_stack import T0, Idr, Market, bid, event, ndjson, no_bid
from pbs_stack import BIN, KEY, raw_exchange, running, wait_until


@pytest.fixture(scope="module")
def idr(tmp_path_factory):
    idr = Idr(tmp_path_factory.mktemp("idr"), env={"API_KEYS": "publisher-one-key-0001:p1"})
    with running(idr):
        yield idr


BAD_EVENTS = [
    ("no auction id", {"auction_id": None}, "auction_id"),
    ("ts missing", {"ts": None}, "ts"),
    ("ts a text", {"ts": "yesterday"}, "ts"),
    ("ts far off", {"ts": 99999999999}, "ts"),
    ("bidders no array", {"bidders": {}}, "bidders"),
    ("unknown status", {"bidders": [{"bidder_code": "a", "status": "maybe"}]}, "bidders[0].status"),
    ("no code", {"bidders": [bid("a", 1), {"status": "bid"}]}, "bidders[1].bidder_code"),
    ("negative price", {"bidders": [bid("a", -1)]}, "bidders[0].bids[0].cpm"),
    ("negative time", {"bidders": [bid("a", 1, ms=-5)]}, "bidders[0].response_time_ms"),
    ("huge price", {"bidders": [bid("a", 1e9)]}, "bidders[0].bids[0].cpm"),
    ("imps no array", {"imps": "x"}, "imps"),
]


@pytest.mark.parametrize("why,change,field", BAD_EVENTS, ids=[b[0] for b in BAD_EVENTS])
def test_bad_event_is_named_and_the_good_are_recorded(idr, why, change, field):
    before = idr.metric("nexus_idr_store_events_total")
    bad = {k: v for k, v in {**event("bad"), **change}.items() if v is not None}
    reply = idr.ask("POST", "/analytics", [event(f"{why}-1"), bad, event(f"{why}-2")])
    assert reply.status == 400
    assert reply.json()["error"].startswith(f"events[1]: {field}"), reply.text
    assert reply.json()["accepted"] == 2 and reply.json()["index"] == 1
    assert idr.metric("nexus_idr_store_events_total") == before + 2


@pytest.mark.parametrize("body,status", [
    ("", 400), ("{", 400), ("[]", 200), ("[1]", 400), ("null", 400), ("\"x\"", 400), ("[" * 10000, 400),
    ("{\"auction_id\":NaN}", 400), ("\xff\xfe", 400)])
def test_bodies_that_are_no_events(idr, body, status):
    reply = idr.ask("POST", "/analytics", body.encode("latin-1"))
    assert reply.status == status, reply.text
    assert "error" in reply.json() or status == 200


def test_lines_may_be_bad_too(idr):
    body = ndjson([event("line1")]) + "\n{\"auction_id\":\n\n" + ndjson([event("line3")]) + "\n"
    reply = idr.ask("POST", "/analytics", body, headers={"Content-Type": "application/x-ndjson"})
    assert reply.status == 400 and reply.json()["accepted"] == 2 and reply.json()["index"] == 1


def test_gzip(idr):
    body = gzip.compress(json.dumps([event("zipped")]).encode())
    assert idr.ask("POST", "/analytics", body, headers={"Content-Encoding": "gzip"}).json()["accepted"] == 1
    assert idr.ask("POST", "/analytics", body[:-9], headers={"Content-Encoding": "gzip"}).status == 400
    assert idr.ask("POST", "/analytics", body, headers={"Content-Encoding": "br"}).status == 415


def test_too_large(idr):
    assert idr.ask("POST", "/route", b" " * 1100000).status == 413
    bomb = gzip.compress(b" " * 20000000)
    assert idr.ask("POST", "/analytics", bomb, headers={"Content-Encoding": "gzip"}).status == 413


def test_keys(idr):
    for path, method in (("/route", "POST"), ("/analytics", "POST"), ("/floors/p1", "GET"), ("/stats", "GET"),
                         ("/stats/p1", "GET"), ("/stored-requests", "GET"), ("/api/v1/publishers/p1/settings", "GET")):
        assert idr.ask(method, path, "{}" if method == "POST" else None, key=None).status == 401, path
        assert idr.ask(method, path, "{}" if method == "POST" else None, key="wrong-key-wrong-key").status == 401, path
    for path in ("/health", "/ready", "/metrics", "/version"):
        assert idr.ask("GET", path, key=None).status == 200, path
    assert idr.ask("GET", "/stats/p1", key=None, headers={"Authorization": f"Bearer {KEY}"}).status == 200


def test_a_publisher_s_key_sees_only_its_own(idr):
    key = "publisher-one-key-0001"
    assert idr.ask("GET", "/stats/p1", key=key).status == 200
    assert idr.ask("GET", "/stats/p2", key=key).status == 403
    assert idr.ask("GET", "/stats", key=key).status == 403
    assert idr.ask("PUT", "/floors/p2", {"floorMin": 1}, key=key).status == 403
    assert idr.ask("PUT", "/api/v1/publishers/*/settings", {}, key=key).status == 403
    assert idr.ask("POST", "/analytics", event("foreign", publisher="p2"), key=key).status == 400


def test_unknown_paths_and_methods(idr):
    assert idr.ask("GET", "/nothing").status == 404
    reply = idr.ask("GET", "/route")
    assert reply.status == 405 and "POST" in reply.headers["Allow"]


@pytest.mark.parametrize("body", ["", "[]", "{}", "{\"bid_request\":[]}", "{\"bid_request\":{},\"configured_bidders\":\"x\"}",
                                  "{\"bid_request\":{},\"configured_bidders\":[1]}"])
def test_bad_route_requests(idr, body):
    assert idr.ask("POST", "/route", body).status == 400


def test_route_with_odd_lists(idr):
    assert idr.route(bidders=[])["selected_bidders"] == []
    assert idr.route(bidders=["a", "b", "a"])["selected_bidders"].count("a") == 1
    many = [f"code{i}" for i in range(300)]
    assert sorted(idr.route(bidders=many)["selected_bidders"]) == sorted(many)


def test_settings_are_in_force_before_the_answer(tmp_path):
    idr, market = Idr(tmp_path), Market()
    with running(idr):
        idr.send(market.events(600))
        idr.learned(600)
        path = "/api/v1/publishers/p1/settings"
        assert idr.ask("PUT", path, {"max_bidders": 2, "never_include_bidders": ["bidder00"],
                                     "always_include_bidders": ["bidder11"]}).json()["version"] == 1
        for i in range(20):
            chosen = idr.route(f"s{i}", bidders=Market.codes)["selected_bidders"]
            assert "bidder00" not in chosen and "bidder11" in chosen
        idr.kill()
        idr.start()
        assert idr.ask("GET", path).json()["settings"]["max_bidders"] == 2
        assert "bidder00" not in idr.route(bidders=Market.codes)["selected_bidders"]
        assert idr.ask("PUT", path, {"mode": "bypass"}).json()["version"] == 2
        assert sorted(idr.route(bidders=Market.codes)["selected_bidders"]) == Market.codes
        assert idr.ask("PUT", path, {"max_biders": 2}).status == 400
        assert idr.ask("DELETE", path).status == 200
        assert idr.ask("GET", path).json() == {"settings": {}, "version": 0}
        history = idr.ask("GET", path + "/history").json()
        assert [h["version"] for h in history] == [3, 2, 1] and history[0]["settings"] is None


def test_floors(idr):
    reply = idr.ask("GET", "/floors/f1")
    assert reply.status == 200 and reply.json()["modelGroups"][0]["values"]
    assert idr.ask("GET", "/floors/f1", headers={"If-None-Match": reply.headers["ETag"]}).status == 304
    data = {"currency": "USD", "modelGroups": [{"schema": {"fields": ["mediaType", "country"]},
                                                "values": {"banner|gbr": 0.7, "*|*": 0.2}}]}
    assert idr.ask("PUT", "/floors/f1", data).json()["version"] == 1
    changed = idr.ask("GET", "/floors/f1", headers={"If-None-Match": reply.headers["ETag"]})
    assert changed.status == 200 and changed.json() == data
    for bad, field in (({"modelGroups": []}, "modelGroups"), ({"floorMin": -1}, "floorMin"), ({}, "the body"),
                       ({"modelGroups": [{"schema": {"fields": ["color"]}, "values": {"*": 1}}]}, "modelGroups[0].schema"),
                       ({"modelGroups": [{"schema": {"fields": ["size"]}, "values": {"a|b": 1}}]}, "modelGroups[0].values")):
        reply = idr.ask("PUT", "/floors/f1", bad)
        assert reply.status == 400 and reply.json()["error"].startswith(field), reply.text
    assert idr.ask("DELETE", "/floors/f1").status == 200
    assert idr.ask("GET", "/floors/f1").json() != data
    assert [v["version"] for v in idr.ask("GET", "/floors/f1?history=1").json()] == [2, 1]


def test_stored_requests(idr):
    assert idr.ask("PUT", "/api/v1/stored/request/r1", {"tmax": 500}).status == 200
    assert idr.ask("PUT", "/api/v1/stored/imp/i1", {"id": "1"}).status == 200
    assert idr.ask("PUT", "/api/v1/stored/imp/i2", "[1]").status == 400
    assert idr.ask("GET", "/stored-requests?request-ids=%5B%22r1%22%2C%22r9%22%5D&imp-ids=%5B%22i1%22%5D").json() == {
        "requests": {"r1": {"tmax": 500}}, "imps": {"i1": {"id": "1"}}}
    assert idr.ask("GET", "/stored-requests?request-id=r1&imp-id=i1&imp-id=i2").json()["imps"] == {"i1": {"id": "1"}}
    assert idr.ask("GET", "/stored-requests?imp-ids=nonsense").status == 400
    assert idr.ask("DELETE", "/api/v1/stored/request/r1").status == 200
    assert idr.ask("GET", "/stored-requests?request-id=r1").json()["requests"] == {}


def test_stats(tmp_path):
    with running(Idr(tmp_path)) as (idr,):
        idr.send([event("a", T0, bidders=[bid("aster", 2), no_bid("birch")], total_configured=10),
                  event("b", T0 + 3600, country="FRA", bidders=[bid("aster", 4, ms=300), bid("birch", 1, won=False)]),
                  event("c", T0 + 86400, bidders=[no_bid("aster")]),
                  event("d", T0, publisher="p2")])
        totals = idr.stats(query="days=2")["totals"]
        assert totals["auctions"] == 3 and totals["bidders_configured"] == 13 and totals["bidders_called"] == 5
        assert totals["calls_saved"] == 8 and totals["bids"] == 3 and totals["wins"] == 2
        assert totals["bid_rate"] == 0.6 and totals["avg_cpm"] == pytest.approx(7 / 3, abs=1e-5)
        assert totals["revenue"] == 0.006
        assert [d["auctions"] for d in idr.stats(query="days=2")["series"]] == [2, 1]
        assert [d["auctions"] for d in idr.stats(query="days=2&granularity=hour")["series"]] == [1, 1, 1]
        assert idr.stats(query="days=1")["totals"]["auctions"] == 1
        by = {r["country"]: r["auctions"] for r in idr.stats(query="days=2&by=country")["breakdown"]}
        assert by == {"GBR": 2, "FRA": 1}
        every = idr.ask("GET", "/stats?days=2").json()
        assert every["totals"]["auctions"] == 4
        assert {p["publisher_id"]: p["auctions"] for p in every["publishers"]} == {"p1": 3, "p2": 1}
        csv = idr.ask("GET", "/stats/p1?days=2&by=bidder", headers={"Accept": "text/csv"})
        assert csv.headers["Content-Type"].startswith("text/csv")
        assert csv.text.splitlines()[0].startswith("at,bidder,auctions") and len(csv.text.splitlines()) == 4
        for bad in ("days=0", "days=x", "by=color", "granularity=week"):
            assert idr.ask("GET", f"/stats/p1?{bad}").status == 400, bad


def test_lift_of_both_experiments(tmp_path):
    """The control group calls all four at 400 ms and earns 3; the routed call two at 100 ms and earn 2 or 3. Where floors
    were applied more is paid, and less often."""
    with running(Idr(tmp_path, "router: { learning_auctions: 0 }")) as (idr,):
        assert idr.ask("PUT", "/api/v1/publishers/*/settings", {"control_share": 0.3}).status == 200
        control = {f"e{i}" for i in range(600) if idr.route(f"e{i}", bidders=["a"]).get("control")}
        assert 120 < len(control) < 240  # chosen by the auction's id, by route and statistics alike
        events = []
        for i in range(600):
            name, rest = f"e{i}", [no_bid("c", 400), no_bid("d", 400)]
            paid = 3 if name in control or i % 2 else 2
            events.append(event(name, T0 + i, bidders=[bid("a", paid, ms=100), no_bid("b", 100)] + (rest if name in control else [])))
        idr.send(events)
        lift = idr.stats(query="days=2")["lift"]
        assert lift["control_auctions"] == len(control) and lift["routed_auctions"] == 600 - len(control)
        assert lift["calls_per_auction_difference"] == lift["calls_per_auction_difference_low"] == -2
        assert lift["latency_ms_difference"] == lift["latency_ms_difference_high"] == -300
        assert lift["calls_saved_rate"] == 0.5
        assert -0.6 < lift["revenue_per_1000_auctions_difference_low"] < lift["revenue_per_1000_auctions_difference"] \
            < lift["revenue_per_1000_auctions_difference_high"] < -0.4
        assert idr.stats(query="days=2")["floor_lift"] == {"applied_auctions": 0, "skipped_auctions": 0}
        idr.send([event(f"f{i}", T0 + i, publisher="p2", floors="applied", bidders=[bid("a", 2)] if i % 10 else []) for i in range(300)]
                 + [event(f"g{i}", T0 + i, publisher="p2", floors="skipped", bidders=[bid("a", 1)]) for i in range(30)]
                 + [event("h", T0, publisher="p2", floors="something new")])
        idr.kill()  # what is not in the roll-ups yet is added again from the journal
        idr.start()
        floors = idr.stats("p2", query="days=2")["floor_lift"]
        assert (floors["applied_auctions"], floors["skipped_auctions"]) == (300, 30)
        assert floors["revenue_per_1000_auctions_difference"] == pytest.approx(0.8)
        assert floors["sold_per_auction_difference"] == pytest.approx(-0.1)
        assert floors["revenue_per_1000_auctions_difference_low"] > 0.7 and floors["sold_per_auction_difference_high"] < 0


def test_a_store_of_the_first_schema(tmp_path):
    """What an older version recorded is shown; only the intervals that need what it did not keep are missing."""
    idr = Idr(tmp_path)
    with running(idr):
        assert idr.ask("PUT", "/api/v1/publishers/*/settings", {"control_share": 0.5}).status == 200
        idr.send([event(f"e{i}", T0 + i) for i in range(40)])
        idr.stats()
        idr.stop()
        db = sqlite3.connect(tmp_path / "var/idr.db", isolation_level=None)
        for table in ("bidder_performance_hourly", "publisher_stats_daily"):
            for column in ("squared", "called_sq", "latency_sq"):
                db.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        db.execute("ALTER TABLE routing_decisions DROP COLUMN floors")
        db.execute("DROP TABLE audit")
        db.execute("PRAGMA user_version = 1")
        db.close()
        idr.start()
        lift = idr.stats()["lift"]
        assert lift["control_auctions"] > 5 and "calls_per_auction_difference" in lift
        assert "calls_per_auction_difference_low" not in lift and "revenue_per_1000_auctions_difference_low" in lift
        idr.send([event(f"n{i}", T0 + i, floors="applied") for i in range(40)])
        assert idr.stats()["totals"]["auctions"] == 80 and idr.stats()["floor_lift"]["applied_auctions"] == 40


def test_disk_full(tmp_path):
    """A limit on the size of files stands in for a full disk; it is lifted while the service runs."""
    idr, market = Idr(tmp_path, wrap=["prlimit", "--fsize=700000:unlimited"]), Market()
    with running(idr):
        accepted, reply = 0, None
        for _ in range(200):
            reply = idr.ask("POST", "/analytics", market.events(20))
            if reply.status != 200:
                break
            accepted += 20
        assert reply.status == 503 and "store" in reply.json()["error"], reply.text
        assert reply.headers["Retry-After"]
        assert idr.route(bidders=Market.codes)["selected_bidders"]
        health = idr.ask("GET", "/health")
        assert health.status == 200 and health.json()["status"] == "degraded"
        subprocess.run(["prlimit", "--pid", str(idr.process.proc.pid), "--fsize=unlimited:unlimited"], check=True)
        idr.send(market.events(20))
        assert idr.ask("GET", "/health").json()["status"] == "healthy"
        assert idr.stats()["totals"]["auctions"] == accepted + 20


def test_rate_limit(tmp_path):
    with running(Idr(tmp_path, env={"RATE_LIMIT_RPS": "5"})) as (idr,):
        replies = [idr.ask("GET", "/floors/p1") for _ in range(30)]
        limited = [r for r in replies if r.status == 429]
        assert limited and limited[0].headers["Retry-After"]
        assert idr.ask("GET", "/health").status == 200


def test_reload(tmp_path):
    idr = Idr(tmp_path, "auth: { api_keys: [\"old-key-old-key-old\"] }")
    with running(idr):
        assert idr.ask("GET", "/stats", key="new-key-new-key-new").status == 401
        idr.config.write_text("auth: { api_keys: [\"new-key-new-key-new\"] }")
        idr.process.signal(1)
        wait_until(lambda: idr.ask("GET", "/stats", key="new-key-new-key-new").status == 200, 5, "the new key")
        assert idr.ask("GET", "/stats", key="old-key-old-key-old").status == 401
        idr.config.write_text("auth: { api_keys: 5 }\nnonsense: 1")
        idr.process.signal(1)
        wait_until(lambda: "reload_refused" in idr.process.log(), 5, "the refusal")
        assert idr.ask("GET", "/stats", key="new-key-new-key-new").status == 200


def test_the_configuration_of_now_without_secrets(tmp_path):
    secret = "never-to-be-read-0123456789"
    text = f'auth: {{ api_keys: [{secret}-a, "{secret}-b:p1"] }}\nstore: {{ retention_days: 30 }}\n'
    env = {"DATABASE_URL": f"postgresql://me:{secret}-c@127.0.0.1:1/none", "TIMESCALE_PASSWORD": f"{secret}-d",
           "REDIS_URL": f"redis://:{secret}-e@127.0.0.1:1", "REDIS_PASSWORD": f"{secret}-f"}
    with running(Idr(tmp_path, text, env=env)) as (idr,):
        def now(key):
            reply = idr.ask("GET", "/config", key=key)
            assert reply.status == 200 and secret not in reply.text and KEY not in reply.text
            return reply.text

        for key in (KEY, f"{secret}-a"):
            values = yaml.safe_load(now(key))
            assert values["auth"]["api_keys"] == ["***", "***"] and values["auth"]["api_key"] == "***"
            assert values["database"]["url"] == values["redis"]["url"] == "***"
            assert f"port: {idr.port}  # IDR_PORT\n" in now(key)
            assert f"retention_days: 30  # {idr.config} line 2\n" in now(key)
        refused = idr.ask("GET", "/config", key=f"{secret}-b")
        assert refused.status == 403 and "one publisher" in refused.json()["error"]
        assert idr.ask("GET", "/config", key=None).status == 401
        idr.config.write_text("store: { retention_days: 40 }\n")
        idr.process.signal(1)
        wait_until(lambda: f"retention_days: 40  # {idr.config} line 1\n" in now(KEY), what="the new value")
        assert yaml.safe_load(now(KEY))["auth"]["api_keys"] == []


def test_command_line(tmp_path):
    def run(*args, **env):
        return subprocess.run([BIN / "nexus-idr", *args], capture_output=True, text=True, cwd=tmp_path, timeout=20,
                              env={"PATH": "/usr/bin:/bin", **env})

    assert "API_KEY_DEFAULT" in run("--check-config").stderr
    assert run("--check-config").returncode == 1
    assert run("--check-config", API_KEY_DEFAULT=KEY).returncode == 0
    printed = run("--print-config", API_KEY_DEFAULT=KEY)
    assert printed.returncode == 0 and KEY not in printed.stdout and "retention_days" in printed.stdout
    assert run("--health", API_KEY_DEFAULT=KEY, IDR_PORT="1").returncode == 1
    assert "port" in run("--check-config", API_KEY_DEFAULT=KEY, IDR_PORT="99999").stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("env, text", [
    ({"API_KEYS_FILE_PATH": "/nonexistent"}, "auth.api_keys_file: /nonexistent"),
    ({"API_KEYS": "short"}, "auth.api_keys: "),
    ({"IDR_HOST": "example.com"}, 'host (IDR_HOST): cannot listen on "example.com"'),
    ({"IDR_DATA_DIR": "file"}, "store.dir: file: Not a directory"),
    ({"IDR_DATA_DIR": "file/below"}, "store.dir: file/below: Not a directory"),
    ({"IDR_DATA_DIR": "text"}, "text/idr.db: not a database"),
    ({"IDR_DATA_DIR": "folder"}, "folder/idr.db: Is a directory"),
    ({"DATABASE_URL": "postgres//u:secret@h/n"}, "database.url (DATABASE_URL)"),
])
def test_the_check_finds_what_would_stop_the_start(tmp_path, env, text):
    (tmp_path / "file").write_text("")
    (tmp_path / "text").mkdir()
    (tmp_path / "text/idr.db").write_text("this is no database of anybody")
    (tmp_path / "folder/idr.db").mkdir(parents=True)
    for args in ("--check-config",), ():
        refused = subprocess.run([BIN / "nexus-idr", *args], capture_output=True, text=True, cwd=tmp_path, timeout=20,
                                 env={"IDR_PORT": "0", "API_KEY_DEFAULT": KEY, **env})
        assert refused.returncode == 1, refused.stdout
        assert "secret" not in refused.stderr and (args == () or text in refused.stderr), refused.stderr


def test_the_check_may_run_beside_the_router(idr):
    before = sorted(path.name for path in (idr.folder / "var").iterdir())
    checked = subprocess.run([BIN / "nexus-idr", "--check-config", "--config", idr.config], capture_output=True, text=True, env=idr.env)
    assert checked.returncode == 0 and checked.stderr == "", checked.stderr
    assert sorted(path.name for path in (idr.folder / "var").iterdir()) == before


def test_slow_or_broken_clients_do_no_harm(idr):
    raw_exchange(idr.port, b"POST /route HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", seconds=0.2, shut=True)
    raw_exchange(idr.port, b"\x16\x03\x01\x02\x00\x01", seconds=0.2, shut=True)
    assert idr.ask("GET", "/ready").status == 200


def test_floors_from_history(tmp_path):
    with running(Idr(tmp_path, "floors: { min_auctions: 200 }")) as (idr,):
        idr.send([event(f"a{i}", T0 + i, bidders=[bid("aster", 1.5), bid("birch", 1.2, won=False)]) for i in range(300)])
        data = idr.ask("GET", "/floors/p1").json()
        values = data["modelGroups"][0]["values"]
        assert data["currency"] == "USD" and data["skipRate"] == 5
        assert 1.3 < values["banner|gbr|phone"] <= 1.5 / 0.85
        assert values["*|*|*"] == values["banner|gbr|phone"]
        assert idr.ask("GET", "/floors/p2").json()["modelGroups"][0]["values"] == {"*": 0}
        assert idr.ask("PUT", "/floors/p1", {"floorMin": 2.5}).status == 200
        assert idr.ask("GET", "/floors/p1").json()["modelGroups"][0]["values"]["banner|gbr|phone"] == 2.5
