"""History reaches PostgreSQL once, whatever dies on the way."""
import random

import pytest
from idr_stack import CHAOS_ROUNDS, T0, Idr, Market, bid, event, no_bid
from pbs_stack import running, wait_until
from postgres_stack import Postgres

FAST = "database: { forward_ms: 20, forward_events: 50 }"


@pytest.fixture(scope="module")
def server():
    pg = Postgres()
    with running(pg):
        yield pg


@pytest.fixture
def pg(server):
    server.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return server


def caught_up(idr, pg, events):
    def there():
        try:
            return pg.number("SELECT count(*) FROM routing_decisions") >= events
        except Exception:
            return False
    wait_until(there, 40, f"{events} events are in PostgreSQL")


def test_rows_and_rollups(tmp_path, pg):
    with running(Idr(tmp_path, FAST, env={"DATABASE_URL": pg.url})) as (idr,):
        idr.send([event("a\ttab\\n", T0, bidders=[bid("aster", 2), no_bid("birch")], total_configured=10),
                  event("b", T0 + 3600, bidders=[bid("aster", 4, ms=300)]),
                  event("c", T0 + 86400, country=None, bidders=[])])
        caught_up(idr, pg, 3)
        assert pg.query("SELECT auction_id, ts AT TIME ZONE 'UTC', publisher_id, total_configured FROM routing_decisions"
                        " ORDER BY seq")[0] == ["a\ttab\\n", "2026-01-01 00:00:00", "p1", "10"]
        assert pg.query("SELECT bidder_code, status, cpm_usd, was_selected FROM auction_events ORDER BY seq, pos") == [
            ["aster", "bid", "2", "t"], ["birch", "no_bid", "", "t"], ["aster", "bid", "4", "t"]]
        assert pg.query("SELECT day, auctions, configured, called, bids, wins, revenue, latency_le_100 FROM"
                        " publisher_stats_daily ORDER BY day") == [
            ["2026-01-01", "2", "11", "3", "2", "2", "6", "2"], ["2026-01-02", "1", "0", "0", "0", "0", "0", "0"]]
        assert pg.query("SELECT bidder_code, sum(bids) FROM bidder_performance_hourly GROUP BY 1 ORDER BY 1") == [
            ["aster", "2"], ["birch", "0"]]
        assert idr.ask("GET", "/health").json()["postgres"]["status"] == "ok"


def test_once_whatever_is_killed(tmp_path, pg):
    """Both sides are killed at random while events come in; nothing is lost or doubled."""
    rng, market, sent = random.Random(3), Market(), 0
    idr = Idr(tmp_path, FAST, env={"DATABASE_URL": pg.url})
    with running(idr):
        for _ in range(CHAOS_ROUNDS):
            for _ in range(rng.randrange(3, 8)):
                batch = market.events(rng.randrange(10, 80))
                idr.send(batch)
                sent += len(batch)
            victim = rng.choice(["idr", "pg"])
            if victim == "idr":
                idr.kill()
                idr.start()
            else:
                pg.kill()
                idr.send(market.events(30))
                sent += 30
                pg.start()
        caught_up(idr, pg, sent)
        assert pg.query("SELECT count(*), count(DISTINCT auction_id), max(seq) FROM routing_decisions") == [[str(sent)] * 3]
        assert pg.number("SELECT count(*) FROM auction_events") == sent * len(Market.codes)
        assert pg.number("SELECT sum(auctions) FROM publisher_stats_daily") == sent
        assert pg.number("SELECT sum(configured) FROM bidder_performance_hourly") == sent * len(Market.codes)
        assert pg.number("SELECT sum(called) FROM publisher_stats_daily") == idr.stats()["totals"]["bidders_called"]


def test_routing_does_not_need_the_database(tmp_path):
    market = Market()
    with running(Idr(tmp_path, FAST, env={"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})) as (idr,):
        idr.send(market.events(400))
        idr.learned(400)
        assert idr.route(bidders=Market.codes)["mode"] == "normal"
        health = idr.ask("GET", "/health").json()
        assert health["status"] == "degraded" and health["postgres"]["status"] == "down" and health["postgres"]["error"]


def test_old_partitions_go(tmp_path, pg):
    yaml = "database: { forward_ms: 20 }\nstore: { retention_days: 30 }"
    idr = Idr(tmp_path, yaml, env={"DATABASE_URL": pg.url})
    with running(idr):
        idr.send([event("old", T0)])
        caught_up(idr, pg, 1)
        idr.send([event("new", T0 + 60 * 86400)])
        caught_up(idr, pg, 2)
        idr.stop()
        idr.start()  # the first thing after a connection
        wait_until(lambda: pg.number("SELECT count(*) FROM auction_events") == 1, 10, "the old day is dropped")
        assert pg.number("SELECT sum(auctions) FROM publisher_stats_daily") == 2
