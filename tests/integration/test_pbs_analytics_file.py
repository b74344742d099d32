"""analytics.file: every auction, sync and event as one line of JSON, in files that take turns; a full disk costs the lines."""
import json
import os
import subprocess

import pytest

from pbs_stack import BIN, FakeRouter, Pbs, banner_request, running, wait_until

YAML = """
stored_requests: {{ directory: '{folder}/data' }}
analytics: {{ file: {{ filename: '{folder}/events.log', max_bytes: {max_bytes}, keep: 2 }} }}
"""
QUIET = {"privacy": {"allowactivities": {"reportAnalytics": {"default": False}}}, "events": {"enabled": True}}
SHY = {"privacy": {"allowactivities": {
    "transmitUfpd": {"default": True, "rules": [{"condition": {"componentName": ["filelogger"]}, "allow": False}]},
    "transmitPreciseGeo": {"default": True, "rules": [{"condition": {"componentType": ["analytics"]}, "allow": False}]}}}}


def start(folder, max_bytes=100_000_000, idr_port=None, **env):
    for kind in ("stored_requests", "accounts"):
        (folder / "data" / kind).mkdir(parents=True)
    (folder / "data/stored_requests/page.json").write_text(json.dumps({
        "id": "amp", "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
                              "ext": {"prebid": {"bidder": {"aster": {}}}}}], "site": {"page": "https://p.example/", "publisher": {"id": "pub-1"}}}))
    for name, account in {"quiet": QUIET, "shy": SHY, "events": {"events": {"enabled": True}}}.items():
        (folder / f"data/accounts/{name}.json").write_text(json.dumps(account))
    return Pbs(folder, {"aster": "price=2"}, yaml=YAML.format(folder=folder, max_bytes=max_bytes), idr_port=idr_port, env=env,
               info={"aster": "userSync: { redirect: { url: 'https://aster.example/?r={{.RedirectURL}}' } }\n"})


def lines(folder, name="events.log"):
    path = folder / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def wait_for(folder, n):
    return wait_until(lambda: len(got := lines(folder)) >= n and got, what=f"{n} lines")


def with_account(name, **changes):
    return banner_request(["aster"], site={"id": "s", "publisher": {"id": name}}, **changes)


def test_what_is_written(tmp_path):
    router = FakeRouter()
    with running(router, start(tmp_path, idr_port=router.port)) as (_, pbs):
        pbs.auction(ext={"prebid": {"analytics": {"filelogger": {"a": 1}, "other": {"b": 2}}}})
        pbs.post({"id": "bad", "imp": []})
        pbs.get("/openrtb2/amp?tag_id=page&__amp_source_origin=https%3A%2F%2Fp.example")
        pbs.post({"bidders": ["aster"]}, "/cookie_sync", key=None)
        pbs.post("{", "/cookie_sync", key=None)
        pbs.get("/setuid?bidder=aster&uid=77")
        pbs.get("/setuid?bidder=nobody")
        pbs.get("/event?t=win&b=bid&a=events&bidder=aster&int=x")
        auction, bad, amp, sync, bad_sync, setuid, bad_setuid, event = wait_for(tmp_path, 8)
        wait_until(lambda: router.events, what="the router was told too")
    assert (auction["type"], auction["Status"], auction["Account"]) == ("/openrtb2/auction", 200, {"id": "pub-1"})
    assert auction["Request"]["ext"]["prebid"]["analytics"] == {"filelogger": {"a": 1}}
    assert auction["Response"]["seatbid"][0]["seat"] == "aster" and auction["StartTime"].endswith("Z")
    assert (bad["Status"], bad["Response"]) == (400, None) and "imp" in bad["Errors"][0]
    assert (amp["type"], amp["Origin"]) == ("/openrtb2/amp", "https://p.example")
    assert amp["AmpTargetingValues"]["hb_pb"] == "2.00" and amp["AuctionResponse"]["seatbid"]
    assert sync["type"] == "/cookie_sync" and sync["BidderStatus"][0]["bidder"] == "aster"
    assert (bad_sync["Status"], bad_sync["BidderStatus"]) == (400, []) and "JSON" in bad_sync["Errors"][0]
    assert setuid == {"type": "/set_uid", "Status": 200, "Errors": [], "Bidder": "aster", "UID": "77", "Success": True}
    assert (bad_setuid["Status"], bad_setuid["Success"]) == (400, False)
    assert event["type"] == "/event" and event["account"] == {"id": "events"}
    assert {k: event["request"][k] for k in ("type", "bidid", "bidder", "integration")} == \
        {"type": "win", "bidid": "bid", "bidder": "aster", "integration": "x"}


def test_accounts_may_withhold(tmp_path):
    place = {"ip": "203.0.114.77", "ifa": "id", "geo": {"lat": 12.34567, "lon": 1.23456}}
    with running(start(tmp_path)) as (pbs,):
        assert pbs.post(with_account("quiet")).status == 200
        pbs.get("/event?t=win&b=bid&a=quiet")
        assert pbs.post(with_account("shy", device=place, user={"id": "me", "buyeruid": "b"})).status == 200
        (line,) = wait_for(tmp_path, 1)
    request = line["Request"]
    assert request["site"]["publisher"]["id"] == "shy"
    assert not {"id", "buyeruid"} & set(request.get("user", {})) and "ifa" not in request["device"]
    assert request["device"]["ip"] == "203.0.114.0" and request["device"]["geo"]["lat"] == 12.35


def test_files_take_turns(tmp_path):
    with running(start(tmp_path, max_bytes=20000)) as (pbs,):
        for i in range(40):
            pbs.auction(id=f"auction-{i}")
        wait_until(lambda: pbs.metric("nexus_pbs_analytics_file_lines_total", fate="written") == 40, what="all were written")
        kept = [line["Request"]["id"] for name in ("events.log.2", "events.log.1", "events.log") for line in lines(tmp_path, name)]
        assert kept == [f"auction-{i}" for i in range(40)][-len(kept):] and len(kept) >= 3
        assert all((tmp_path / n).stat().st_size <= 20000 for n in ("events.log", "events.log.1", "events.log.2"))
        assert not (tmp_path / "events.log.3").exists()
        (tmp_path / "events.log").rename(tmp_path / "taken-away")
        pbs.auction(id="after")
        wait_until(lambda: [x["Request"]["id"] for x in lines(tmp_path)] == ["after"], what="a new file")


def test_lines_that_wait_are_written_at_the_end(tmp_path):
    with running(start(tmp_path, PBS_WORKERS="2")) as (pbs,):
        for i in range(20):
            pbs.auction(id=f"auction-{i}")
    assert len(lines(tmp_path)) == 20


def test_a_full_disk_costs_the_lines_and_nothing_else(tmp_path):
    """A file system of 64 KiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        env = {"PBS_ANALYTICS_FILE_FILENAME": str(disk / "events.log")}
        with running(start(tmp_path, **env)) as (pbs,):
            failed = lambda: pbs.metric("nexus_pbs_analytics_file_lines_total", fate="failed")
            for _ in range(200):
                pbs.auction()
                if failed():
                    break
            wait_until(failed, what="the disk is full")
            assert all(line["Status"] == 200 for line in lines(disk))  # whole lines only
            before = len(lines(disk))
            os.truncate(disk / "events.log", 0)
            pbs.auction(id="room-again")
            wait_until(lambda: [x["Request"]["id"] for x in lines(disk)] == ["room-again"], what="it is written again")
            assert before > 0 and "analytics_file_failed" in pbs.process.log()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_file_that_cannot_be_opened_is_said_at_the_start(tmp_path):
    config = tmp_path / "pbs.yaml"
    config.write_text("analytics: { file: { filename: /nonexistent/events.log } }\n")
    out = subprocess.run([BIN / "nexus-pbs", "--config", config], env={"AUTH_ENABLED": "false", **os.environ}, capture_output=True,
                         text=True, timeout=20)
    assert out.returncode != 0 and "analytics.file.filename" in out.stderr and "/nonexistent/events.log" in out.stderr
