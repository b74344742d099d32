"""What happens to bids between the bidders' answers and the response: rates, adjustments, floors, targeting, cache."""
import json

import pytest

from pbs_stack import JsonServer, Pbs, banner_request, running, seats

BIDDERS = {"aster": "price=2", "birch": "price=1"}
YAML = """
account_defaults:
  price_floors: { enabled: true }
  events: { enabled: true }
"""


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    with running(Pbs(tmp_path_factory.mktemp("pricing"), BIDDERS, yaml=YAML)) as (server,):
        yield server


def auction(pbs, imp=None, **prebid):
    changes = {"ext": {"prebid": {"targeting": {}, "returnallbidstatus": True, **prebid}}}
    if imp:
        changes["imp"] = [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
                           "ext": {"prebid": {"bidder": {name: {} for name in BIDDERS}}}, **imp}]
    return pbs.auction(**changes)


def bid(reply, seat):
    return seats(reply)[seat][0]


def messages(reply, kind, bucket):
    return [m["message"] for m in reply["ext"].get(kind, {}).get(bucket, [])]


def non_bids(reply):
    return {s["seat"]: s["nonbid"][0]["statuscode"] for s in reply["ext"]["prebid"].get("seatnonbid", [])}


def test_the_higher_price_wins_and_every_bidder_has_its_keys(pbs):
    reply = auction(pbs)
    winner, loser = (bid(reply, s)["ext"]["prebid"]["targeting"] for s in ("aster", "birch"))
    assert winner["hb_pb"] == "2.00" and winner["hb_bidder"] == "aster"
    assert loser["hb_pb_birch"] == "1.00" and "hb_pb" not in loser
    assert reply["cur"] == "USD" and not non_bids(reply)


def test_factors_rules_and_rates(pbs):
    reply = auction(pbs, bidadjustmentfactors={"ASTER": 0.25},
                    bidadjustments={"mediatype": {"*": {"birch": {"*": [
                        {"adjtype": "cpm", "value": 0.2, "currency": "EUR"}]}}}},
                    currency={"rates": {"EUR": {"USD": 2}}, "usepbsrates": False})
    assert bid(reply, "aster")["price"] == 0.5
    assert bid(reply, "birch")["price"] == 0.6
    assert bid(reply, "birch")["ext"]["origbidcpm"] == 1 and bid(reply, "birch")["ext"]["origbidcur"] == "USD"


def test_a_floor_rule_is_told_to_bidders_and_enforced(pbs):
    """In EUR, because the mock bidders do not bid below a bidfloor but ignore its currency."""
    reply = auction(pbs, currency={"rates": {"EUR": {"USD": 2}}}, floors={"data": {"currency": "EUR", "modelgroups": [
        {"schema": {"fields": ["mediaType", "size"]}, "values": {"banner|300x250": 0.8, "*|*": 9}}]}})
    told = pbs.last_request("birch")["body"]["imp"][0]
    assert (told["bidfloor"], told["bidfloorcur"]) == (0.8, "EUR")
    assert set(seats(reply)) == {"aster"} and non_bids(reply) == {"birch": 301}
    assert bid(reply, "aster")["ext"]["prebid"]["floors"] == {
        "floorRule": "banner|300x250", "floorRuleValue": 0.8, "floorValue": 0.8, "floorCurrency": "EUR"}
    (warning,) = messages(reply, "warnings", "prebid")
    assert warning.startswith("birch bid id ") and warning.endswith(
        " rejected - bid price 0.5000 EUR is less than bid floor 0.8000 EUR for imp 1")


def test_a_floor_is_divided_by_the_bidders_factor(pbs):
    auction(pbs, imp={"bidfloor": 0.5, "bidfloorcur": "USD"}, bidadjustmentfactors={"birch": 0.5})
    assert pbs.last_request("birch")["body"]["imp"][0]["bidfloor"] == 1
    assert pbs.last_request("aster")["body"]["imp"][0]["bidfloor"] == 0.5


def test_keys_of_the_publisher(pbs):
    reply = auction(pbs, adservertargeting=[
        {"key": "page", "source": "bidrequest", "value": "site.page"},
        {"key": "{{BIDDER}}_price", "source": "bidresponse", "value": "seatbid.bid.price"},
        {"key": "nothing", "source": "bidrequest", "value": "site.nothing"}])
    targeting = bid(reply, "birch")["ext"]["prebid"]["targeting"]
    assert targeting["page"] == "https://news.example.com/" and targeting["birch_price"] == "1"
    assert "value not found for path: site.nothing" in messages(reply, "warnings", "general")


def test_event_urls_name_the_bid(pbs):
    won = bid(auction(pbs), "aster")
    assert f"/event?t=win&b={won['id']}&a=" in won["ext"]["prebid"]["events"]["win"]


def test_a_missing_cache_is_reported_and_costs_no_bid(tmp_path):
    with running(Pbs(tmp_path, BIDDERS, yaml="cache: { builtin: { enabled: false } }\n")) as (pbs,):
        reply = auction(pbs, cache={"bids": {}})
    assert set(seats(reply)) == set(BIDDERS)
    assert "hb_cache_id" not in bid(reply, "aster")["ext"]["prebid"]["targeting"]
    assert any("Prebid Cache" in m for m in messages(reply, "errors", "prebid"))


def test_a_creative_that_the_cache_did_not_take_stays_in_the_response(tmp_path):
    """The page was promised an id instead; without either it would be blank."""
    cache = FakeCache()
    cache.status = 500
    with running(cache, Pbs(tmp_path, BIDDERS, yaml=f"cache: {{ host: '127.0.0.1:{cache.port}' }}\n")) as (_, pbs):
        failed = auction(pbs, cache={"bids": {"returnCreative": False}})
        assert bid(failed, "aster")["adm"] and bid(failed, "birch")["adm"]
        assert any("returned 500" in m for m in messages(failed, "errors", "prebid"))
        cache.status = 200
        kept = auction(pbs, cache={"bids": {"returnCreative": False}}, targeting={"includebidderkeys": False})
        assert "adm" not in bid(kept, "aster") and "adm" not in bid(kept, "birch")  # the loser was never to be cached


def test_creatives_that_nothing_will_cache_are_warned_about(pbs):
    reply = auction(pbs, cache={"bids": {"returnCreative": False}},
                    targeting={"includewinners": False, "includebidderkeys": False})
    assert "adm" not in bid(reply, "aster")
    assert any("nothing is cached" in m for m in messages(reply, "warnings", "prebid"))


def test_a_bid_without_a_rate_has_a_status(pbs):
    body = banner_request(list(BIDDERS), cur=["JPY"], ext={"prebid": {"returnallbidstatus": True, "currency": {
        "rates": {"EUR": {"USD": 2}}, "usepbsrates": False}}})
    reply = pbs.post(body).json()
    assert not seats(reply) and non_bids(reply) == {"aster": 300, "birch": 300}
    assert messages(reply, "errors", "aster") == ["Currency conversion rate not found: 'USD' => 'JPY'"]


@pytest.fixture(scope="module")
def accounts(tmp_path_factory):
    """Accounts and a stored response beside the host's defaults, which limit nothing."""
    folder = tmp_path_factory.mktemp("accounts")
    for kind, name, body in [
            ("accounts", "strict", {"validations": {"banner_creative_max_size": "enforce", "max_creative_width": 100}}),
            ("accounts", "unlimited", {"validations": {"banner_creative_max_size": "enforce"}}),
            ("stored_responses", "answer", [{"seat": "stored", "bid": [{"id": "s", "impid": "x", "price": 1, "mtype": 1}]}])]:
        (folder / "data" / kind).mkdir(parents=True, exist_ok=True)
        (folder / "data" / kind / f"{name}.json").write_text(json.dumps(body))
    yaml = f"stored_requests: {{ directory: {folder / 'data'} }}\naccount_defaults: {{ price_floors: {{ enabled: true }} }}\n"
    with running(Pbs(folder, BIDDERS, yaml=yaml)) as (server,):
        yield server


def test_creative_limits_are_the_accounts_own(accounts):
    """Not the process's; and without a number "enforce" limits nothing."""
    of = lambda account: accounts.auction(site={"id": "s", "publisher": {"id": account}})
    for _ in range(2):
        assert not seats(of("strict")) and of("strict")["ext"]["errors"]["aster"][0]["message"] == \
            "bidResponse rejected: size WxH"
        assert set(seats(of("other"))) == set(seats(of("unlimited"))) == set(BIDDERS)


def test_messages_of_our_own_are_there_when_nobody_is_called(accounts):
    imp = banner_request(["aster"])["imp"][0]
    imp["ext"]["prebid"]["storedauctionresponse"] = {"id": "answer"}
    reply = accounts.auction(imp=[imp], ext={"prebid": {"floors": {"skiprate": 101}}})
    assert set(seats(reply)) == {"stored"}
    assert messages(reply, "errors", "prebid") == ["Invalid SkipRate = '101' at ext.prebid.floors.skiprate"]


def test_that_debug_is_off_is_told_to_who_asked(tmp_path):
    with running(Pbs(tmp_path, BIDDERS, yaml="account_defaults: { debug_allow: false }\n")) as (pbs,):
        assert messages(pbs.auction(), "warnings", "general") == ["debug turned off for account"]
        assert "warnings" not in pbs.auction(test=0)["ext"]


def test_an_unknown_ad_server_fails_the_auction(pbs):
    body = {"targeting": {"includebrandcategory": {"withcategory": True, "primaryadserver": 7}}}
    reply = pbs.post(banner_request(list(BIDDERS), ext={"prebid": body}))
    assert reply.status == 500
    assert reply.text == ("Critical error while running the auction: Error in category mapping : "
                          "Primary ad server 7 not recognized")


class FakeCache(JsonServer):
    """A Prebid Cache that numbers what it is given."""

    def __init__(self):
        self.puts = []
        super().__init__()

    def answer(self, path, query, body, headers):
        puts = json.loads(body)["puts"]
        self.puts.append(puts)
        return {"responses": [{"uuid": f"uuid-{i}"} for i in range(len(puts))]}


def test_bids_are_cached_in_one_call(tmp_path):
    cache = FakeCache()
    yaml = (f"cache: {{ host: '127.0.0.1:{cache.port}', default_ttl_seconds: {{ banner: 240 }} }}\n"
            "external_cache: { scheme: https, host: c.example, path: /cache }\n")
    with running(cache, Pbs(tmp_path, BIDDERS, yaml=yaml)) as (_, pbs):
        reply = auction(pbs, cache={"bids": {"returnCreative": False}})
        (puts,) = cache.puts
        assert len(puts) == 2 and all(p["type"] == "json" and p["ttlseconds"] == 300 for p in puts)
        assert {p["value"]["price"] for p in puts} == {1, 2} and all("ext" not in p["value"] or
                                                                     "prebid" not in p["value"]["ext"] for p in puts)
        won = bid(reply, "aster")
        uuid = won["ext"]["prebid"]["targeting"]["hb_cache_id"]
        assert uuid.startswith("uuid-") and "adm" not in won
        assert won["ext"]["prebid"]["cache"]["bids"] == {"url": f"https://c.example/cache?uuid={uuid}", "cacheId": uuid}
        assert won["ext"]["prebid"]["targeting"]["hb_cache_host"] == "c.example"
