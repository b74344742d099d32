"""Stored data in a real PostgreSQL: asked by id, loaded at the start, polled for changes, and away."""
import json
import signal

import pytest

from pbs_stack import Pbs, banner_request, running, seats, wait_until
from postgres_stack import Postgres

QUERIES = """
stored_requests_timeout_ms: 2000
stored_requests:
  database:
    timeout_ms: 500
    fetcher:
      query: >-
        SELECT id, data, 'request' FROM requests WHERE id IN $REQUEST_ID_LIST
        UNION ALL SELECT id, data, 'imp' FROM imps WHERE id IN $IMP_ID_LIST
stored_responses: { database: { fetcher: { query: "SELECT id, data, 'response' FROM responses WHERE id IN $ID_LIST" } } }
accounts: { database: { fetcher: { query: "SELECT id, data FROM accounts WHERE id IN $ID_LIST" } } }
"""
POLLED = """
stored_requests:
  in_memory_cache: { ttl_seconds: 0 }
  database:
    initialize_caches: { query: "SELECT id, data, 'request' AS type FROM requests" }
    poll_for_updates:
      query: "SELECT id, data, 'request' FROM requests WHERE updated > $LAST_UPDATED::timestamptz - interval '1 minute'"
      refresh_rate_seconds: 1
"""
TABLES = "requests", "imps", "responses", "accounts"


@pytest.fixture(scope="module")
def postgres():
    with running(Postgres()) as (server,):
        for table in TABLES:
            server.query(f"CREATE TABLE {table} (id text PRIMARY KEY, data text, updated timestamptz DEFAULT now())")
        put(server, "requests", "page", {"bcat": ["IAB1"], "site": {"id": "s", "publisher": {"id": "acct"}}})
        put(server, "imps", "slot", {"banner": {"format": [{"w": 320, "h": 50}]}, "ext": {"prebid": {"bidder": {"aster": {}}}}})
        put(server, "responses", "canned", [{"seat": "aster", "bid": [{"id": "b", "impid": "1", "price": 7, "adm": "<p>",
                                                                    "ext": {"prebid": {"type": "banner"}}}]}])
        put(server, "accounts", "acct", {"targeting_prefix": "pg"})
        put(server, "accounts", "off", {"disabled": True})
        yield server


def put(server, table, id, value):
    text = value if isinstance(value, str) else json.dumps(value)
    server.query(f"INSERT INTO {table} VALUES ('{id}', '{text}', now()) ON CONFLICT (id) DO UPDATE SET data = excluded.data, "
                 "updated = excluded.updated")


def start(folder, postgres, yaml, **env):
    return Pbs(folder, {"aster": "price=2"}, yaml=yaml, env={"STORED_DATABASE_URL": postgres.url, **env})


def stored(name, imp_id=None):
    body = banner_request(["aster"])
    body["ext"]["prebid"]["storedrequest"] = {"id": name}
    del body["site"]
    if imp_id:
        body["imp"] = [{"id": "1", "ext": {"prebid": {"storedrequest": {"id": imp_id}}}}]
    else:
        body["site"] = {"id": "s", "publisher": {"id": "acct"}}
    return body


def test_every_kind_comes_from_the_database(tmp_path, postgres):
    with running(start(tmp_path, postgres, QUERIES)) as (pbs,):
        reply = pbs.post(stored("page", "slot"))
        assert reply.status == 200, reply.text
        assert any(k.startswith("pg_") for k in seats(reply.json())["aster"][0]["ext"]["prebid"]["targeting"])
        sent = pbs.last_request("aster")["body"]
        assert sent["bcat"] == ["IAB1"] and sent["imp"][0]["banner"]["format"] == [{"w": 320, "h": 50}]
        body = banner_request(["aster"])
        body["imp"][0]["ext"]["prebid"]["storedauctionresponse"] = {"id": "canned"}
        assert seats(pbs.post(body).json())["aster"][0]["price"] == 7
        assert pbs.post(banner_request(["aster"], site={"id": "s", "publisher": {"id": "off"}})).status == 503
        for _ in range(2):
            reply = pbs.post(stored("page", "no' such"))
            assert reply.status == 400 and 'Stored Imp with ID="no\' such" not found.' in reply.text
        assert pbs.metric("nexus_pbs_stored_impressions_cache_performance", cache_result="hit") >= 1


def test_many_at_once_share_queries(tmp_path, postgres):
    from concurrent.futures import ThreadPoolExecutor
    for i in range(60):
        put(postgres, "requests", f"many-{i}", {"bcat": [f"IAB{i + 1}"]})
    with running(start(tmp_path, postgres, QUERIES)) as (pbs, ), ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda i: pbs.post(stored(f"many-{i % 60}")), range(180)))
        assert {r.status for r in replies} == {200}


def test_changes_are_polled(tmp_path, postgres):
    put(postgres, "requests", "polled", {"bcat": ["IAB1"]})
    put(postgres, "requests", "gone", {"bcat": ["IAB1"]})
    with running(start(tmp_path, postgres, POLLED)) as (pbs,):
        bcat = lambda: pbs.post(stored("polled")).status == 200 and pbs.last_request("aster")["body"]["bcat"]
        wait_until(lambda: bcat() == ["IAB1"], what="the first load")
        put(postgres, "requests", "polled", {"bcat": ["IAB2"]})
        wait_until(lambda: bcat() == ["IAB2"], what="the change")
        assert pbs.post(stored("gone")).status == 200
        put(postgres, "requests", "gone", "")
        wait_until(lambda: pbs.post(stored("gone")).status == 400, what="the removal")
        put(postgres, "requests", "polled", "not JSON")
        put(postgres, "requests", "marker", {"bcat": ["IAB3"]})
        wait_until(lambda: pbs.post(stored("marker")).status == 200, what="the next poll")


def test_a_database_that_is_away_costs_its_time_and_no_more(tmp_path, postgres):
    yaml = QUERIES.replace("stored_requests_timeout_ms: 2000", "stored_requests_timeout_ms: 100")
    with running(start(tmp_path, postgres, yaml)) as (pbs,):
        assert pbs.post(stored("page")).status == 200
        postgres.proc.send_signal(signal.SIGSTOP)
        try:
            kill_backends(postgres, signal.SIGSTOP)
            reply = pbs.post(stored("fresh-1"))
            assert reply.status == 400 and "database" in reply.text
            assert pbs.post(stored("page")).status == 200  # kept
            assert pbs.post(banner_request(["aster"])).status == 200  # its account cannot be asked for
        finally:
            kill_backends(postgres, signal.SIGCONT)
            postgres.proc.send_signal(signal.SIGCONT)
        put(postgres, "requests", "fresh-1", {"bcat": ["IAB9"]})
        wait_until(lambda: pbs.post(stored("fresh-1")).status == 200, what="the database is back")
        postgres.kill()
        assert pbs.post(stored("fresh-2")).status == 400
        assert pbs.post(banner_request(["aster"])).status == 200
        postgres.start()
        put(postgres, "requests", "fresh-3", {"bcat": ["IAB9"]})  # a child that outlived the kill may have denied fresh-2
        wait_until(lambda: pbs.post(stored("fresh-3")).status == 200, what="the database is back")


def kill_backends(postgres, number):
    import os
    import subprocess
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(postgres.proc.pid)], capture_output=True, text=True).stdout
    for pid in out.split():
        os.kill(int(pid), number)
