"""POST /openrtb2/video: ad pods."""
import copy
import json
import xml.etree.ElementTree

import pytest

from pbs_stack import KEY, Pbs, running

BIDDERS = {"aster": "price=12", "birch": "mode=nobid"}
HEAD = "Critical error while running the video endpoint: "
REQUEST = {
    "podconfig": {"durationrangesec": [15, 30], "requireexactduration": False,
                  "pods": [{"podid": 1, "adpoddurationsec": 60, "configid": "top"}]},
    "site": {"page": "https://tv.example/", "publisher": {"id": "p1"}},
    "video": {"w": 640, "h": 480, "mimes": ["video/mp4"], "protocols": [2, 3]},
    "device": {"ua": "tv", "ip": "203.0.114.7"},
    "content": {"title": "t"},
}


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("video")
    for kind in ("stored_requests", "stored_imps"):
        (folder / "data" / kind).mkdir(parents=True)
    (folder / "data/stored_imps/top.json").write_text(json.dumps({"ext": {"prebid": {"bidder": {"aster": {}}}}}))
    (folder / "data/stored_imps/quiet.json").write_text(json.dumps({"ext": {"prebid": {"bidder": {"birch": {}}}}}))
    (folder / "data/stored_requests/base.json").write_text(json.dumps({**REQUEST, "bcat": ["IAB7"]}))
    yaml = f"stored_requests: {{ directory: {folder / 'data'} }}\nvideo: {{ enable_deprecated_endpoint: true }}\n"
    with running(Pbs(folder, BIDDERS, yaml=yaml)) as (server,):
        yield server


def ask(pbs, change=None):
    request = copy.deepcopy(REQUEST)
    if change:
        change(request)
    return pbs.post(request, "/openrtb2/video")


def test_it_is_off_unless_switched_on(tmp_path):
    with running(Pbs(tmp_path, BIDDERS)) as (plain,):
        reply = ask(plain)
        assert reply.status == 501 and reply.text.startswith("The video endpoint is deprecated")


def test_a_pod_becomes_imps_and_bids_come_back_to_it(pbs):
    reply = ask(pbs)
    assert reply.status == 200, reply.text
    assert reply.headers["Content-Type"] == "application/json"
    (pod,) = reply.json()["adPods"]
    assert pod["podid"] == 1 and pod["errors"] is None and "ext" not in reply.json()
    assert pod["targeting"] and all(t["hb_pb"] == "12.00" for t in pod["targeting"])
    for t in pod["targeting"]:
        kept = pbs.get(f"/cache?uuid={t['hb_pb_cat_dur']}_{t['hb_cache_id']}")  # as players put it together
        assert kept.headers["Content-Type"] == "application/xml"
    asked = pbs.last_request("aster")["body"]
    assert [i["id"] for i in asked["imp"]] == ["1_0", "1_1", "1_2", "1_3"]
    assert all(i["video"]["maxduration"] == 30 and "minduration" not in i["video"] for i in asked["imp"])
    assert asked["site"]["content"] == {"title": "t"} and asked["id"] == "bid_id"


def test_exact_durations_are_dealt_out(pbs):
    ask(pbs, lambda r: r["podconfig"].update(requireexactduration=True))
    imps = pbs.last_request("aster")["body"]["imp"]
    assert [(i["video"]["minduration"], i["video"]["maxduration"]) for i in imps] == \
        [(15, 15), (15, 15), (30, 30), (30, 30)]


def test_a_bad_pod_costs_that_pod(pbs):
    def change(r):
        r["podconfig"]["pods"].append({"podid": 2, "adpoddurationsec": 30, "configid": "nope"})
        r["test"] = 1
    reply = ask(pbs, change).json()
    assert reply["adPods"][1] == {"podid": 2, "targeting": None, "errors": ["unable to load configid nope, Pod id: 2"]}
    assert reply["adPods"][0]["targeting"] and "debug" in reply["ext"]


def test_a_pod_is_told_all_that_is_wrong_with_it(pbs):
    def change(r):
        r["podconfig"]["pods"] += [{"podid": 1, "adpoddurationsec": -3}, {}]
    assert ask(pbs, change).json()["adPods"][1:] == [
        {"podid": 1, "targeting": None, "errors": [
            "request duplicated required field: PodConfig.Pods.PodId, Pod id: 1",
            "request incorrect required field: PodConfig.Pods.AdPodDurationSec is negative, Pod index: 1",
            "request missing or incorrect required field: PodConfig.Pods.ConfigId, Pod index: 1"]},
        {"podid": 0, "targeting": None, "errors": [
            "request missing required field: PodConfig.Pods.PodId, Pod index: 2",
            "request missing or incorrect required field: PodConfig.Pods.AdPodDurationSec, Pod index: 2",
            "request missing or incorrect required field: PodConfig.Pods.ConfigId, Pod index: 2"]}]


def test_a_pod_without_bids_is_left_out(pbs):
    reply = ask(pbs, lambda r: r["podconfig"]["pods"].append({"podid": 3, "adpoddurationsec": 15, "configid": "quiet"}))
    assert [p["podid"] for p in reply.json()["adPods"]] == [1]
    reply = ask(pbs, lambda r: r["podconfig"]["pods"][0].update(configid="quiet"))
    assert (reply.status, reply.json()) == (200, {"adPods": []})


def test_the_body_lies_over_the_stored_request(pbs):
    reply = pbs.post({"storedrequestid": "base", "badv": ["x.example"]}, "/openrtb2/video")
    assert reply.status == 200, reply.text
    asked = pbs.last_request("aster")["body"]
    assert (asked["bcat"], asked["badv"]) == (["IAB7"], ["x.example"])


def cut(*path):
    def change(r):
        for key in path[:-1]:
            r = r[key]
        del r[path[-1]]
    return change


def put(value, *path):
    def change(r):
        for key in path[:-1]:
            r = r[key]
        r[path[-1]] = value
    return change


@pytest.mark.parametrize("change, text", [
    (cut("podconfig", "durationrangesec"), "request missing required field: PodConfig.DurationRangeSec"),
    (put([15, 0], "podconfig", "durationrangesec"), "duration array cannot contain negative or zero values"),
    (cut("podconfig", "pods"), "request missing required field: PodConfig.Pods"),
    (cut("site"), "request missing required field: site or app"),
    (put({"id": "a"}, "app"), "request.site or request.app must be defined, but not both"),
    (put({}, "site"), "request.site missing required field: id or page"),
    (cut("video"), "request missing required field: Video"),
    (cut("video", "mimes"), "request missing required field: Video.Mimes"),
    (put([""], "video", "mimes"), "request missing required field: Video.Mimes, mime types contains empty strings only"),
    (cut("video", "protocols"), "request missing required field: Video.Protocols"),
    (put(-1, "podconfig", "pods", 0, "adpoddurationsec"),
     "all pods are incorrect: request incorrect required field: PodConfig.Pods.AdPodDurationSec is negative, Pod index: 0"),
    (put("nope", "podconfig", "pods", 0, "configid"),
     "all pods are incorrect: unable to load configid nope, Pod id: 1"),
    (lambda r: (r.pop("site"), r["podconfig"]["pods"][0].pop("configid")),
     "request missing required field: site or app"),
    (put([{"podid": 1, "configid": "top"}, {"podid": 1, "adpoddurationsec": 9, "configid": "top"}], "podconfig", "pods"),
     "all pods are incorrect: request missing or incorrect required field: PodConfig.Pods.AdPodDurationSec, Pod index: 0; "
     "request duplicated required field: PodConfig.Pods.PodId, Pod id: 1"),
    (put([{"configid": "top"}], "podconfig", "pods"),
     "all pods are incorrect: request missing required field: PodConfig.Pods.PodId, Pod index: 0, "
     "request missing or incorrect required field: PodConfig.Pods.AdPodDurationSec, Pod index: 0"),
    (put("gone", "storedrequestid"), 'Stored Request with ID="gone" not found.'),
])
def test_refusals(pbs, change, text):
    reply = ask(pbs, change)
    assert (reply.status, reply.text) == (500, f"{HEAD} {text}")


def test_bounds_and_keys(pbs):
    reply = ask(pbs, put(2_000_000_000, "podconfig", "pods", 0, "adpoddurationsec"))
    assert reply.status == 500 and "at most 100" in reply.text
    assert pbs.post("[]", "/openrtb2/video").status == 500
    assert pbs.post(REQUEST, "/openrtb2/video", key=None).status == 401
    assert ask(pbs, put(-2, "tmax")).status == 500


def test_debug_keeps_a_log_under_the_id_that_the_player_has(pbs):
    reply = pbs.post(REQUEST, "/openrtb2/video?debug=true", headers={"Cookie": "uids=secret-cookie"})
    ids = {t["hb_cache_id"] for t in reply.json()["adPods"][0]["targeting"]}
    assert reply.status == 200 and len(ids) == 1
    log = pbs.get(f"/cache?uuid=log_{ids.pop()}")
    assert (log.status, log.headers["Content-Type"]) == (200, "application/xml")
    root = xml.etree.ElementTree.fromstring(log.text)
    assert json.loads(root.findtext("Request")) == REQUEST
    assert json.loads(root.findtext("Response")) == reply.json()
    assert KEY not in log.text and "secret-cookie" not in log.text
    assert pbs.get(f"/cache?uuid=log_{ask(pbs).json()['adPods'][0]['targeting'][0]['hb_cache_id']}").status == 404


def test_debug_names_the_log_of_an_error(pbs):
    reply = pbs.post({}, "/openrtb2/video?debug=true")
    assert reply.status == 500
    text, _, rest = reply.text.partition(" [Debug cache ID: ")
    assert text == ask(pbs, lambda r: r.clear()).text and rest.endswith("]")
    assert text in pbs.get(f"/cache?uuid=log_{rest[:-1]}").text
