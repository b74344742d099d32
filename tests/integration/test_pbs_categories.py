"""The ad server's own categories, which translate those of bids: from files, and over HTTP."""
import json

import pytest

from pbs_stack import JsonServer, Pbs, banner_request, request, running, seats

BID = {"seatbid": [{"bid": [{"id": "b", "impid": "1", "price": 2, "mtype": 1, "crid": "c", "adm": "<p>", "w": 300, "h": 250,
                             "cat": ["IAB1-1"]}]}]}
NOT_FOUND = ("bid rejected [bid ID: b] reason: Category mapping file for primary ad server: 'dfp', publisher: '%s' "
             "not found")
STORED = [{"seat": "cedar", "bid": [{**BID["seatbid"][0]["bid"][0], "id": "s"}]}]


class Mappings(JsonServer):
    """Has what `documents` holds by path, and says 404 for the rest."""

    def __init__(self):
        self.documents, self.asked, self.keys = {}, [], []
        super().__init__()

    def answer(self, path, query, body, headers):
        self.asked.append(path)
        self.keys.append(headers.get("X-API-Key"))
        self.status = 200 if path in self.documents else 404
        return self.documents.get(path, {})


@pytest.fixture
def mappings():
    server = Mappings()
    yield server
    server.stop()


@pytest.fixture
def pbs(tmp_path, mappings):
    for name, content in {"mapping/dfp/dfp_on-disk.json": {"IAB1-1": {"id": "Disk"}},
                          "data/stored_responses/all.json": STORED}.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(json.dumps(content))
    yaml = (f"stored_requests: {{ directory: '{tmp_path / 'data'}' }}\n"
            "stored_requests_timeout_ms: 2000\ncategory_mapping:\n"
            f"  directory: '{tmp_path / 'mapping'}'\n  http: {{ endpoint: '{mappings.url}/cats/' }}\n")
    bidder = JsonServer(lambda *_: BID)
    with running(bidder, Pbs(tmp_path, {"aster": bidder.url + "/bid"}, yaml=yaml)) as (_, server):
        yield server


def auction(pbs, publisher="", **changes):
    category = {"primaryadserver": 2, "withcategory": True, "publisher": publisher}
    return pbs.auction(ext={"prebid": {"targeting": {"includebrandcategory": category}}}, **changes)


def keys_of(reply, seat="aster"):
    return [b["ext"]["prebid"]["targeting"]["hb_pb_cat_dur"] for b in seats(reply).get(seat, [])]


def rejections(reply):
    texts = [m["message"] for m in reply["ext"].get("errors", {}).get("prebid", [])]
    return [text for text in texts if text.startswith("bid rejected")]


def metric(pbs, name, label):
    text = request(pbs.port, "GET", "/metrics").text
    return [float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"nexus_pbs_{name}{{{label}}}")]


def test_what_no_file_has_is_asked_for_once(pbs, mappings):
    mappings.documents = {"/cats/dfp.json": {"IAB1-1": {"id": "Sports", "name": "n"}},
                          "/cats/dfp/p%2F..%2F1.json": {"IAB1-1": {"id": "Cars"}}}
    for _ in range(2):
        assert keys_of(auction(pbs)) == ["2.00_Sports_0s"]
        assert keys_of(auction(pbs, "p/../1")) == ["2.00_Cars_0s"]  # a name is never a path
    assert keys_of(auction(pbs, "on-disk")) == ["2.00_Disk_0s"]
    assert mappings.asked == ["/cats/dfp.json", "/cats/dfp/p%2F..%2F1.json"]
    assert mappings.keys == [None, None]  # the router's key is nobody else's
    assert metric(pbs, "stored_category_fetch_time_seconds_count", 'stored_data_fetch_type="all"') == [2]
    assert metric(pbs, "stored_category_errors", 'stored_data_error="network"') == [0]


def test_nobody_is_asked_for_what_nobody_needs(pbs, mappings):
    for wish in ({"withcategory": False, "primaryadserver": 2},
                 {"withcategory": True, "primaryadserver": 2, "translatecategories": False}):
        reply = pbs.auction(ext={"prebid": {"targeting": {"includebrandcategory": wish}}})
        assert len(keys_of(reply)) == 1
    pbs.auction()
    assert mappings.asked == []


def test_stored_answers_are_translated_too(pbs, mappings):
    mappings.documents = {"/cats/dfp.json": {"IAB1-1": {"id": "Sports"}}}
    imp = banner_request(["aster"])["imp"][0]
    imp["ext"]["prebid"]["storedauctionresponse"] = {"id": "all"}
    assert keys_of(auction(pbs, imp=[imp]), "cedar") == ["2.00_Sports_0s"]


def test_that_there_is_none_is_remembered(pbs, mappings):
    for _ in range(2):
        reply = auction(pbs, "p2")
        assert not seats(reply) and rejections(reply) == [NOT_FOUND % "p2"]
    assert mappings.asked == ["/cats/dfp/p2.json"]
    assert metric(pbs, "stored_category_errors", 'stored_data_error="network"') == [0]


def test_a_source_that_talks_junk_costs_bids_and_not_auctions(pbs, mappings):
    mappings.documents = {"/cats/dfp.json": ["IAB1-1"]}
    for n in (1, 2):  # not remembered: it may be repaired
        reply = auction(pbs)
        assert not seats(reply) and rejections(reply) == [NOT_FOUND % ""]
        assert len(mappings.asked) == n
    assert metric(pbs, "stored_category_errors", 'stored_data_error="undefined"') == [2]
    assert "category_mapping_failed" in pbs.process.log()
    mappings.documents = {"/cats/dfp.json": {"IAB1-1": "Sports", "IAB2": {"id": "Other"}}}  # an entry of a wrong type
    assert rejections(auction(pbs)) == [NOT_FOUND % ""]


def test_a_source_that_is_down_costs_bids_and_not_auctions(pbs, mappings):
    mappings.stop()
    reply = auction(pbs)
    assert not seats(reply) and rejections(reply) == [NOT_FOUND % ""]
    assert metric(pbs, "stored_category_errors", 'stored_data_error="network"') == [1]
    assert keys_of(auction(pbs, "on-disk")) == ["2.00_Disk_0s"]
