"""A bidder that misbehaves costs itself only: the others' bids are served in time, and ext.errors says why."""
import json
import time

import pytest

from pbs_stack import Pbs, banner_request, free_port, running, seats

GOOD = {"aster": "price=1.5", "birch": "price=1.2"}

FAILURES = [
    ("slow", "latency_ms=30000", 1, "context deadline exceeded", 101),
    ("never answers", "mode=hang", 1, "context deadline exceeded", 101),
    ("resets the connection", "mode=reset", 999, "Post ", 100),
    ("sends half a reply", "mode=half", 999, "Post ", 100),
    ("sends 100 MB", "mode=huge", 4, "too large", 100),
    ("sends invalid JSON", "mode=garbage", None, "", 102),
    ("answers 500", "mode=error", 4, "Server responded with failure status: 500. Set request.test = 1 for debugging info.", 100),
    ("sends wrong types", "mode=wrongtype", None, "", 102),
    ("bids a negative price", "mode=negative", 999, "does not contain a positive", 300),
    ("bids a huge price", "mode=hugeprice", 999, "", 300),
]


@pytest.mark.parametrize("why,mode,code,text,status", FAILURES, ids=[f[0] for f in FAILURES])
def test_the_others_are_served(tmp_path, why, mode, code, text, status):
    with running(Pbs(tmp_path, {**GOOD, "crank": mode})) as (pbs,):
        begin = time.monotonic()
        reply = pbs.auction(tmax=400, ext={"prebid": {"targeting": {}, "returnallbidstatus": True}})
        assert time.monotonic() - begin < 5  # far above tmax: only a hang would reach it
        assert set(seats(reply)) == set(GOOD)
        assert seats(reply)["aster"][0]["ext"]["prebid"]["targeting"]["hb_pb"] == "1.50"
        errors = reply["ext"]["errors"]["crank"]
        assert any(text in e["message"] for e in errors), errors
        assert code is None or any(e["code"] == code for e in errors), errors
        if status is not None:
            nonbid = {s["seat"]: s["nonbid"][0]["statuscode"] for s in reply["ext"]["prebid"]["seatnonbid"]}
            assert nonbid["crank"] == status


def test_a_bid_for_an_imp_that_is_not_there_is_passed_on_unless_floors_are_enforced(tmp_path):
    """As in the reference; it competes with nobody."""
    floors = "account_defaults: { price_floors: { enabled: true } }\n"
    with running(Pbs(tmp_path, {**GOOD, "crank": "mode=unknownimp&price=9"}, yaml=floors)) as (pbs,):
        reply = pbs.auction()
        assert set(seats(reply)) == {*GOOD, "crank"} and seats(reply)["crank"][0]["impid"] == "unknown"
        assert seats(reply)["aster"][0]["ext"]["prebid"]["targeting"]["hb_bidder"] == "aster"
        imp = banner_request(["aster", "birch", "crank"])["imp"][0]
        assert set(seats(pbs.auction(imp=[{**imp, "bidfloor": 0.1}]))) == set(GOOD)


def test_a_bidder_that_is_not_there(tmp_path):
    with running(Pbs(tmp_path, {**GOOD, "crank": f"http://127.0.0.1:{free_port()}/bid"})) as (pbs,):
        reply = pbs.auction(ext={"prebid": {"targeting": {}, "returnallbidstatus": True}})
        assert set(seats(reply)) == set(GOOD)
        assert reply["ext"]["errors"]["crank"][0]["code"] == 999
        assert reply["ext"]["prebid"]["seatnonbid"][0]["nonbid"][0]["statuscode"] == 103


def test_pairs_that_are_never_asked_have_a_status(tmp_path):
    """A disabled bidder, one without the media type of one of its imps, and one whose parameters are bad."""
    yaml = ("tolerant_params: true\n"
            "adapters: { birch: { disabled: true }, cedar: { capabilities: { site: { mediaTypes: [banner] } } } }\n")
    params = {"type": "object", "properties": {"unit": {"type": "string"}}}
    (tmp_path / "params").mkdir()
    (tmp_path / "params/crank.json").write_text(json.dumps(params))
    bidders = {"aster": "", "birch": "", "cedar": "", "crank": ""}
    yaml += f"bidder_params_dir: {tmp_path / 'params'}\n"
    with running(Pbs(tmp_path, bidders, yaml=yaml)) as (pbs,):
        banner = banner_request(list(bidders))["imp"][0]
        banner["ext"]["prebid"]["bidder"]["crank"] = {"unit": 7}
        video = {"id": "2", "video": {"mimes": ["video/mp4"], "w": 640, "h": 360},
                 "ext": {"prebid": {"bidder": {"cedar": {}, "crank": {}}}}}
        reply = pbs.auction(imp=[banner, video], ext={"prebid": {"returnallbidstatus": True}})
        got = {(s["seat"], n["impid"]): n["statuscode"] for s in reply["ext"]["prebid"]["seatnonbid"] for n in s["nonbid"]}
        assert got == {("birch", "1"): 200, ("cedar", "2"): 202, ("crank", "1"): 200}
        assert {(s, b["impid"]) for s, bids in seats(reply).items() for b in bids} == {
            ("aster", "1"), ("cedar", "1"), ("crank", "2")}


def test_no_bid_and_204_are_no_errors(tmp_path):
    with running(Pbs(tmp_path, {"aster": "mode=nobid", "birch": "mode=empty"})) as (pbs,):
        reply = pbs.auction(ext={"prebid": {"targeting": {}, "returnallbidstatus": True}})
        assert "seatbid" not in reply and not set(reply["ext"].get("errors", {})) & {"aster", "birch"}
        nonbid = {s["seat"]: s["nonbid"][0]["statuscode"] for s in reply["ext"]["prebid"]["seatnonbid"]}
        assert nonbid == {"aster": 0, "birch": 0}


def test_a_late_reply_meets_nobody(tmp_path):
    """The bidder answers just after the deadline of each auction, or, on a busy machine, just before it is noticed (there the
    other one may be late too); nothing crashes and the next auction is unaffected."""
    with running(Pbs(tmp_path, {"aster": "", "late": "latency_ms=105"})) as (pbs,):
        for i in range(20):
            assert set(seats(pbs.auction(id=f"a{i}", tmax=100))) <= {"aster", "late"}
        assert set(seats(pbs.auction(id="patient"))) == {"aster", "late"}


def test_debug_shows_what_failed(tmp_path):
    with running(Pbs(tmp_path, {"crank": "mode=error"})) as (pbs,):
        call = pbs.auction()["ext"]["debug"]["httpcalls"]["crank"][0]
        assert call["status"] == 500 and call["responsebody"] == "broken"
        assert '"imp"' in call["requestbody"] and "Content-Type" in call["requestheaders"]


def test_each_bidder_sees_only_its_own_imps_and_parameters(tmp_path):
    with running(Pbs(tmp_path, GOOD)) as (pbs,):
        body = banner_request([])
        body["imp"] = [
            {"id": "1", "banner": {"w": 300, "h": 250}, "ext": {"gpid": "/x", "prebid": {"bidder": {"aster": {"p": 1}, "birch": {"q": 2}}}}},
            {"id": "2", "banner": {"w": 728, "h": 90}, "ext": {"prebid": {"bidder": {"birch": {"q": 3}}}}},
        ]
        assert pbs.post(body).status == 200
        aster, birch = pbs.last_request("aster")["body"], pbs.last_request("birch")["body"]
        assert [i["id"] for i in aster["imp"]] == ["1"] and [i["id"] for i in birch["imp"]] == ["1", "2"]
        assert aster["imp"][0]["ext"]["bidder"] == {"p": 1} and aster["imp"][0]["ext"]["gpid"] == "/x"
        assert "prebid" not in aster["imp"][0]["ext"]
        assert birch["imp"][1]["ext"]["bidder"] == {"q": 3}
        assert aster["tmax"] < body["tmax"]


def test_gzip_to_a_bidder(tmp_path):
    with running(Pbs(tmp_path, {"aster": ""}, info={"aster": "endpointCompression: gzip\n"})) as (pbs,):
        pbs.auction()
        assert any(h.lower() == "content-encoding: gzip" for h in pbs.last_request("aster")["headers"])
