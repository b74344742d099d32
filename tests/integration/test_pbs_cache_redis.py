"""The built-in Prebid Cache in Redis: two servers share one, and neither waits for a Redis that is gone or asleep."""
import json
import signal
import subprocess
import urllib.parse

import pytest

from pbs_stack import BIN, Pbs, banner_request, running, seats, wait_until
from redis_stack import Redis

BIDDERS = {"aster": "price=2"}
CACHED = {"prebid": {"targeting": {}, "cache": {"bids": {}}}}
TIMEOUT_MS = 150


@pytest.fixture
def redis():
    with running(Redis()) as (server,):
        yield server


def start(folder, redis, **env):
    folder.mkdir()
    yaml = f"external_url: http://cache.example\ncache: {{ builtin: {{ redis: {{ timeout_ms: {TIMEOUT_MS} }} }} }}\n"
    return Pbs(folder, BIDDERS, yaml=yaml, env={"REDIS_URL": redis.url, **env})


@pytest.fixture
def pair(tmp_path, redis):
    with running(start(tmp_path / "a", redis), start(tmp_path / "b", redis, PBS_WORKERS="2")) as both:
        yield both


def put(pbs, *puts):
    return pbs.post({"puts": list(puts)}, "/cache", key=None)


def get(pbs, uuid):
    return pbs.get("/cache?uuid=" + urllib.parse.quote(uuid))


def auction(pbs):
    reply = pbs.post(banner_request(["aster"], ext=CACHED))
    assert reply.status == 200
    (bid,) = seats(reply.json())["aster"]
    return bid["ext"]["prebid"]["targeting"].get("hb_cache_id"), reply.json()["ext"]


def test_two_servers_share_what_either_keeps(pair, redis):
    a, b = pair
    vast = '<VAST version="3.0"><Ad id="ä"/></VAST>'
    reply = put(a, {"type": "json", "value": {"a": [1, 2.5, None]}, "ttlseconds": 60}, {"type": "xml", "value": vast})
    first, second = (r["uuid"] for r in reply.json()["responses"])
    for _ in range(4):  # whichever worker is asked
        assert (get(b, first).text, get(b, first).headers["Content-Type"]) == ('{"a":[1,2.5,null]}', "application/json")
        assert (get(b, second).text, get(b, second).headers["Content-Type"]) == (vast, "application/xml")
    assert 50_000 < int(redis.ask("PTTL", f"nexus-cache:{first}")) <= 60_000
    assert get(b, "00000000-0000-4000-8000-000000000000").status == 404
    cache_id, _ = auction(a)
    assert json.loads(get(b, cache_id).text)["price"] == 2
    assert b.metric("nexus_pbs_cache_calls_total", op="get", result="ok") >= 6
    assert a.metric("nexus_pbs_prebidcache_write_time_seconds_count", success="true") == 2


def test_a_key_that_is_taken_stays_as_it_is(tmp_path, redis):
    with running(start(tmp_path / "pbs", redis, PBS_CACHE_BUILTIN_ALLOW_KEYS="true")) as (pbs,):
        put_one = lambda value: put(pbs, {"type": "json", "value": value, "key": "mine"}).json()["responses"][0]["uuid"]
        assert (put_one(1), put_one(2), get(pbs, "mine").text) == ("mine", "", "1")


def test_keys_of_others_in_the_same_redis_are_out_of_reach(pair, redis):
    redis.ask("SET", "secret", "json\"theirs\"")
    redis.ask("SET", "nexus-cache:odd", "text is neither")
    assert get(pair[0], "secret").status == 404
    assert get(pair[0], "odd").status == 404


def test_a_redis_that_is_gone_costs_the_ids_and_nothing_else(pair, redis):
    a, b = pair
    uuid = put(a, {"type": "json", "value": 1}).json()["responses"][0]["uuid"]
    redis.kill()
    for pbs in pair:
        cache_id, ext = auction(pbs)
        assert cache_id is None
        assert any("Prebid Cache" in e["message"] for e in ext["errors"]["prebid"])
    assert get(a, uuid).status == 500
    assert put(b, {"type": "json", "value": 1}).status == 500
    assert a.metric("nexus_pbs_cache_calls_total", op="put", result="unreachable") >= 1
    assert a.metric("nexus_pbs_prebidcache_write_time_seconds_count", success="false") >= 1
    redis.start()

    def works_again(pbs):
        return wait_until(lambda: auction(pbs)[0], what="the cache is back")
    works_again(b)
    assert get(b, works_again(a)).status == 200


def test_a_redis_that_sleeps_costs_no_more_than_its_time(pair, redis):
    a, b = pair
    assert auction(a)[0] and auction(b)[0]
    redis.proc.send_signal(signal.SIGSTOP)
    try:
        for pbs in pair:
            cache_id, ext = auction(pbs)
            assert cache_id is None
            assert any("timeout" in e["message"] for e in ext["errors"]["prebid"])
        assert a.metric("nexus_pbs_cache_calls_total", op="put", result="timeout") >= 1
        assert put(a, {"type": "json", "value": 1}).status in (500, 597)
        assert a.get("/status").status in (200, 204)  # the loop turns
        assert a.metric("nexus_pbs_auctions_in_flight") == 0
    finally:
        redis.proc.send_signal(signal.SIGCONT)


def test_vtrack_uses_it_too(pair):
    a, b = pair
    reply = a.post({"puts": [{"type": "xml", "value": "<VAST><Impression></Impression></VAST>", "bidid": "b", "bidder": "aster"}]},
                   "/vtrack?a=acc", key=None)
    assert reply.status == 200, reply.text
    assert "<Impression>" in get(b, reply.json()["responses"][0]["uuid"]).text


def test_a_wrong_url_is_said_at_the_start(tmp_path):
    out = subprocess.run([BIN / "nexus-pbs", "--check-config"], env={"REDIS_URL": "http://x", "AUTH_ENABLED": "false"},
                         capture_output=True, text=True, cwd=tmp_path)
    assert out.returncode != 0 and "REDIS_URL" in out.stdout + out.stderr and "redis[s]://" in out.stdout + out.stderr
