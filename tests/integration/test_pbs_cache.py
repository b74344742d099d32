"""POST and GET /cache: the built-in Prebid Cache, and the bids that auctions put there."""
import json
import re
import urllib.parse

import pytest

from pbs_stack import Pbs, banner_request, running, seats, wait_until

BIDDERS = {"aster": "price=2", "birch": "price=1"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    yaml = """
external_url: https://pbs.example.com:8443/base/
cache: { builtin: { max_puts: 3, max_value_size: 2000, max_ttl_seconds: 900 } }
"""
    with running(Pbs(tmp_path_factory.mktemp("cache"), BIDDERS, yaml=yaml, env={"PBS_WORKERS": "2"})) as (server,):
        yield server


def put(pbs, *puts):
    return pbs.post({"puts": list(puts)}, "/cache", key=None)


def uuids(reply):
    assert reply.status == 200, reply.text
    return [r["uuid"] for r in reply.json()["responses"]]


def get(pbs, uuid):
    return pbs.get("/cache?uuid=" + urllib.parse.quote(uuid))


def test_json_and_xml_come_back_as_they_went(pbs):
    vast = '<VAST version="3.0"><Ad id="ä"/></VAST>'
    first, second = uuids(put(pbs, {"type": "json", "value": {"b": [1, 2.5, None], "a": "</script>"}},
                              {"type": "xml", "ttlseconds": 60, "value": vast}))
    assert UUID.fullmatch(first) and UUID.fullmatch(second) and first != second
    for _ in range(4):  # whichever worker is asked
        reply = get(pbs, first)
        assert reply.headers["Content-Type"] == "application/json"
        assert reply.text == '{"b":[1,2.5,null],"a":"</script>"}'
        reply = get(pbs, second)
        assert (reply.headers["Content-Type"], reply.text) == ("application/xml", vast)
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in reply.headers["Content-Security-Policy"]
    assert reply.headers["Access-Control-Allow-Origin"] is None
    assert pbs.get(f"/cache?uuid={first}", {"Origin": "https://p.example"}).headers["Access-Control-Allow-Origin"] \
        == "https://p.example"


def test_strings_are_json_too(pbs):
    (uuid,) = uuids(put(pbs, {"type": "json", "value": "text"}))
    assert get(pbs, uuid).text == '"text"'


def test_no_puts_is_no_answer(pbs):
    assert put(pbs).json() == {"responses": []}


@pytest.mark.parametrize("body, text", [
    ({"puts": [{"type": "json", "value": 1}] * 4}, "More keys than allowed: 3"),
    ({"puts": [{"type": "json"}]}, "Missing value."),
    ({"puts": [{"type": "json", "value": 1, "ttlseconds": -1}]}, "ttlseconds must not be negative -1."),
    ({"puts": [{"type": "text", "value": "x"}]}, 'Type must be one of ["json", "xml"]. Found \'text\''),
    ({"puts": [{"value": "x"}]}, 'Type must be one of ["json", "xml"]. Found \'\''),
    ({"puts": [{"type": "xml", "value": {}}]}, "XML messages must have a String value."),
    ({"puts": [{"type": "xml", "value": "x" * 3000}]},
     "POST /cache element 0 exceeded max size: Payload size 3000 exceeded max 2000"),
    ({"puts": {}}, "POST /cache had an invalid request body: puts is not an array"),
])
def test_refusals(pbs, body, text):
    reply = pbs.post(body, "/cache", key=None)
    assert (reply.status, reply.text) == (400, text + "\n")


def test_one_bad_put_stores_nothing(pbs):
    reply = put(pbs, {"type": "json", "value": 1, "key": "k" * 36}, {"type": "nope", "value": 1})
    assert reply.status == 400 and get(pbs, "k" * 36).status == 404


def test_broken_bodies(pbs):
    for body in ("", "{", "null", '{"puts":null}', "[" * 100000):
        reply = pbs.post(body, "/cache", key=None)
        assert reply.status == 400 and reply.text.startswith("POST /cache had an invalid request body: "), body[:9]


def test_unknown_keys(pbs):
    for path, status, text in (
            ("/cache", 400, "GET /cache: Missing required parameter uuid"),
            ("/cache?uuid=", 400, "GET /cache: Missing required parameter uuid"),
            ("/cache?uuid=short", 404, "GET /cache uuid=short: invalid uuid length"),
            ("/cache?uuid=" + "0" * 36, 404, f"GET /cache uuid={'0' * 36}: Key not found")):
        reply = pbs.get(path)
        assert (reply.status, reply.text) == (status, text + "\n")
    reply = pbs.get("/cache?uuid=%3Cscript%3E")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert pbs.get("/cache?uuid=" + "x" * 9000).status == 404


def test_chosen_keys_are_ignored_unless_allowed(pbs, tmp_path):
    key = "15.00_399_30s_" + "0" * 36
    (uuid,) = uuids(put(pbs, {"type": "xml", "value": "<V/>", "key": key}))
    assert UUID.fullmatch(uuid) and get(pbs, key).status == 404
    with running(Pbs(tmp_path, {}, yaml="cache: { builtin: { allow_keys: true } }\n")) as (open_pbs,):
        assert uuids(put(open_pbs, {"type": "xml", "value": "<V/>", "key": key})) == [key]
        assert uuids(put(open_pbs, {"type": "xml", "value": "<W/>", "key": key})) == [""]
        assert get(open_pbs, key).text == "<V/>"
        assert get(open_pbs, "short").text == "GET /cache uuid=short: Key not found\n"
        assert put(open_pbs, {"type": "json", "value": 1, "key": "k" * 300}).status == 400


def test_values_end(pbs):
    (uuid,) = uuids(put(pbs, {"type": "json", "value": 1, "ttlseconds": 1}))
    assert get(pbs, uuid).status == 200
    wait_until(lambda: get(pbs, uuid).status == 404, 5, "the value has ended")


def test_auctions_use_it_by_default(pbs):
    reply = pbs.auction(ext={"prebid": {"targeting": {}, "cache": {"bids": {"returnCreative": False}}}})
    won = seats(reply)["aster"][0]
    keys, cached = won["ext"]["prebid"]["targeting"], won["ext"]["prebid"]["cache"]["bids"]
    assert UUID.fullmatch(keys["hb_cache_id"]) and "adm" not in won
    assert (keys["hb_cache_host"], keys["hb_cache_path"]) == ("pbs.example.com:8443", "/base/cache")
    assert cached == {"cacheId": keys["hb_cache_id"],
                      "url": f"https://pbs.example.com:8443/base/cache?uuid={keys['hb_cache_id']}"}
    kept = get(pbs, keys["hb_cache_id"]).json()
    assert kept["price"] == 2 and kept["adm"] and kept["impid"] == "1"
    assert "Cache" not in json.dumps(reply["ext"].get("errors", {}))


def test_video_is_kept_as_xml(pbs):
    request = banner_request(["aster"], ext={"prebid": {"targeting": {}, "cache": {"vastxml": {}}}})
    request["imp"][0] = {"id": "1", "video": {"mimes": ["video/mp4"], "w": 640, "h": 480, "protocols": [2]},
                         "ext": request["imp"][0]["ext"]}
    reply = pbs.post(request).json()
    keys = seats(reply)["aster"][0]["ext"]["prebid"]["targeting"]
    kept = get(pbs, keys["hb_uuid"])
    assert kept.headers["Content-Type"] == "application/xml" and kept.text.lstrip().startswith("<")


def test_it_is_bounded(tmp_path):
    yaml = "cache: { builtin: { max_bytes: 1048576, max_puts: 100, max_value_size: 30000 } }\n"
    with running(Pbs(tmp_path, {}, yaml=yaml)) as (server,):
        all_uuids = []
        for i in range(8):
            all_uuids += uuids(put(server, *[{"type": "xml", "value": "x" * 9000}] * 100))
        kept = sum(get(server, u).status == 200 for u in all_uuids[-150:])
        assert 20 < kept < 130  # what came last, as much as there is room for
