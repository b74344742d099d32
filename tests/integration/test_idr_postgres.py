"""History reaches PostgreSQL once, whatever dies on the way."""
import random
import subprocess

import pytest
from idr_stack import CHAOS_ROUNDS, T0, Idr, Market, bid, event, no_bid
from pbs_stack import BIN, running, wait_until
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
    """As long as it takes, if only there are more of them every 40 seconds."""
    have = -1

    def more():
        try:
            return pg.number("SELECT count(*) FROM routing_decisions") > have
        except subprocess.CalledProcessError:
            return False
    while have < events:
        wait_until(more, 40, f"{events} events are in PostgreSQL, not just {have}")
        have = pg.number("SELECT count(*) FROM routing_decisions")


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


def test_a_long_outage(tmp_path, pg):
    """Nothing is there when it begins; the process ends and comes back meanwhile; the backlog is many pieces long."""
    market = Market()
    pg.kill()
    idr = Idr(tmp_path, FAST, env={"DATABASE_URL": pg.url})
    with running(idr):
        for i in range(15):
            idr.send(market.events(200))
            if i == 7:
                idr.kill()
                idr.start()
        idr.learned(3000)
        health = idr.ask("GET", "/health").json()
        assert health["status"] == "degraded" and health["postgres"]["events_behind"] == 3000
        assert idr.route(bidders=Market.codes)["mode"] == "normal"
        pg.start()
        caught_up(idr, pg, 3000)
        wait_until(lambda: idr.ask("GET", "/health").json()["postgres"] == {"status": "ok", "events_behind": 0}, 10, "it says so")
        assert pg.query("SELECT count(*), count(DISTINCT auction_id), max(seq) FROM routing_decisions") == [["3000"] * 3]
        assert pg.number("SELECT sum(configured) FROM bidder_performance_hourly") == 3000 * len(Market.codes)


def test_a_database_too_slow_for_a_piece(tmp_path, pg):
    """Each auction takes it 4 ms and a statement may take 200: a piece of 400 cannot be written, smaller ones can."""
    assert migrate(pg.url).returncode == 0
    pg.query("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.004); RETURN NEW; END $$;"
             "CREATE TRIGGER slow BEFORE INSERT ON routing_decisions FOR EACH ROW EXECUTE FUNCTION slow()")
    yaml = "database: { forward_ms: 20, forward_events: 400, timeout_ms: 200 }"
    with running(Idr(tmp_path, yaml, env={"DATABASE_URL": pg.url})) as (idr,):
        market = Market()
        for _ in range(4):
            idr.send(market.events(100))
        caught_up(idr, pg, 400)
        assert pg.query("SELECT count(*), count(DISTINCT auction_id), max(seq) FROM routing_decisions") == [["400"] * 3]
        assert pg.number("SELECT count(DISTINCT xmin::text) FROM routing_decisions") >= 8, "in pieces of 50 and less"


def test_days_far_apart(tmp_path, pg):
    """Partitions are made for the days there are, not for those between."""
    years = [event(f"y{n}", T0 - n * 500 * 86400) for n in range(1, 8)]
    with running(Idr(tmp_path, FAST + "\nstore: { retention_days: 3650 }", env={"DATABASE_URL": pg.url})) as (idr,):
        idr.send([*years, event("today", T0)])
        caught_up(idr, pg, 8)
        assert pg.number("SELECT count(*) FROM pg_inherits WHERE inhparent IN ('routing_decisions'::regclass,"
                         " 'auction_events'::regclass)") == 16
        many = [event(f"d{day}", T0 - day * 86400) for day in range(250)]  # more days than one piece may have
        idr.send(many)
        caught_up(idr, pg, 258)
        assert pg.number("SELECT count(DISTINCT auction_id) FROM routing_decisions") == 258


def test_roll_ups_outlive_what_they_are_made_of(tmp_path, pg):
    yaml = "database: { forward_ms: 20 }\nstore: { retention_days: 30, hourly_days: 60 }"
    idr = Idr(tmp_path, yaml, env={"DATABASE_URL": pg.url})
    with running(idr):
        idr.send([event("oldest", T0)])
        caught_up(idr, pg, 1)
        idr.send([event("older", T0 + 60 * 86400), event("new", T0 + 100 * 86400)])
        caught_up(idr, pg, 3)
        idr.stop()
        idr.start()
        wait_until(lambda: pg.number("SELECT count(*) FROM routing_decisions") == 1, 10, "raw rows of 30 days are kept")
        wait_until(lambda: pg.number("SELECT count(*) FROM bidder_performance_hourly") == 2, 10, "hours of 60 days")
        assert pg.number("SELECT sum(auctions) FROM publisher_stats_daily") == 3


def choices(machine, n=60):
    return [machine.route(f"r{i}", bidders=Market.codes, ts=T0 + 1000)["selected_bidders"] for i in range(n)]


def test_a_cold_one_learns_from_the_database(tmp_path, pg):
    """A new machine decides as the one does whose history it read; what it read is no history of its own."""
    market = Market()
    for name in "abc":
        (tmp_path / name).mkdir()
    a = Idr(tmp_path / "a", FAST, env={"DATABASE_URL": pg.url})
    with running(a):
        for _ in range(7):
            a.send(market.events(100))
        a.learned(700)
        caught_up(a, pg, 700)
        with running(Idr(tmp_path / "b", FAST, env={"DATABASE_URL": pg.url})) as (b,):
            assert b.metric("nexus_idr_index_events") == 700
            assert choices(a) == choices(b)
            assert b.stats()["totals"]["auctions"] == 0
        short = FAST.replace("}", ", catch_up_events: 200 }")
        with running(Idr(tmp_path / "c", short, env={"DATABASE_URL": pg.url})) as (c,):
            assert c.metric("nexus_idr_index_events") == 200, "the newest ones only"
            c.send(market.events(50))
            c.learned(250)
            c.kill()  # there is no snapshot yet: the database again, then its own journal
            c.start()
            assert c.metric("nexus_idr_index_events") == 250


def test_a_cold_one_starts_without_the_database_too(tmp_path, pg):
    pg.query("CREATE TABLE nexus_forwarded(odd text)")  # not our schema
    with running(Idr(tmp_path, FAST, env={"DATABASE_URL": pg.url})) as (idr,):
        assert "cold_start_failed" in idr.process.log()
        assert idr.route(bidders=Market.codes)["mode"] == "learning"


def migrate(url, *options):
    return subprocess.run([BIN / "nexus-idr", "migrate", *options], env={"AUTH_ENABLED": "false", **({"DATABASE_URL": url} if url else {})},
                          capture_output=True, text=True)


def test_migrate_twice_and_by_many(tmp_path, pg):
    many = [subprocess.Popen([BIN / "nexus-idr", "migrate"], env={"AUTH_ENABLED": "false", "DATABASE_URL": pg.url},
                             stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = sorted(p.communicate(timeout=60)[0] for p in many)
    assert said == ["schema 0 -> 3 (plain PostgreSQL)\n"] + ["schema 3 -> 3 (plain PostgreSQL)\n"] * 5
    assert all(p.returncode == 0 for p in many)
    again = migrate(pg.url)
    assert (again.returncode, again.stdout) == (0, "schema 3 -> 3 (plain PostgreSQL)\n")
    assert pg.query("SELECT version, length(checksum) FROM nexus_schema ORDER BY 1") == [["1", "16"], ["2", "16"], ["3", "16"]]
    with running(Idr(tmp_path, FAST, env={"DATABASE_URL": pg.url})) as (idr,):
        idr.send([event("a", T0)])
        caught_up(idr, pg, 1)


def test_migrate_refuses(pg):
    assert "DATABASE_URL" in migrate(None).stderr
    optional = migrate(None, "--if-configured")
    assert (optional.returncode, optional.stdout) == (0, "no database is configured: nothing to migrate\n")
    assert migrate("postgresql://nobody@127.0.0.1:1/none", "--if-configured").returncode == 1, "configured, so it must work"
    unreachable = migrate("postgresql://nobody@127.0.0.1:1/none")
    assert unreachable.returncode == 1 and "refused" in unreachable.stderr
    assert migrate(pg.url).returncode == 0
    pg.query("UPDATE nexus_schema SET checksum = '0123456789abcdef' WHERE version = 1")
    changed = migrate(pg.url)
    assert changed.returncode == 1 and "migration 1" in changed.stderr


def test_schema_of_older_and_newer_programs(tmp_path, pg):
    assert migrate(pg.url).returncode == 0
    pg.query("ALTER TABLE nexus_schema DROP COLUMN checksum; DELETE FROM nexus_schema WHERE version > 1;"
             "ALTER TABLE routing_decisions DROP COLUMN context, DROP COLUMN floors")
    assert migrate(pg.url).stdout == "schema 1 -> 3 (plain PostgreSQL)\n"
    pg.query("INSERT INTO nexus_schema(version, checksum) VALUES (99, 'x'); ALTER TABLE auction_events ADD COLUMN more text")
    with running(Idr(tmp_path, FAST, env={"DATABASE_URL": pg.url})) as (idr,):
        idr.send([event("a", T0)])
        caught_up(idr, pg, 1)


# What the extension's functions take, without what they do: PostgreSQL checks names and types of the calls.
STAND_IN = """
SET allow_system_table_mods = on;
INSERT INTO pg_extension(oid, extname, extowner, extnamespace, extrelocatable, extversion)
  VALUES (99999, 'timescaledb', 10, 'public'::regnamespace, false, '2.28.3');
CREATE SCHEMA timescaledb_information;
CREATE TABLE timescaledb_information.hypertables AS SELECT 'auction_events'::name AS hypertable_name;
CREATE TABLE calls(name text, arg text);
CREATE FUNCTION create_hypertable(relation regclass, time_column_name name, chunk_time_interval anyelement,
  create_default_indexes boolean) RETURNS void LANGUAGE sql AS
  $$ INSERT INTO calls VALUES ('create_hypertable', relation::text || ' ' || time_column_name) $$;
CREATE FUNCTION drop_chunks(relation regclass, older_than timestamptz) RETURNS SETOF text LANGUAGE sql AS
  $$ INSERT INTO calls VALUES ('drop_chunks', relation::text); SELECT NULL::text $$;
"""


@pytest.mark.parametrize("license, tier", [("apache", "Apache licence"), ("timescale", "community licence")])
def test_timescale_tiers_are_told_apart(tmp_path, pg, license, tier):
    """A stand-in for the extension: the branches and the calls are tested, not what the extension makes of them."""
    pg.query(STAND_IN)
    pg.query(f"ALTER DATABASE postgres SET timescaledb.license = '{license}'")
    try:
        assert tier in migrate(pg.url).stdout
        # the stand-in cannot compress; that is no reason to stop
        assert pg.query("SELECT name, arg FROM calls ORDER BY arg") == [["create_hypertable", "auction_events ts"],
                                                                          ["create_hypertable", "routing_decisions ts"]]
        assert pg.number("SELECT count(*) FROM pg_partitioned_table") == 0
        with running(Idr(tmp_path, FAST, env={"DATABASE_URL": pg.url})) as (idr,):
            idr.send([event("a", T0), event("b", T0 + 86400)])
            caught_up(idr, pg, 2)
            assert pg.number("SELECT sum(auctions) FROM publisher_stats_daily") == 2
            assert idr.ask("GET", "/health").json()["postgres"]["status"] == "ok"
            wait_until(lambda: pg.number("SELECT count(DISTINCT arg) FROM calls WHERE name = 'drop_chunks'") == 2, 10,
                       "old chunks are looked for")
    finally:
        pg.query("SET allow_system_table_mods = on; DELETE FROM pg_extension WHERE extname = 'timescaledb';"
                 "DROP SCHEMA timescaledb_information CASCADE")
        pg.query("ALTER DATABASE postgres RESET timescaledb.license")
