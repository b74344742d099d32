"""What privacy signals do to the calls that bidders get: the whole server, from the request to the bidder's bytes."""
import json

import pytest

from pbs_stack import Pbs, banner_request, running, seats
from privacy_kit import (YEAR_2026_JUNE, VendorLists, gpp, lists_at_hand, tc_string, us_national)

# aster: purpose 2 by consent, declares special feature 1. birch: purpose 2 by legitimate interest. cedar: in no list.
BIDDERS = {"aster": "price=2", "birch": "price=1", "cedar": "price=1"}
INFO = {"aster": "gvlVendorID: 11\n", "birch": "gvlVendorID: 12\n", "cedar": "gvlVendorID: 99\n"}
EVERYTHING = dict(purposes=range(1, 11), vendor_consent=(11, 12), li=(2, 7), vendor_li=(11, 12), features=(1,))
OPT_OUT = ["device_ids", "user_ids", "eids", "ip", "geo"]

YAML = """
gdpr:
  non_standard_publishers: [exempt]
  vendor_list:
{lists}
stored_requests: {{ directory: "{folder}" }}
"""
ACCOUNTS = {
    "no-aster": {"allowactivities": {"fetchBids": {"rules": [
        {"condition": {"componentName": ["ASTER"], "componentType": ["bidder"]}, "allow": False}]}}},
    "no-eids-in-ca": {"allowactivities": {"transmitEids": {"rules": [
        {"condition": {"geo": ["USA.CA"]}, "allow": False}]}}},
    "no-ufpd-with-gpc": {"allowactivities": {"transmitUfpd": {"rules": [
        {"condition": {"gpc": "1", "componentName": ["birch"]}, "allow": False}]}}},
    "no-geo-for-7": {"allowactivities": {"transmitPreciseGeo": {"rules": [
        {"condition": {"gppSid": [7]}, "allow": False}]}}},
    "no-tid": {"allowactivities": {"transmitTid": {"default": False}}},
    "wide-ip": {"ipv4": {"anon_keep_bits": 16}, "ipv6": {"anon_keep_bits": 32},
                "allowactivities": {"transmitPreciseGeo": {"default": False}}},
    "topics": {"privacysandbox": {"topicsdomain": "t.example"}},
    "no-topics": {"privacysandbox": {"topicsdomain": "t.example"}, "allowactivities": {"enrichUfpd": {"rules": [
        {"condition": {"componentType": ["general"], "gpc": "1"}, "allow": False}]}}},
    "broken": {"allowactivities": {"fetchBids": {"rules": [{"condition": {"moon": "full"}, "allow": False}]}}},
}


@pytest.fixture(scope="module")
def pbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("privacy")
    (folder / "accounts").mkdir()
    for name, privacy in ACCOUNTS.items():
        (folder / "accounts" / f"{name}.json").write_text(json.dumps({"privacy": privacy}))
    (folder / "accounts/basic.json").write_text(json.dumps({"gdpr": {
        "purpose2": {"enforce_algo": "basic", "enforce_vendors": False}, "channel_enabled": {"app": False}}}))
    lists = VendorLists()
    with running(lists, Pbs(folder, BIDDERS, yaml=YAML.format(lists=lists.yaml(), folder=folder), info=INFO)) as (_, server):
        lists_at_hand(server)
        yield server


USER = {"id": "uid", "buyeruid": "bid", "yob": 1990, "gender": "f", "keywords": "kw", "data": [{"name": "d"}],
        "eids": [{"source": "uidapi.com", "uids": [{"id": "eid"}]}], "geo": {"lat": 40.71283, "lon": -73.98765, "city": "NYC"},
        "ext": {"data": {"segment": "s"}}}
DEVICE = {"ip": "203.0.114.7", "ipv6": "2a01:db8:1:2:3:4:5:6", "ifa": "ifa", "didsha1": "did", "ua": "Mozilla/5.0",
          "geo": {"lat": 40.71283, "lon": -73.98765}}


def ask(pbs, account="pub-1", headers=None, user=None, device=None, regs=None, drop=(), **changes):
    body = banner_request(list(BIDDERS), user={**USER, **(user or {})}, device={**DEVICE, **(device or {})}, regs=regs or {},
                          source={"tid": "tid"}, **changes)
    body["site"]["publisher"]["id"] = account
    body["imp"][0]["ext"]["tid"] = "imp-tid"
    body["ext"]["prebid"].setdefault("returnallbidstatus", True)
    for part in drop:
        del body[part]
    return pbs.post(body, headers=headers)


def removed(sent):
    """What a bidder's request lacks, in the words of ext.debug.privacy."""
    user, device = sent.get("user", {}), sent["device"]
    gone = {
        "device_ids": "ifa" not in device and "didsha1" not in device,
        "user_ids": not {"id", "buyeruid", "yob", "gender"} & user.keys(),
        "eids": "eids" not in user and "eids" not in user.get("ext", {}),
        "first_party_data": not {"keywords", "data"} & user.keys() and "data" not in user.get("ext", {}),
        "ip": device.get("ip") == "203.0.114.0" and device.get("ipv6") == "2a01:db8:1::",
        "geo": device["geo"].get("lat") == 40.71 == user["geo"].get("lat") and user["geo"].get("lon") == -73.98,
        "geo_all": device["geo"] == {} == user["geo"],
        "tid": "tid" not in sent.get("source", {}) and "tid" not in sent["imp"][0]["ext"],
    }
    return [name for name, is_gone in gone.items() if is_gone]


def outcome(pbs, **request):
    """{bidder: what it lost, None if it was not called}"""
    before = pbs.calls()
    reply = ask(pbs, **request)
    assert reply.status == 200, reply.text
    after, reply = pbs.calls(), reply.json()
    verdicts = {}
    for name in BIDDERS:
        called = after.get(name, 0) > before.get(name, 0)
        explained = reply["ext"]["debug"]["privacy"]["bidders"][name]
        verdicts[name] = removed(pbs.last_request(name)["body"]) if called else None
        said = [r for rule in explained["rules"] for r in rule.get("removes", [])]
        assert explained["verdict"] == ("blocked" if not called else "scrubbed" if said else "allowed")
        if called:
            assert set(verdicts[name]) == set(said), (name, explained)
    return verdicts, reply


def consent(**fields):
    return {"user": {"consent": tc_string(**fields)}, "regs": {"gdpr": 1}}


def test_without_signals_everybody_gets_everything(pbs):
    verdicts, reply = outcome(pbs)
    assert verdicts == {name: [] for name in BIDDERS}
    assert len(seats(reply)) == 3 and "warnings" not in reply["ext"]


IDS = ["device_ids", "user_ids", "eids"]
GDPR = [
    ("full consent", consent(**EVERYTHING), {"aster": [], "birch": ["ip", "geo"], "cedar": None}),
    ("consent to nothing", consent(), {"aster": None, "birch": None, "cedar": None}),
    ("no consent string", {"regs": {"gdpr": 1}}, {"aster": None, "birch": None, "cedar": None}),
    ("malformed consent", {"regs": {"gdpr": 1}, "user": {"consent": "CPzBroken"}},
     {"aster": None, "birch": None, "cedar": None}),
    ("vendors not consented", consent(**{**EVERYTHING, "vendor_consent": (12,), "vendor_li": (11,)}),
     {"aster": None, "birch": ["ip", "geo"], "cedar": None}),
    ("purpose 2 by consent only", consent(purposes=(2,), vendor_consent=(11,)),
     {"aster": ["ip", "geo"], "birch": None, "cedar": None}),
    ("purpose 2 by legitimate interest only", consent(li=(2,), vendor_li=(11, 12)),
     {"aster": None, "birch": ["ip", "geo"], "cedar": None}),
    ("the publisher forbids it", consent(**EVERYTHING, not_allowed=[(2, 11)]),
     {"aster": None, "birch": ["ip", "geo"], "cedar": None}),
    ("an unknown vendor list", consent(**EVERYTHING, version=4000), {"aster": None, "birch": None, "cedar": None}),
    ("TCF 2.3 without disclosed vendors", consent(**EVERYTHING, created=YEAR_2026_JUNE),
     {"aster": None, "birch": None, "cedar": None}),
    ("TCF 2.3, one disclosed", consent(**EVERYTHING, created=YEAR_2026_JUNE, disclosed=(11,)),
     {"aster": [], "birch": None, "cedar": None}),
    ("GDPR by place", {"user": {"geo": {**USER["geo"], "country": "FRA"}}}, {"aster": None, "birch": None, "cedar": None}),
    ("not in scope", {"regs": {"gdpr": 0}, "user": {"geo": {**USER["geo"], "country": "FRA"}}},
     {"aster": [], "birch": [], "cedar": []}),
    ("an exempt publisher", {"account": "exempt", "regs": {"gdpr": 1}}, {"aster": [], "birch": [], "cedar": []}),
    ("basic enforcement of one account", {"account": "basic", **consent(purposes=(2, 3), vendor_consent=(11, 12))},
     {"aster": ["ip", "geo"], "birch": ["ip", "geo"], "cedar": [*IDS, "ip", "geo"]}),
]


@pytest.mark.parametrize("why,request_,expected", GDPR, ids=[row[0] for row in GDPR])
def test_gdpr(pbs, why, request_, expected):
    verdicts, reply = outcome(pbs, **request_)
    assert verdicts == expected
    blocked = [name for name, lost in expected.items() if lost is None]
    texts = [w["message"] for w in reply["ext"].get("warnings", {}).get("prebid", []) if w["code"] == 10017]
    assert texts == [f'bidder "{name}" blocked by privacy settings' for name in blocked]
    codes = {s["seat"]: s["nonbid"][0]["statuscode"] for s in reply["ext"]["prebid"].get("seatnonbid", [])}
    assert codes == {name: 204 for name in blocked}


US = [
    ("opted out", {"regs": {"us_privacy": "1YYN"}}, OPT_OUT, "us_privacy_opt_out"),
    ("in the old place", {"regs": {"ext": {"us_privacy": "1YYN"}}}, OPT_OUT, "us_privacy_opt_out"),
    ("not opted out", {"regs": {"us_privacy": "1YNN"}}, [], None),
    ("GPP section 6", {"regs": {"gpp": gpp({6: "1YYN"}), "gpp_sid": [6]}}, OPT_OUT, "us_privacy_opt_out"),
    ("GPP section 6, not listed", {"regs": {"gpp": gpp({6: "1YYN"})}}, [], None),
    ("GPP section 7, sale", {"regs": {"gpp": gpp({7: us_national(sale=1)}), "gpp_sid": [7]}}, OPT_OUT, "gpp_us_opt_out"),
    ("GPP section 7, nothing", {"regs": {"gpp": gpp({7: us_national()}), "gpp_sid": [7]}}, [], None),
    ("GPP section 7, location", {"regs": {"gpp": gpp({7: us_national(sensitive=(8,))}), "gpp_sid": [7]}}, ["ip", "geo"],
     "gpp_us_precise_geo"),
    ("GPP section 7, health", {"regs": {"gpp": gpp({7: us_national(sensitive=(3,))}), "gpp_sid": [7]}},
     ["first_party_data"], "gpp_us_sensitive_data"),
    ("GPP section 7, a child", {"regs": {"gpp": gpp({7: us_national(child=(0, 1))}), "gpp_sid": [7]}},
     [*IDS, "first_party_data", "ip", "geo_all"], "gpp_us_known_child"),
    ("GPP section 7, GPC", {"regs": {"gpp": gpp({7: us_national(gpc=True)}), "gpp_sid": [7]}}, OPT_OUT, "gpc_opt_out"),
    ("header GPC in the USA", {"headers": {"Sec-GPC": "1"}, "device": {"geo": {**DEVICE["geo"], "country": "USA"}}}, OPT_OUT,
     "gpc_opt_out"),
    ("header GPC elsewhere", {"headers": {"Sec-GPC": "1"}, "device": {"geo": {**DEVICE["geo"], "country": "CAN"}}}, [], None),
    ("LMT", {"device": {"lmt": 1}}, OPT_OUT, "lmt"),
    ("COPPA", {"regs": {"coppa": 1}}, [*IDS, "ip", "geo_all"], "coppa"),
    ("iOS without permission to track", {"device": {"os": "iOS", "osv": "17.1", "ext": {"atts": 2}}, "drop": ["site"],
                                         "app": {"bundle": "b", "publisher": {"id": "pub-1"}}}, OPT_OUT, "lmt"),
]


@pytest.mark.parametrize("why,request_,lost,rule", US, ids=[row[0] for row in US])
def test_signals_that_hold_for_all_bidders(pbs, why, request_, lost, rule):
    before = pbs.metric("nexus_pbs_privacy_rules_total", rule=rule)
    verdicts, reply = outcome(pbs, **request_)
    assert verdicts == {name: lost for name in BIDDERS}
    rules = reply["ext"]["debug"]["privacy"]["bidders"]["aster"]["rules"]
    assert [r["rule"] for r in rules] == ([rule] if rule else [])
    if rule:
        assert pbs.metric("nexus_pbs_privacy_rules_total", rule=rule) == before + 3


def test_no_sale_lists_exempt_bidders(pbs):
    ext = {"prebid": {"nosale": ["birch"], "returnallbidstatus": True}}
    verdicts, _ = outcome(pbs, regs={"us_privacy": "1YYN"}, ext=ext)
    assert verdicts == {"aster": OPT_OUT, "birch": [], "cedar": OPT_OUT}


def test_gpp_carries_the_tc_string(pbs):
    verdicts, reply = outcome(pbs, regs={"gpp": gpp({2: tc_string(**EVERYTHING)}), "gpp_sid": [2]})
    assert verdicts == {"aster": [], "birch": ["ip", "geo"], "cedar": None}
    said = reply["ext"]["debug"]["privacy"]["gdpr"]
    assert said["source"] == "regs.gpp_sid" and said["consent_source"] == "regs.gpp" and said["consent"] == "valid"


ACTIVITIES = [
    ("fetchBids", {"account": "no-aster"}, {"aster": None, "birch": [], "cedar": []}),
    ("transmitEids in California", {"account": "no-eids-in-ca",
                                    "device": {"geo": {**DEVICE["geo"], "country": "USA", "region": "CA"}}},
     {name: ["eids"] for name in BIDDERS}),
    ("transmitEids elsewhere", {"account": "no-eids-in-ca"}, {name: [] for name in BIDDERS}),
    ("transmitUfpd with GPC", {"account": "no-ufpd-with-gpc", "headers": {"Sec-GPC": "1"},
                               "device": {"geo": {**DEVICE["geo"], "country": "CAN"}}},
     {"aster": [], "birch": [*IDS, "first_party_data"], "cedar": []}),
    ("transmitUfpd without GPC", {"account": "no-ufpd-with-gpc"}, {name: [] for name in BIDDERS}),
    ("transmitPreciseGeo for section 7", {"account": "no-geo-for-7", "regs": {"gpp": gpp({7: us_national()}), "gpp_sid": [7]}},
     {name: ["ip", "geo"] for name in BIDDERS}),
    ("transmitTid", {"account": "no-tid"}, {name: ["tid"] for name in BIDDERS}),
]


@pytest.mark.parametrize("why,request_,expected", ACTIVITIES, ids=[row[0] for row in ACTIVITIES])
def test_activities(pbs, why, request_, expected):
    assert outcome(pbs, **request_)[0] == expected


def test_only_imps_that_name_a_blocked_bidder_are_explained(pbs):
    body = banner_request(list(BIDDERS), regs={"gdpr": 1})
    body["imp"].append({"id": "2", "banner": {"format": [{"w": 1, "h": 1}]}, "ext": {"prebid": {"bidder": {"birch": {}}}}})
    body["ext"]["prebid"]["returnallbidstatus"] = True
    reply = pbs.post(body).json()
    explained = {s["seat"]: [n["impid"] for n in s["nonbid"]] for s in reply["ext"]["prebid"]["seatnonbid"]}
    assert explained == {"aster": ["1"], "birch": ["1", "2"], "cedar": ["1"]}


def test_accounts_say_how_much_of_an_address_stays(pbs):
    ask(pbs, account="wide-ip")
    device = pbs.last_request("aster")["body"]["device"]
    assert device["ip"] == "203.0.0.0" and device["ipv6"] == "2a01:db8::"


@pytest.mark.parametrize("account,gpc,enriched", [("topics", "1", True), ("no-topics", "0", True), ("no-topics", "1", False)])
def test_accounts_may_forbid_adding_to_user_data(pbs, account, gpc, enriched):
    ask(pbs, account=account, headers={"Sec-Browsing-Topics": "(1);v=chrome.1:1:2, ();p=P0000000000", "Sec-GPC": gpc})
    assert ("t.example" in str(pbs.last_request("aster")["body"]["user"]["data"])) is enriched


def test_an_account_with_a_condition_nobody_knows_is_refused(pbs):
    reply = ask(pbs, account="broken")
    assert reply.status == 500 and 'account id "broken" is malformed' in reply.text
    assert '"event":"account_malformed"' in pbs.process.log()


WARNINGS = [
    ("malformed US privacy", {"regs": {"us_privacy": "2YNN"}},
     "CCPA consent is invalid and will be ignored. (request.regs.ext.us_privacy must specify version 1)"),
    ("GPP against gdpr", {"regs": {"gdpr": 1, "gpp": gpp({6: "1YNN"}), "gpp_sid": [6]}},
     "regs.gdpr signal conflicts with GPP (regs.gpp_sid) and will be ignored"),
    ("GPP against us_privacy", {"regs": {"us_privacy": "1NNN", "gpp": gpp({6: "1YNN"}), "gpp_sid": [6]}},
     "regs.us_privacy consent does not match uspv1 in GPP, using regs.gpp"),
    ("not a GPP string", {"regs": {"gpp": "no"}}, "GPP consent string is invalid and will be ignored. ("),
]


@pytest.mark.parametrize("why,request_,text", WARNINGS, ids=[row[0] for row in WARNINGS])
def test_warnings_are_given_once(pbs, why, request_, text):
    reply = ask(pbs, **request_).json()
    found = [w for w in reply["ext"]["warnings"]["general"] if w["message"].startswith(text)]
    assert len(found) == 1 and found[0]["code"] == 10001
    if why == "malformed US privacy":
        assert {"code": 10001, "message": "request.regs.ext.us_privacy must specify version 1"} in reply["ext"]["warnings"]["prebid"]
        assert "us_privacy" not in pbs.last_request("aster")["body"].get("regs", {})


def test_debug_holds_no_consent_string_and_no_id(pbs):
    text = tc_string(**EVERYTHING)
    shown = json.dumps(ask(pbs, regs={"gdpr": 1}, user={"consent": text}).json()["ext"]["debug"]["privacy"])
    for secret in (text, "uidapi", '"uid"', "203.0", "40.71"):
        assert secret not in shown


STRICT = [
    ("no consent", {"regs": {"gdpr": 1}}, "GDPR applies (regs.gdpr) and there is no consent string"),
    ("malformed consent", {"regs": {"gdpr": 1}, "user": {"consent": "CPzBroken"}}, "the consent string in user.consent is malformed"),
    ("malformed GPP", {"regs": {"gpp": "no"}}, "request.regs.gpp is invalid: error parsing GPP header"),
    ("malformed US privacy", {"regs": {"us_privacy": "1ABC"}}, "request.regs.ext.us_privacy must specify"),
    ("no disclosed vendors", consent(**EVERYTHING, created=YEAR_2026_JUNE), "lists no disclosed vendors (TCF 2.3)"),
]


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    with running(Pbs(tmp_path_factory.mktemp("strict"), BIDDERS, info=INFO, yaml="gdpr: { vendor_list: { enabled: false } }\n",
                     env={"PBS_PRIVACY_STRICT_MODE": "true"})) as (server,):
        yield server


@pytest.mark.parametrize("why,request_,text", STRICT, ids=[row[0] for row in STRICT])
def test_strict_mode_refuses(strict, why, request_, text):
    before = strict.metric("nexus_pbs_privacy_refused_total")
    reply = ask(strict, **request_)
    assert reply.status == 400 and reply.text.startswith("Invalid request: ") and text in reply.text
    assert strict.metric("nexus_pbs_privacy_refused_total") == before + 1


def test_strict_mode_serves_what_is_in_order(strict):
    for regs in ({}, {"gdpr": 0}, {"us_privacy": "1YNN"}, {"gpp": gpp({7: us_national()}), "gpp_sid": [7]}):
        assert ask(strict, regs=regs).status == 200


def test_hosts_may_switch_enforcement_off(tmp_path):
    env = {"PBS_ENFORCE_GDPR": "false", "PBS_ENFORCE_CCPA": "false", "PBS_ENFORCE_COPPA": "false"}
    yaml = "lmt: { enforce: false }\n"
    with running(Pbs(tmp_path, BIDDERS, info=INFO, yaml=yaml, env=env)) as (server,):
        verdicts, _ = outcome(server, regs={"gdpr": 1, "us_privacy": "1YYN", "coppa": 1}, device={"lmt": 1})
        assert verdicts == {name: [] for name in BIDDERS}
