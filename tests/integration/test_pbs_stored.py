"""Requests, imps and answers that are stored, from files and over HTTP; accounts and the keys bound to them."""
import contextlib
import json
import socket
import threading

import pytest

from pbs_stack import KEY, FakeRouter, JsonServer, Pbs, banner_request, running, seats, wait_until

BIDDERS = {"aster": "price=2", "birch": "price=1"}
FILES = {
    "stored_requests/page.json": {"id": "from-store", "tmax": 1500, "site": {"id": "s", "publisher": {"id": "acct"}},
                                  "ext": {"a": 1, "b": 2}},
    "stored_imps/slot.json": {"id": "stored", "video": {"mimes": ["video/mp4"], "w": 640, "h": 480},
                              "ext": {"prebid": {"bidder": {"aster": {}, "birch": {}}}}},
    "stored_responses/all.json": [{"seat": "cedar", "bid": [{"id": "b1", "impid": "x", "price": 3, "mtype": 1,
                                                             "crid": "c", "adm": "<p>"}]}],
    "stored_responses/one.json": {"id": "r", "cur": "USD", "seatbid": [{"bid": [
        {"id": "stored-bid", "impid": "x", "price": 7, "mtype": 1, "crid": "c", "adm": "<p>"}]}]},
    "stored_responses/two.json": {"id": "r", "cur": "USD", "seatbid": [{"bid": [
        {"id": "other-bid", "impid": "x", "price": 8, "mtype": 1, "crid": "c", "adm": "<p>"}]}]},
    "stored_responses/video.json": [{"seat": seat, "bid": [{"id": "v", "impid": "x", "price": 3, "mtype": 2, "crid": "c",
                                                            "adm": "<VAST><Impression></Impression></VAST>"}]}
                                    for seat in BIDDERS],
    "accounts/acct.json": {"targeting_prefix": "pb"},
    "accounts/off.json": {"disabled": True},
    "accounts/broken.json": {"price_floors": {"enabled": "yes"}},
    "accounts/baddsa.json": {"privacy": {"dsa": {"default": "{\"dsarequired\":"}}},
}
YAML = """
stored_requests: {{ directory: {dir} }}
default_request: {{ file: {{ name: {dir}/default.json }} }}
auth: {{ api_keys: "bound-key-0123456789:acct" }}
"""


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    for name, content in {**FILES, "default.json": {"user": {"keywords": "by default"}, "tmax": 900}}.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    with running(Pbs(folder, BIDDERS, yaml=YAML.format(dir=folder / "data"),
                     info={"aster": "modifyingVastXmlAllowed: true\n"})) as (server,):
        yield server


def imp(**prebid):
    return {"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
            "ext": {"prebid": {"bidder": {name: {} for name in BIDDERS}, **prebid}}}


def test_the_client_wins_over_the_store_and_the_store_over_the_default(pbs):
    body = {"id": "mine", "test": 1, "imp": [imp()], "ext": {"b": None, "c": 3, "prebid": {
        "storedrequest": {"id": "page"}, "targeting": {}}}}
    reply = pbs.post(body)
    assert reply.status == 200, reply.text
    resolved = reply.json()["ext"]["debug"]["resolvedrequest"]
    assert resolved["id"] == "mine" and resolved["tmax"] == 1500 and resolved["user"]["keywords"] == "by default"
    assert resolved["ext"]["a"] == 1 and resolved["ext"]["c"] == 3 and "b" not in resolved["ext"]
    assert "pb_pb" in reply.json()["seatbid"][0]["bid"][0]["ext"]["prebid"]["targeting"]  # the account of the store


def test_a_stored_imp_is_laid_under_the_clients(pbs):
    body = banner_request(["aster"], imp=[{"id": "own", "video": {"w": 300}, "ext": {"prebid": {
        "storedrequest": {"id": "slot"}, "options": {"echovideoattrs": True}, "passthrough": {"k": 1}}}}])
    reply = pbs.post(body).json()
    sent = pbs.last_request("aster")["body"]["imp"][0]
    assert sent["id"] == "own" and sent["video"]["w"] == 300 and sent["video"]["h"] == 480
    ext = seats(reply)["aster"][0]["ext"]
    assert ext["storedrequestattributes"]["w"] == 640 and ext["prebid"]["passthrough"] == {"k": 1}


@pytest.mark.parametrize("prebid,line", [
    ({"storedrequest": {"id": "nothing"}}, 'Stored Request with ID="nothing" not found.'),
    ({"storedrequest": {"id": 7}}, "ext.prebid.storedrequest.id must be a string"),
])
def test_what_is_not_stored_is_named(pbs, prebid, line):
    reply = pbs.post(banner_request(["aster"], ext={"prebid": prebid}))
    assert reply.status == 400 and f"Invalid request: {line}" in reply.text


def test_a_missing_stored_imp_is_named(pbs):
    reply = pbs.post(banner_request(["aster"], imp=[imp(storedrequest={"id": "gone"})]))
    assert reply.status == 400 and 'Stored Imp with ID="gone" not found.' in reply.text


def test_a_stored_auction_response_takes_every_bidders_place(pbs):
    before = pbs.calls()
    reply = pbs.auction(imp=[imp(storedauctionresponse={"id": "all"})])
    assert {s: [(b["id"], b["impid"], b["price"]) for b in bids] for s, bids in seats(reply).items()} == {
        "cedar": [("b1", "1", 3)]}
    bid = seats(reply)["cedar"][0]
    assert bid["ext"]["origbidcpm"] == 0 and bid["ext"]["prebid"]["targeting"]["hb_pb"] == "3.00"
    assert "cur" not in reply and "responsetimemillis" not in reply["ext"] and pbs.calls() == before


def test_a_stored_bid_response_replaces_one_answer(pbs):
    reply = pbs.auction(imp=[imp(), {**imp(storedbidresponse=[{"id": "one", "bidder": "aster"},
                                                             {"id": "one", "bidder": "birch", "replaceimpid": False}]),
                                     "id": "2"}])
    got = {s: {(b["id"] == "stored-bid", b["impid"]) for b in bids} for s, bids in seats(reply).items()}
    assert got["aster"] == {(False, "1"), (True, "2")}
    assert got["birch"] == {(False, "1"), (True, "x")}  # it keeps its impid, which is no imp of the request
    assert [i["id"] for i in pbs.last_request("aster")["body"]["imp"]] == ["1"]
    calls = reply["ext"]["debug"]["httpcalls"]["aster"]
    assert calls[0]["requestbody"] == "Stored bid response for impression id: 2" and calls[0]["status"] == 200


def test_of_two_stored_answers_for_one_pair_the_later_counts(pbs):
    reply = pbs.auction(imp=[imp(storedbidresponse=[{"id": "two", "bidder": "aster"}, {"id": "one", "bidder": "ASTER"},
                                                    {"id": "one", "bidder": "birch"}])])
    assert {s: [b["id"] for b in bids] for s, bids in seats(reply).items()} == {"aster": ["stored-bid"], "birch": ["stored-bid"]}


def test_what_stands_for_one_bidder_only_stands_for_no_other(pbs):
    refused = pbs.post(banner_request(["aster"], imp=[imp(storedbidresponse=[{"id": "one", "bidder": "aster"}] * 2)]))
    assert refused.status == 400 and "should match with bidders specified in imp.ext.prebid.storedbidresponse" in refused.text
    refused = pbs.post(banner_request(["aster"], imp=[imp(storedbidresponse=[{"id": "one", "bidder": "aster"}] * 1001)]))
    assert refused.status == 400 and "request.imp names 1001 stored responses, at most 1000 are served" in refused.text


def test_the_router_leaves_nobody_out_whose_answer_is_stored(tmp_path):
    router = FakeRouter()
    router.behave = FakeRouter.select(["birch"])
    (tmp_path / "data/stored_responses").mkdir(parents=True)
    (tmp_path / "data/stored_responses/one.json").write_text(json.dumps(FILES["stored_responses/one.json"]))
    stored = imp(storedbidresponse=[{"id": "one", "bidder": name} for name in BIDDERS])
    with running(router, Pbs(tmp_path, {**BIDDERS, "cedar": ""}, idr_port=router.port,
                             yaml=f"stored_requests: {{ directory: {tmp_path / 'data'} }}\n")) as (_, server):
        assert set(seats(server.auction(imp=[stored]))) == {"aster", "birch"}
        assert set(seats(server.auction())) == {"birch"}


def test_a_stored_auctions_video_is_counted_as_its_seat_allows(pbs):
    reply = pbs.auction(imp=[imp(storedauctionresponse={"id": "video"})], ext={"prebid": {"events": {}}})
    markup = {seat: bids[0]["adm"] for seat, bids in seats(reply).items()}
    assert "/event?t=imp&b=v" in markup["aster"] and "/event" not in markup["birch"]


def test_a_missing_stored_response_is_named(pbs):
    reply = pbs.post(banner_request(["aster"], imp=[imp(storedauctionresponse={"id": "gone"})]))
    assert reply.status == 400
    assert reply.text == 'Invalid request: Stored Response with ID="gone" not found.\n'


def test_imps_under_another_spelling_are_nobodys_stored_ones(pbs):
    """More of them than the body has under the usual one, which is what the store looks at."""
    many = [{**imp(), "id": str(i)} for i in range(90)]
    reply = pbs.post({**banner_request([]), "imp": [imp(storedrequest={"id": "slot"})], "IMP": many})
    assert reply.status == 200 and len(seats(reply.json())["aster"]) == 90


def test_an_imp_needs_an_id_before_anything_else_is_looked_at(pbs):
    reply = pbs.post({"imp": [{}]})  # the message brings a line end of its own
    assert reply.status == 400 and reply.text == 'Invalid request: request.imp[0] missing required field: "id"\n\n'


@pytest.mark.parametrize("account,status,text", [
    ("off", 503, "Prebid-server has disabled Account ID: off, please reach out to the prebid server host."),
    ("broken", 500, 'The prebid-server account config for account id "broken" is malformed.'),
    ("baddsa", 500, 'The prebid-server account config DSA for account id "baddsa" is malformed.'),
])
def test_accounts_that_cannot_be_served(pbs, account, status, text):
    reply = pbs.post(banner_request(["aster"], site={"id": "s", "publisher": {"id": account}}))
    assert reply.status == status and text in reply.text


def test_a_key_of_one_publisher_opens_only_its_account(pbs):
    own = banner_request(["aster"], site={"id": "s", "publisher": {"id": "acct"}})
    assert pbs.post(own, key="bound-key-0123456789").status == 200
    reply = pbs.post(banner_request(["aster"]), key="bound-key-0123456789")
    assert reply.status == 403 and '"acct"' in reply.text and '"pub-1"' in reply.text
    assert pbs.post(own, key=KEY).status == 200


class Store(JsonServer):
    """An HTTP source of stored data: /stored and /accounts."""

    def __init__(self):
        self.queries = []
        super().__init__()

    def answer(self, path, query, body, headers):
        self.queries.append((path, query))
        return {"/stored": {"requests": {"page": FILES["stored_requests/page.json"]},
                            "imps": {"slot": FILES["stored_imps/slot.json"], "gone": None}},
                "/accounts": {"accounts": {"acct": FILES["accounts/acct.json"]}}}[path]


def test_stored_data_over_http(tmp_path):
    store = Store()
    yaml = (f"stored_requests_timeout_ms: 2000\nstored_requests: {{ http: {{ endpoint: '{store.url}/stored' }} }}\n"
            f"accounts: {{ http: {{ endpoint: '{store.url}/accounts' }} }}\n")
    with running(store, Pbs(tmp_path, BIDDERS, yaml=yaml)) as (_, pbs):
        slot = {"id": "own", "ext": {"prebid": {"storedrequest": {"id": "slot"}}}}
        body = {"id": "mine", "imp": [slot], "ext": {"prebid": {"storedrequest": {"id": "page"}, "targeting": {}}}}
        reply = pbs.post(body)
        assert reply.status == 200, reply.text
        assert "pb_pb" in seats(reply.json())["aster"][0]["ext"]["prebid"]["targeting"]
        assert store.queries == [("/stored", {"request-id": ["page"], "imp-id": ["slot"]}),
                                 ("/accounts", {"account-id": ["acct"]})]
        assert pbs.post(body).status == 200 and len(store.queries) == 2  # kept for a while
        slot["ext"]["prebid"]["storedrequest"]["id"] = "gone"
        for _ in range(2):
            reply = pbs.post(body)
            assert reply.status == 400 and 'Stored Imp with ID="gone" not found.' in reply.text
        assert store.queries[2:] == [("/stored", {"imp-id": ["gone"]})]
        store.status = 500
        slot["ext"]["prebid"]["storedrequest"]["id"] = "new"
        reply = pbs.post(body)
        assert reply.status == 400 and "Response code was 500" in reply.text


class Silent:
    """Takes connections and says nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.accepted = self.socket.getsockname()[1], []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.accepted.append(self.socket.accept()[0])

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        for one in (self.socket, *self.accepted):
            one.close()


class SlowToWake(JsonServer):
    """A source of accounts that keeps everybody waiting until it is woken."""

    def __init__(self):
        self.awake, self.asked = threading.Event(), []
        super().__init__()
        self.server.handle_error = self.hung_up

    def answer(self, path, query, body, headers):
        (account,) = query["account-id"]
        self.asked.append(account)
        self.awake.wait(30)
        return {"accounts": {account: FILES["accounts/acct.json"]}}

    def hung_up(self, *_):
        """Who waited too long has gone."""

    def stop(self):
        self.awake.set()
        super().stop()


def targeting_of(pbs, account):
    """Empty where the account was waited for until no time was left."""
    reply = pbs.post(banner_request(["aster"], tmax=400, site={"id": "s", "publisher": {"id": account}}))
    assert reply.status == 200, reply.text
    found = seats(reply.json()).get("aster")
    return found[0]["ext"]["prebid"]["targeting"] if found else {}


def test_a_source_that_does_not_answer_is_left_alone_for_a_while(tmp_path):
    """Every auction would wait for it otherwise, for nothing."""
    source = SlowToWake()
    yaml = f"stored_requests_timeout_ms: 20\naccounts: {{ http: {{ endpoint: '{source.url}' }} }}\n"
    with running(source, Pbs(tmp_path, BIDDERS, yaml=yaml)) as (_, pbs):
        found = [targeting_of(pbs, f"account-{i}") for i in range(20)]
        assert all("hb_pb" in each for each in found[10:])
        assert source.asked == [f"account-{i}" for i in range(10)]
        assert pbs.metric("nexus_pbs_stored_account_errors") == 20
        (line,) = [json.loads(x) for x in pbs.process.log().splitlines() if "stored_source_silent" in x]
        assert line["source"] == "accounts"
        source.awake.set()
        wait_until(lambda: "pb_pb" in targeting_of(pbs, "acct"), 20, "the source is asked again")
        assert "stored_source_answers" in pbs.process.log() and "pb_pb" in targeting_of(pbs, "account-11")


def test_callers_with_little_time_do_not_have_a_source_cut_off(tmp_path):
    source = SlowToWake()
    yaml = f"stored_requests_timeout_ms: 1000\naccounts: {{ http: {{ endpoint: '{source.url}' }} }}\n"
    with running(source, Pbs(tmp_path, BIDDERS, yaml=yaml)) as (_, pbs):
        for i in range(15):
            pbs.post(banner_request(["aster"], tmax=10, site={"id": "s", "publisher": {"id": f"account-{i}"}}))
        assert len(source.asked) == 15 and "stored_source_silent" not in pbs.process.log()


def test_a_source_that_answers_with_errors_is_asked_every_time(tmp_path):
    """That costs no time, and ids of one caller must not cut it off for the others."""
    store = Store()
    store.status = 500
    yaml = f"accounts: {{ http: {{ endpoint: '{store.url}/accounts' }} }}\nstored_requests_timeout_ms: 2000\n"
    with running(store, Pbs(tmp_path, BIDDERS, yaml=yaml)) as (_, pbs):
        for i in range(15):
            targeting_of(pbs, f"account-{i}")
        assert len(store.queries) == 15


def test_a_database_that_does_not_answer_is_left_alone_too(tmp_path):
    database = Silent()
    yaml = ("stored_requests_timeout_ms: 20\n"
            "accounts: { database: { fetcher: { query: 'SELECT id, data FROM accounts WHERE id IN $ID_LIST' } } }\n")
    env = {"STORED_DATABASE_URL": f"postgresql://x@127.0.0.1:{database.port}/x", "PBS_STORED_REQUESTS_DATABASE_TIMEOUT_MS": "1000"}
    with running(database, Pbs(tmp_path, BIDDERS, yaml=yaml, env=env)) as (_, pbs):
        found = [targeting_of(pbs, f"account-{i}") for i in range(20)]
        assert all("hb_pb" in each for each in found[10:])
        (line,) = [json.loads(x) for x in pbs.process.log().splitlines() if "stored_source_silent" in x]
        assert line["source"] == "database"


def test_settings_that_nobody_reads_are_said(tmp_path):
    (tmp_path / "data/accounts").mkdir(parents=True)
    (tmp_path / "data/accounts/slip.json").write_text(json.dumps({"debug_alow": True, "events": {"enabeld": True}}))
    yaml = f"stored_requests: {{ directory: {tmp_path / 'data'} }}\n"
    with running(Pbs(tmp_path, BIDDERS, yaml=yaml)) as (pbs,):
        for _ in range(2):
            assert pbs.post(banner_request(["aster"], site={"id": "s", "publisher": {"id": "slip"}})).status == 200
        (line,) = [json.loads(x) for x in pbs.process.log().splitlines() if "account_unknown_keys" in x]
        assert (line["account"], line["keys"], line["names"]) == ("slip", 2, "debug_alow, events.enabeld")
