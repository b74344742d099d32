"""The loop: outcomes in, decisions out; what was acknowledged survives the process."""
import random
import time

from idr_stack import CHAOS_ROUNDS, T0, Idr, Market, event, ndjson
from pbs_stack import running


def decisions(idr, n=60):
    """What would be called in n auctions; the ids are new to the router but the same every time."""
    return [(r["mode"], r["selected_bidders"])
            for r in (idr.route(f"q{i}", bidders=Market.codes, ts=T0 + 1000) for i in range(n))]


def test_learns_whom_not_to_call(tmp_path):
    market = Market()
    with running(Idr(tmp_path)) as (idr,):
        first = idr.route(bidders=Market.codes)
        assert first["mode"] == "learning" and sorted(first["selected_bidders"]) == Market.codes
        for _ in range(15):
            idr.send(market.events(100))
        idr.learned(1500)
        routed = decisions(idr)
        assert all(mode == "normal" for mode, _ in routed)
        counts = {c: sum(c in s for _, s in routed) for c in Market.codes}
        assert counts["bidder00"] == 60, counts
        assert counts["bidder11"] < 30, counts
        assert sum(counts.values()) < 0.75 * 60 * len(Market.codes)


def test_scores_explain_the_decision(tmp_path):
    market = Market()
    with running(Idr(tmp_path)) as (idr,):
        idr.send(market.events(600))
        idr.learned(600)
        reply = idr.route(bidders=Market.codes, scores=True)
        scores = {s["bidder_code"]: s for s in reply["all_scores"]}
        assert sorted(scores) == Market.codes
        assert set(scores["bidder00"]["components"]) == {
            "win_rate", "bid_rate", "cpm", "floor_clearance", "latency", "recency", "id_match"}
        assert all(0 <= v <= 100 for s in scores.values() for v in s["components"].values())
        assert scores["bidder00"]["probability"] > scores["bidder11"]["probability"]
        assert sorted(reply["selected_bidders"]) == sorted(c for c, s in scores.items() if s["selected"])
        assert "all_scores" not in idr.route(bidders=Market.codes)


def test_same_decisions_after_kill(tmp_path):
    """The index comes back from the snapshot and the journal behind it, prices per call included."""
    market = Market()
    idr = Idr(tmp_path, "store: { snapshot_seconds: 1 }\nrouter: { settings: { budget: { share: 0.3 } } }")
    with running(idr):
        idr.send(market.events(800))
        idr.learned(800)
        time.sleep(1.5)  # a snapshot is due within a second: then some more that only the journal has
        for i in range(30):  # decisions and outcomes in turn, as in life: the price per call moves
            decisions(idr, 5)
            idr.send(market.events(10))
        idr.learned(1100)
        time.sleep(0.5)  # the prices are written within 0.2 s
        before = decisions(idr)
        idr.kill()
        idr.start()
        assert idr.metric("nexus_idr_index_events") == 1100
        assert decisions(idr) == before


def test_same_decisions_without_a_snapshot(tmp_path):
    market = Market()
    idr = Idr(tmp_path, "router: { settings: { budget: { calls: 3 } } }")
    with running(idr):
        idr.send(market.events(600))
        for i in range(10):
            decisions(idr, 30)
            idr.send(market.events(10))
        idr.learned(700)
        time.sleep(0.5)
        before = decisions(idr)
        idr.kill()
        (tmp_path / "var/index.snapshot").unlink(missing_ok=True)
        idr.start()
        assert decisions(idr) == before


def test_damaged_snapshot_is_ignored(tmp_path):
    idr = Idr(tmp_path)
    with running(idr):
        idr.send(Market().events(400))
        idr.learned(400)
        idr.stop()
        path = tmp_path / "var/index.snapshot"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xff
        path.write_bytes(data)
        idr.start()
        assert idr.metric("nexus_idr_index_events") == 400
        assert "snapshot_ignored" in idr.process.log()


def test_nothing_acknowledged_is_lost(tmp_path):
    """kill -9 in the middle of a stream of posts, several times; then everything is sent again."""
    rng, market = random.Random(7), Market()
    idr = Idr(tmp_path)
    acknowledged, sent = set(), []
    with running(idr):
        for _ in range(CHAOS_ROUNDS):
            stop_after = rng.randrange(3, 12)
            for i in range(12):
                batch = market.events(rng.randrange(1, 20))
                sent += batch
                if i == stop_after:
                    idr.kill()
                try:
                    idr.send(batch)
                except OSError:
                    break
                acknowledged |= {e["auction_id"] for e in batch}
            idr.start()
        have = idr.stats()["totals"]["auctions"]
        assert have >= len(acknowledged)
        for i in range(0, len(sent), 50):
            idr.send(sent[i:i + 50])
        assert idr.stats()["totals"]["auctions"] == len(sent)
        bidders = {b["bidder"]: b for b in idr.stats()["breakdown"]}
        assert bidders["bidder00"]["bidders_called"] == len(sent)


def test_duplicates_count_once(tmp_path):
    with running(Idr(tmp_path)) as (idr,):
        assert idr.send(event("a"))["duplicates"] == 0
        assert idr.send([event("a"), event("b")])["duplicates"] == 1
        assert idr.ask("POST", "/analytics", ndjson([event("a"), event("b"), event("b", T0 + 1)]),
                       headers={"Content-Type": "application/x-ndjson"}).json() == {
            "status": "recorded", "accepted": 3, "duplicates": 2}
        totals = idr.stats()["totals"]
        assert totals["auctions"] == 3 and totals["wins"] == 3
        idr.learned(3)
        assert idr.metric("nexus_idr_index_events") == 3


def test_old_events_are_kept_in_wall_time_too(tmp_path):
    idr = Idr(tmp_path, "store: { maintain_seconds: 1 }", env={"IDR_CLOCK": "wall"})
    with running(idr):
        idr.send(Market().events(50))  # of T0, long ago
        time.sleep(2.5)
        idr.kill()
        idr.start()
        assert idr.metric("nexus_idr_index_events") == 50
        assert idr.send(Market().events(50))["duplicates"] == 50


def test_drain_finishes_what_was_taken(tmp_path):
    import threading
    idr, market = Idr(tmp_path), Market()
    replies = []

    def post(batch):
        try:
            replies.append(len(batch) if idr.ask("POST", "/analytics", batch).status == 200 else 0)
        except OSError:
            replies.append(0)

    with running(idr):
        threads = [threading.Thread(target=post, args=(market.events(200),)) for _ in range(8)]
        for t in threads:
            t.start()
        idr.process.signal(15)
        for t in threads:
            t.join()
        assert idr.process.wait() == 0
        idr.start()
        assert idr.stats()["totals"]["auctions"] >= sum(replies)
        assert idr.metric("nexus_idr_index_events") == idr.stats()["totals"]["auctions"]
