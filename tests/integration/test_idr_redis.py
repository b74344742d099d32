"""Machines that share a Redis learn from each other, are set together, and go on alone without it."""
import random
import subprocess

import pytest
from idr_stack import CHAOS_ROUNDS, T0, Idr, Market
from pbs_stack import BIN, running, wait_until
from postgres_stack import Postgres
from redis_stack import Redis

FAST = "redis: { interval_ms: 10 }\nrouter: { learning_auctions: 50 }"
SETTINGS = "/api/v1/publishers/p1/settings"


@pytest.fixture
def redis():
    server = Redis()
    with running(server):
        yield server


@pytest.fixture
def redis_cluster():
    server = Redis(cluster=True)
    with running(server):
        yield server


def idr(folder, redis, rate="1", yaml=FAST, **env):
    folder.mkdir(exist_ok=True)
    return Idr(folder, yaml, env={"REDIS_URL": redis.url, "REDIS_SAMPLE_RATE": rate, **env})


def connected(*machines):
    for m in machines:
        wait_until(lambda: m.ask("GET", "/health").json()["redis"]["status"] == "ok", 20, "Redis is connected")


def heard(machine, events):
    wait_until(lambda: machine.metric("nexus_idr_redis_events_received_total") >= events, 20, f"{events} events are heard")
    machine.learned(events)


def choices(machine, n=60):
    return [frozenset(machine.route(f"r{i}", bidders=Market.codes, ts=T0 + 1000)["selected_bidders"]) for i in range(n)]


def likeness(a, b):
    return sum(len(x & y) / len(x | y) for x, y in zip(a, b)) / len(a)


def test_one_hears_what_the_other_learns(tmp_path, redis):
    """The same events in the same order: the very same decisions."""
    market = Market()
    with running(idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)) as (a, b):
        connected(a, b)
        for _ in range(8):
            a.send(market.events(100))
        a.learned(800)
        heard(b, 800)
        assert choices(a) == choices(b)
        assert a.metric("nexus_idr_redis_events_received_total") == 0, "nobody hears himself"
        assert b.stats()["totals"]["auctions"] == 0, "what is heard is no history of one's own"
        assert a.ask("GET", "/health").json()["redis"]["events_published"] == 800


def test_both_converge(tmp_path, redis):
    market = Market()
    with running(idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)) as (a, b):
        connected(a, b)
        for _ in range(10):
            a.send(market.events(100))
            b.send(market.events(100))
        for m in (a, b):
            m.learned(2000)
        assert likeness(choices(a), choices(b)) > 0.9


def test_a_sample_counts_for_all(tmp_path, redis):
    market = Market()
    with running(idr(tmp_path / "a", redis, "0.2"), idr(tmp_path / "b", redis, "0.2")) as (a, b):
        connected(a, b)
        for _ in range(20):
            a.send(market.events(100))
        a.learned(2000)
        wait_until(lambda: b.metric("nexus_idr_redis_events_received_total") ==
                   a.metric("nexus_idr_redis_events_published_total") > 0, 20, "the sample is heard")
        sent = a.metric("nexus_idr_redis_events_published_total")
        assert 320 < sent < 480
        b.learned(sent * 5)
        assert b.metric("nexus_idr_index_events") == sent * 5
        assert likeness(choices(a), choices(b)) > 0.8


def test_a_cold_one_and_one_that_was_away_catch_up(tmp_path, redis):
    market = Market()
    a, b = idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)
    with running(a, b):
        connected(a, b)
        a.send(market.events(400))
        heard(b, 400)
        b.stop()
        a.send(market.events(300))
        b.start()
        b.learned(700)
        connected(b)
        assert b.metric("nexus_idr_redis_events_received_total") == 300, "the snapshot says how far it had read"
        b.kill()  # the stop above wrote a snapshot of 400
        b.start()
        b.learned(700)
        with running(idr(tmp_path / "c", redis)) as (c,):
            heard(c, 700)
            assert choices(c) == choices(a)


def test_a_cold_one_reads_the_database_then_the_stream(tmp_path, redis):
    """The database has what the stream has forgotten, the stream what is not in the database yet; nothing is learned twice."""
    market, pg = Market(), Postgres()
    with running(pg):
        stopped = FAST + "\ndatabase: { forward_ms: 20 }"
        slow = FAST + "\ndatabase: { forward_ms: 3600000 }"
        a = idr(tmp_path / "a", redis, yaml=stopped, DATABASE_URL=pg.url)
        with running(a):
            connected(a)
            for _ in range(6):
                a.send(market.events(100))
            wait_until(lambda: pg.number("SELECT count(*) FROM routing_decisions") == 600, 20, "600 are in the database")
            a.stop()
            a.config.write_text(slow)  # from now on it is the stream that is ahead
            a.start()
            connected(a)
            redis.ask("XTRIM", "{nexus-idr}:events", "MAXLEN", "250")
            a.send(market.events(100))
            a.learned(700)
            wait_until(lambda: a.metric("nexus_idr_redis_events_published_total") == 100, 10, "they are told")
            with running(idr(tmp_path / "b", redis, yaml=slow, DATABASE_URL=pg.url)) as (b,):
                wait_until(lambda: b.metric("nexus_idr_redis_events_received_total") == 350, 20, "the stream was read")
                b.learned(700)
                assert b.metric("nexus_idr_index_events") == 700
                assert choices(a) == choices(b)


def test_redis_dies_and_comes_back(tmp_path, redis):
    market = Market()
    with running(idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)) as (a, b):
        connected(a, b)
        redis.kill()
        wait_until(lambda: a.ask("GET", "/health").json()["status"] == "degraded", 20, "it is noticed")
        a.send(market.events(300))
        a.learned(300)
        assert a.route(bidders=Market.codes)["mode"] == "normal", "routing goes on"
        assert a.ask("PUT", SETTINGS, {"max_bidders": 3}).status == 200
        redis.start()  # empty
        connected(a, b)
        heard(b, 300)
        wait_until(lambda: b.ask("GET", SETTINGS).json()["settings"] == {"max_bidders": 3}, 10, "settings arrive")
        assert a.ask("GET", "/health").json()["status"] == "healthy"


def test_nothing_is_lost_whoever_is_killed(tmp_path, redis):
    """What was acknowledged is recorded once, and what is learned is not less than what was recorded."""
    rng, market, sent = random.Random(5), Market(), 0
    a, b = idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)
    with running(a, b):
        for _ in range(CHAOS_ROUNDS):
            for _ in range(rng.randrange(2, 6)):
                a.send(market.events(rng.randrange(10, 60)))
            victim = rng.choice([a, b, redis])
            victim.kill()
            if victim is not a:
                a.send(market.events(20))
            victim.start()
        sent = market.n
        connected(a, b)
        a.send(market.events(50))
        assert a.stats()["totals"]["auctions"] == sent + 50
        a.learned(sent + 50)
        wait_until(lambda: b.metric("nexus_idr_redis_events_received_total") >= 50, 20, "the last ones are heard")
        assert b.stats()["totals"]["auctions"] == 0


def test_settings_and_floors_are_told(tmp_path, redis):
    floors = {"currency": "USD", "floorsSchemaVersion": 2, "modelGroups": [
        {"schema": {"fields": ["mediaType"]}, "values": {"banner": 1.5}}]}
    a, b = idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)
    with running(a, b):
        connected(a, b)
        assert a.ask("PUT", SETTINGS, {"max_bidders": 3}).status == 200
        wait_until(lambda: b.ask("GET", SETTINGS).json()["settings"] == {"max_bidders": 3}, 10, "settings arrive")
        assert b.ask("PUT", "/floors/p1", floors).status == 200
        wait_until(lambda: a.ask("GET", "/floors/p1").json() == floors, 10, "floors arrive")
        assert b.ask("PUT", SETTINGS, {"max_bidders": 4}).status == 200
        wait_until(lambda: a.ask("GET", SETTINGS).json()["settings"] == {"max_bidders": 4}, 10, "they are changed")
        told = [(r["action"], r["address"], r["version"]) for r in a.ask("GET", "/api/v1/audit").json()["audit"]]
        assert told == [("settings.put", "redis", 2), ("floors.put", "redis", 1), ("settings.put", "127.0.0.1", 1)]
        with running(idr(tmp_path / "c", redis)) as (c,):
            wait_until(lambda: c.ask("GET", SETTINGS).json()["settings"] == {"max_bidders": 4}, 10, "a new one is told")
        b.stop()
        assert a.ask("DELETE", SETTINGS).status == 200
        b.start()
        wait_until(lambda: b.ask("GET", SETTINGS).json()["settings"] in ({}, None), 10, "one that was away is told")


def test_redis_forgets_everything(tmp_path, redis):
    market = Market()
    with running(idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)) as (a, b):
        connected(a, b)
        assert a.ask("PUT", SETTINGS, {"max_bidders": 3}).status == 200
        a.send(market.events(100))
        heard(b, 100)
        redis.ask("FLUSHALL")
        a.send(market.events(100))
        heard(b, 200)
        wait_until(lambda: "max_bidders" in redis.ask("HGET", "{nexus-idr}:docs", "settings/p1"), 10, "it is put there again")
        with running(idr(tmp_path / "c", redis)) as (c,):
            wait_until(lambda: c.ask("GET", SETTINGS).json()["settings"] == {"max_bidders": 3}, 10, "a new one is told")


def test_redis_evicts_while_events_come(tmp_path, redis):
    """A ceiling of memory and a policy that throws out whatever it likes, the stream and the documents too."""
    redis.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
    market = Market()
    with running(idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)) as (a, b):
        connected(a, b)
        assert a.ask("PUT", SETTINGS, {"max_bidders": 3}).status == 200
        wait_until(lambda: b.ask("GET", SETTINGS).json()["settings"] == {"max_bidders": 3}, 10, "settings arrive")
        redis.ask("CONFIG", "SET", "maxmemory", str(int(redis.info("used_memory")) + 200000))
        for _ in range(40):
            a.send(market.events(100))
        a.learned(4000)
        wait_until(lambda: a.metric("nexus_idr_redis_events_published_total") == 4000, 20, "all are told")
        wait_until(lambda: int(redis.info("evicted_keys")) > 0, 10, "something was thrown out")
        redis.ask("CONFIG", "SET", "maxmemory", "0")
        for m in (a, b):
            assert m.route(bidders=Market.codes)["mode"] == "normal"
            assert m.ask("GET", SETTINGS).json()["settings"] == {"max_bidders": 3}
        before = b.metric("nexus_idr_redis_events_received_total")
        a.send(market.events(100))
        wait_until(lambda: b.metric("nexus_idr_redis_events_received_total") >= before + 100, 20, "they hear each other again")
        wait_until(lambda: "max_bidders" in redis.ask("HGET", "{nexus-idr}:docs", "settings/p1"), 10, "it is put there again")
        assert a.stats()["totals"]["auctions"] == 4100


def test_redis_is_full(tmp_path, redis):
    """It refuses writes: the reason is shown, routing goes on, and what waited is told when there is room."""
    market = Market()
    with running(idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)) as (a, b):
        connected(a, b)
        redis.ask("CONFIG", "SET", "maxmemory", "1")
        a.send(market.events(300))
        a.learned(300)
        wait_until(lambda: "OOM" in a.ask("GET", "/health").json()["redis"].get("error", ""), 20, "the reason is shown")
        assert a.route(bidders=Market.codes)["mode"] == "normal"
        redis.ask("CONFIG", "SET", "maxmemory", "0")
        heard(b, 300)
        assert choices(a) == choices(b)


def test_a_cluster_s_slots(tmp_path, redis_cluster):
    """A node of a cluster: keys of one slot, or it would refuse (CROSSSLOT, MOVED)."""
    market = Market()
    with running(idr(tmp_path / "a", redis_cluster), idr(tmp_path / "b", redis_cluster)) as (a, b):
        connected(a, b)
        assert a.ask("PUT", SETTINGS, {"max_bidders": 3}).status == 200
        a.send(market.events(100))
        heard(b, 100)
        wait_until(lambda: b.ask("GET", SETTINGS).json()["settings"] == {"max_bidders": 3}, 10, "settings arrive")
        slots = {redis_cluster.ask("CLUSTER", "KEYSLOT", key) for key in redis_cluster.ask("KEYS", "*").split()}
        assert len(slots) == 1


def test_what_others_write_there_does_no_harm(tmp_path, redis):
    market = Market()
    with running(idr(tmp_path / "a", redis), idr(tmp_path / "b", redis)) as (a, b):
        connected(a, b)
        for args in (["m", "x", "w", "1", "e", "junk"], ["m", "x", "w", "99999999", "e", "y"], ["m", "x", "d", "nothing/at/all"],
                     ["what", "ever"]):
            redis.ask("XADD", "{nexus-idr}:events", "*", *args)
        redis.ask("HSET", "{nexus-idr}:docs", "settings/p1", "no json")
        redis.ask("XADD", "{nexus-idr}:events", "*", "m", "x", "d", "settings/p1")
        a.send(market.events(100))
        heard(b, 100)
        assert b.metric("nexus_idr_redis_events_refused_total") >= 2


def test_wrong_type_of_key_is_said(tmp_path, redis):
    redis.ask("SET", "{nexus-idr}:docs", "a string")
    with running(idr(tmp_path / "a", redis)) as (a,):
        wait_until(lambda: "WRONGTYPE" in a.ask("GET", "/health").json()["redis"].get("error", ""), 10, "the reason is shown")
        assert a.ask("GET", "/health").json()["status"] == "degraded"
        redis.ask("DEL", "{nexus-idr}:docs")
        connected(a)


def test_a_user_of_the_acl(tmp_path, redis):
    """The keys and commands that the documentation names, all of them of Redis 5 or older, are enough for everything."""
    market = Market()
    commands = "+auth +select +xadd +xread +hget +hgetall +hset +hsetnx"
    redis.ask("ACL", "SETUSER", "idr", "on", ">pass", "~{nexus-idr}:*", "-@all", *commands.split())
    url = f"redis://idr:pass@127.0.0.1:{redis.port}"
    with running(idr(tmp_path / "c", redis, REDIS_URL=url), idr(tmp_path / "d", redis, REDIS_URL=url)) as (c, d):
        connected(c, d)
        c.send(market.events(100))
        heard(d, 100)
        assert c.ask("PUT", SETTINGS, {"max_bidders": 3}).status == 200
        wait_until(lambda: d.ask("GET", SETTINGS).json()["settings"] == {"max_bidders": 3}, 10, "settings arrive")
    with running(idr(tmp_path / "a", redis, REDIS_URL=url), idr(tmp_path / "b", redis, REDIS_URL=url.replace("pass", "no"))) as (a, b):
        connected(a)
        wait_until(lambda: "WRONGPASS" in b.ask("GET", "/health").json()["redis"].get("error", ""), 10, "the reason is shown")


def test_tls(tmp_path):
    server = Redis(tls=True)
    market = Market()
    with running(server):
        trust = {"SSL_CERT_FILE": str(server.folder / "cert.pem")}
        with running(idr(tmp_path / "a", server, **trust), idr(tmp_path / "b", server, **trust),
                     idr(tmp_path / "c", server)) as (a, b, c):
            connected(a, b)
            a.send(market.events(100))
            heard(b, 100)
            wait_until(lambda: "certificate" in c.ask("GET", "/health").json()["redis"].get("error", ""), 10,
                       "an unknown certificate is refused")


@pytest.mark.parametrize("name, value, said", [("REDIS_URL", "http://x", "redis[s]://"), ("REDIS_SAMPLE_RATE", "0.0001", "0.001"),
                                               ("REDIS_SAMPLE_RATE", "2", "0..1")])
def test_bad_configuration_is_refused(name, value, said):
    out = subprocess.run([BIN / "nexus-idr", "--check-config"], env={"AUTH_ENABLED": "false", name: value}, capture_output=True,
                         text=True)
    assert out.returncode == 1 and said in out.stderr
