"""Vendor lists come over HTTP, stay on disk, and are fetched no more often than needed."""
import json

import pytest

from pbs_stack import DATA, Pbs, request, running, wait_until
from privacy_kit import VendorLists, lists_at_hand, tc_string

BIDDERS = {"aster": "price=2"}
INFO = {"aster": "gvlVendorID: 11\n"}
FETCHES = "nexus_pbs_vendor_list_fetches_total"


def start(folder, lists, more="", **settings):
    folder.mkdir(exist_ok=True)
    yaml = f"gdpr:\n  vendor_list:\n{lists.yaml(**settings)}\n{more}"
    return Pbs(folder, BIDDERS, yaml=yaml, info=INFO, env={"PBS_WORKERS": "2"})


def consent_state(pbs, version=7):
    text = tc_string(purposes=range(1, 11), vendor_consent=(11,), version=version)
    reply = pbs.auction(regs={"gdpr": 1}, user={"consent": text})
    return reply["ext"]["debug"]["privacy"]["gdpr"]["consent"], bool(reply.get("seatbid"))


def archive(version):
    return f"/v3/archives/vendor-list-v{version}.json"


def test_the_newest_list_and_some_before_it_are_fetched_at_start(tmp_path):
    lists = VendorLists(newest=9)
    with running(lists, start(tmp_path, lists, preload=3)) as (_, pbs):
        lists_at_hand(pbs, 4)
        assert [path for path, _ in lists.requests] == ["/latest", archive(8), archive(7), archive(6)]
        assert consent_state(pbs, 9) == ("valid", True) == consent_state(pbs, 6)
        assert pbs.metric(FETCHES, result="fetched") == 4


def test_a_missing_version_is_fetched_once_without_waiting(tmp_path):
    lists = VendorLists()
    with running(lists, start(tmp_path, lists)) as (_, pbs):
        lists_at_hand(pbs)
        lists.gate.clear()
        assert [consent_state(pbs, 5) for _ in range(5)] == [("vendor list not at hand", False)] * 5
        lists.gate.set()
        lists_at_hand(pbs, 2)
        assert consent_state(pbs, 5) == ("valid", True)
        assert len(lists.asked(archive(5))) == 1
        assert pbs.metric("nexus_pbs_vendor_list_missing_total") == 5


def test_failures_are_not_repeated_at_once_and_absurd_versions_not_asked_for(tmp_path):
    lists = VendorLists()
    with running(lists, start(tmp_path, lists, retry_seconds=1)) as (_, pbs):
        lists_at_hand(pbs)
        assert consent_state(pbs, 12)[0] == "vendor list not at hand"
        wait_until(lambda: pbs.metric(FETCHES, result="failed") == 1, what="the failure")
        assert [consent_state(pbs, v)[0] for v in (12, 12, 4000)] == ["vendor list not at hand"] * 3
        assert len(lists.asked(archive(12))) == 1
        lists.newest = 12
        wait_until(lambda: consent_state(pbs, 12)[0] == "valid", what="the list that was published since")
        assert len(lists.asked(archive(12))) == 2 and not lists.asked(archive(4000))


def test_refreshes_are_conditional(tmp_path):
    lists = VendorLists()
    more = "  live_gvl_refresh_interval_seconds: 1\n"
    with running(lists, start(tmp_path, lists, more)) as (_, pbs):
        wait_until(lambda: pbs.metric(FETCHES, result="not_modified") >= 2, what="two refreshes")
        assert lists.asked("/latest")[:3] == [None, '"7"', '"7"']
        lists.newest = 8
        lists_at_hand(pbs, 2)
        assert consent_state(pbs, 8) == ("valid", True) == consent_state(pbs, 7)


def test_lists_outlive_a_restart(tmp_path):
    lists, cache = VendorLists(), tmp_path / "lists"
    with running(lists):
        with running(start(tmp_path / "a", lists, directory=str(cache))) as (pbs,):
            lists_at_hand(pbs)
            consent_state(pbs, 6)
            lists_at_hand(pbs, 2)
        assert sorted(p.name for p in cache.iterdir()) == ["latest-v3", "v3-6.json", "v3-7.json"]
        lists.broken = True
        (cache / "v3-5.json").write_text('{"vendors": 1}')
        with running(start(tmp_path / "b", lists, directory=str(cache))) as (pbs,):
            assert pbs.metric("nexus_pbs_vendor_lists") == 2
            assert consent_state(pbs, 6) == ("valid", True)
            assert '"event":"vendor_list_unreadable"' in pbs.process.log()
            wait_until(lambda: lists.asked("/latest")[1:] == ['"7"'], what="the conditional request")


@pytest.mark.parametrize("when_missing,called", [("default", True), ("strict", False)])
def test_what_happens_while_a_list_is_missing(tmp_path, when_missing, called):
    lists = VendorLists()
    lists.broken = True
    more = "  tcf2: { purpose2: { enforce_purpose: false } }\n"
    with running(lists, start(tmp_path, lists, more, when_missing=when_missing)) as (_, pbs):
        assert consent_state(pbs) == ("vendor list not at hand", called)
        if called:
            user = request(pbs.mock_port, "GET", "/last/aster").json()["body"]["user"]
            assert "id" not in user and user["consent"]


def test_a_host_may_do_without_fetching(tmp_path):
    lists, cache = VendorLists(), tmp_path / "lists"
    cache.mkdir()
    (cache / "v3-7.json").write_text((DATA / "vendor-list.json").read_text())
    with running(lists, start(tmp_path, lists, enabled=False, directory=str(cache))) as (_, pbs):
        assert consent_state(pbs) == ("valid", True)
        assert consent_state(pbs, 6)[0] == "vendor list not at hand"
        assert not lists.requests


def test_nonsense_instead_of_a_list_is_not_taken(tmp_path):
    lists = VendorLists()
    with running(lists, start(tmp_path, lists, archive_url=f"http://127.0.0.1:{lists.port}/latest?%d")) as (_, pbs):
        lists_at_hand(pbs)
        consent_state(pbs, 3)  # the answer is version 7
        wait_until(lambda: pbs.metric(FETCHES, result="failed") == 1, what="the refusal")
        logged = [json.loads(line) for line in pbs.process.log().splitlines() if "vendor_list_not_fetched" in line]
        assert logged and "another version" in logged[0]["reason"]
