"""Plants identifiers wherever a request can hold one, refuses consent in every way there is, and searches all that the
server then sends, writes and shows."""
import base64
import copy
import json

import pytest

from pbs_stack import FakeRouter, Pbs, banner_request, request, running, wait_until
from privacy_kit import VendorLists, gpp, lists_at_hand, tc_string, us_national

# The code of real bidders puts ids into headers and URLs; every bidder is a chance to leak.
BIDDERS = {name: "price=1" for name in ("aster", "appnexus", "pubmatic", "openx", "criteo", "gumgum", "sovrn",
                                        "triplelift", "33across", "sharethrough", "improvedigital")}
PARAMS = {"appnexus": {"placement_id": 1}, "pubmatic": {"publisherId": "156209"}, "sovrn": {"tagid": "1"},
          "openx": {"unit": "539439964", "delDomain": "se-demo-d.openx.net"},
          "criteo": {"zoneId": 1}, "gumgum": {"zone": "dc9d6be1"}, "triplelift": {"inventoryCode": "x"},
          "33across": {"siteId": "s", "productId": "siab"}, "sharethrough": {"pkey": "k"},
          "improvedigital": {"placementId": 1, "publisherId": 2}}
IDS = {  # removed together, whoever refuses
    "user": {"id": "PLANT-user-id", "buyeruid": "PLANT-buyeruid", "customdata": "PLANT-customdata",
             "eids": [{"source": "uidapi.com", "uids": [{"id": "PLANT-eid", "ext": {"stype": "PLANT-eid-ext"}}],
                       "ext": {"x": "PLANT-eids-ext"}}],
             "ext": {"prebid": {"buyeruids": {"appnexus": "PLANT-buyeruid-appnexus", "aster": "PLANT-buyeruid-aster"}},
                     "eids": [{"source": "liveramp.com", "uids": [{"id": "PLANT-ext-eid"}]}],
                     "data": {"eids": [{"source": "a.com", "uids": [{"id": "PLANT-data-eid"}]}]}}},
    "device": {"ifa": "PLANT-ifa", "didsha1": "PLANT-didsha1", "didmd5": "PLANT-didmd5", "dpidsha1": "PLANT-dpidsha1",
               "dpidmd5": "PLANT-dpidmd5", "macsha1": "PLANT-macsha1", "macmd5": "PLANT-macmd5",
               "ext": {"ifv": "PLANT-ifv", "idfv": "PLANT-idfv"}},
}
PLACE = {"user": {"geo": {"lat": 52.5200661, "lon": 13.4049542}},
         "device": {"geo": {"lat": 52.5200662, "lon": 13.4049543}, "ip": "203.0.114.77", "ipv6": "2a01:db8:1:2:77:88:99:aa"}}
FIRST_PARTY = {"user": {"keywords": "PLANT-keywords", "kwarray": ["PLANT-kwarray"], "yob": 1963, "gender": "f",
                        "data": [{"id": "PLANT-data-id", "segment": [{"id": "PLANT-segment", "value": "PLANT-value"}]}],
                        "ext": {"data": {"loyalty": "PLANT-loyalty"}}}}
TIDS = {"source": {"tid": "PLANT-tid"}}
HEADERS = {"Cookie": "uids=PLANT-cookie; other=PLANT-other-cookie", "X-Forwarded-For": "203.0.114.77",
           "True-Client-IP": "203.0.114.77", "Referer": "https://news.example.com/?email=PLANT-referer"}
PAGE = {"site": {"page": "https://news.example.com/?email=PLANT-page", "ref": "https://a.example/?q=PLANT-ref",
                 "search": "PLANT-search"}}
ELSEWHERE = {"user": {"ext": {"x": "PLANT-user-ext"}}, "device": {"ext": {"x": "PLANT-device-ext"}, "ua": "PLANT-user-agent"},
             "regs": {"ext": {"x": "PLANT-regs-ext"}}, "source": {"ext": {"x": "PLANT-source-ext"}},
             "site": {"ext": {"x": "PLANT-site-ext", "data": {"x": "PLANT-site-data"}}, "keywords": "PLANT-site-keywords"},
             "ext": {"x": "PLANT-ext"}}
BIDDER_CONFIG = {"ext": {"prebid": {"bidderconfig": [{"bidders": ["*"], "config": {"ortb2": {"user": {
    "ext": {"eids": [{"source": "b.com", "uids": [{"id": "PLANT-config-eid"}]}]}, "buyeruid": "PLANT-config-buyeruid"}}}}]}}}


def merge(a, b):
    for k, v in b.items():
        if isinstance(v, dict) and isinstance(a.get(k), dict):
            merge(a[k], v)
        else:
            a[k] = copy.deepcopy(v)
    return a


def secrets(tree):
    """What of a tree must not be seen: the planted texts and exact numbers."""
    if isinstance(tree, dict):
        return {s for v in tree.values() for s in secrets(v)}
    if isinstance(tree, list):
        return {s for v in tree for s in secrets(v)}
    if isinstance(tree, float):
        return {repr(tree)}
    if isinstance(tree, str) and "PLANT" in tree:
        return {tree[tree.index("PLANT"):].split(";")[0]}
    return {tree} if tree in ("203.0.114.77", "2a01:db8:1:2:77:88:99:aa") else set()


def signed(folder, name, privacy):
    (folder / "accounts").mkdir(exist_ok=True)
    (folder / f"accounts/{name}.json").write_text(json.dumps({"privacy": privacy}))


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("leaks")
    deny = {"default": False}
    signed(folder, "deny", {"allowactivities": {a: deny for a in ("transmitUfpd", "transmitPreciseGeo", "transmitTid")}})
    signed(folder, "silent", {"allowactivities": {"reportAnalytics": deny}})
    signed(folder, "other", {"allowactivities": {"reportAnalytics": {"rules": [
        {"condition": {"componentType": ["analytics"], "componentName": ["somebody"]}, "allow": False}]}}})
    # consent decides about ids alone: bidders are called without it
    yaml = (f"stored_requests: {{ directory: '{folder}' }}\n"
            "gdpr:\n  tcf2: { purpose2: { enforce_purpose: false, enforce_vendors: false } }\n  vendor_list:\n")
    lists, router = VendorLists(), FakeRouter()
    info = {name: "gvlVendorID: 11\n" for name in BIDDERS}
    info["aster"] += 'userSync: { key: aster, redirect: { url: "https://a.example/p?r={{.RedirectURL}}", userMacro: "$UID" } }\n'
    server = Pbs(folder, BIDDERS, idr_port=router.port, yaml=yaml + lists.yaml(), info=info, env={"LOG_LEVEL": "debug"})
    with running(lists, router, server):
        lists_at_hand(server)
        yield server, router


def planted(account="pub-1", signal=None):
    body = banner_request(list(BIDDERS))
    for part in (IDS, PLACE, FIRST_PARTY, TIDS, PAGE, ELSEWHERE, BIDDER_CONFIG, signal or {}):
        merge(body, part)
    body["site"]["domain"] = "news.example.com"
    body["site"]["publisher"]["id"] = account
    body["imp"][0]["ext"].update({"tid": "PLANT-imp-tid", "data": {"x": "PLANT-imp-data"}})
    body["imp"][0]["banner"].update({"id": "PLANT-banner-id", "ext": {"x": "PLANT-banner-ext"}})
    body["imp"][0]["banner"]["format"][0]["ext"] = {"x": "PLANT-format-ext"}
    body["imp"][0]["ext"]["prebid"]["bidder"] = {name: PARAMS.get(name, {}) for name in BIDDERS}
    return body


def outgoing(pbs):
    """{bidder: every byte of its last call}"""
    return {name: request(pbs.mock_port, "GET", f"/last/{name}").text for name in pbs.calls()}


def assert_absent(words, where, text):
    found = sorted(w for w in words if str(w) in text)
    assert not found, (where, found)


ALL_IDS = secrets(IDS) | secrets(HEADERS) - {"PLANT-referer"} | secrets(BIDDER_CONFIG) | {"PLANT-cookie", "PLANT-other-cookie"}
ALL = ALL_IDS | secrets([PLACE, FIRST_PARTY, TIDS, PAGE]) | {"PLANT-imp-tid", "PLANT-referer", "PLANT"}
REFUSALS = [
    ("GDPR, refused", {"signal": {"regs": {"gdpr": 1}, "user": {"consent": tc_string()}}}, secrets(PLACE)),
    ("GDPR, no consent string", {"signal": {"regs": {"gdpr": 1}}}, secrets(PLACE)),
    ("GDPR in GPP, refused", {"signal": {"regs": {"gpp": gpp({2: tc_string()}), "gpp_sid": [2]}}}, secrets(PLACE)),
    ("US privacy", {"signal": {"regs": {"us_privacy": "1YYN"}}}, secrets(PLACE)),
    ("GPP, US national", {"signal": {"regs": {"gpp": gpp({7: us_national(sale=1)}), "gpp_sid": [7]}}}, secrets(PLACE)),
    ("a child, by GPP", {"signal": {"regs": {"gpp": gpp({7: us_national(child=(0, 1))}), "gpp_sid": [7]}}},
     secrets([PLACE, FIRST_PARTY])),
    ("COPPA", {"signal": {"regs": {"coppa": 1}}}, secrets(PLACE)),
    ("LMT", {"signal": {"device": {"lmt": 1}}}, secrets(PLACE)),
    ("activities", {"account": "deny"}, secrets([PLACE, FIRST_PARTY, TIDS]) | {"PLANT-imp-tid"}),
]


@pytest.mark.parametrize("why,how,more", REFUSALS, ids=[r[0] for r in REFUSALS])
def test_nothing_planted_leaves(stack, why, how, more):
    pbs, router = stack
    before, events, routes = pbs.calls(), len(router.events), len(router.routes)
    reply = pbs.post(planted(**how), headers=HEADERS)
    assert reply.status == 200, reply.text
    called = {name for name, n in pbs.calls().items() if n > before.get(name, 0)}
    assert called == set(BIDDERS), (reply.json()["ext"].get("errors"), set(BIDDERS) - called)
    sent = outgoing(pbs)
    for name in called:
        assert_absent(ALL_IDS | more, name, sent[name])
    assert_absent(ALL_IDS | more, "calls", json.dumps(reply.json()["ext"]["debug"]["httpcalls"]))
    wait_until(lambda: len(router.events) > events, what="the auction's event")
    consent = {v for part in how.get("signal", {}).values() for v in part.values() if isinstance(v, str) and len(v) > 4}
    assert len(router.routes) == routes + 1
    for where, text in {"route": json.dumps(router.routes[-1]), "event": json.dumps(router.events[events:]),
                        "log": pbs.process.log(), "metrics": pbs.get("/metrics").text}.items():
        assert_absent(ALL | consent, where, text)


def test_the_plants_are_there_when_nobody_refuses(stack):
    """Else the test above proves nothing."""
    pbs, _ = stack
    body = planted()
    del body["ext"]["prebid"]["bidderconfig"]
    pbs.post(body, headers=HEADERS)
    sent = outgoing(pbs)["aster"]
    gone = {"PLANT-ext-eid",  # user.eids is there, and goes before the old place
            "PLANT-buyeruid-aster", "PLANT-buyeruid-appnexus"}  # user.buyeruid goes before them
    missing = {w for w in secrets([IDS, PLACE, FIRST_PARTY, TIDS]) - gone if str(w) not in sent}
    assert not missing


def test_accounts_may_keep_auctions_out_of_analytics(stack):
    pbs, router = stack
    for account in ("silent", "other"):
        body = planted(account)
        body["id"] = f"reported-{account}"
        assert pbs.post(body).status == 200
    wait_until(lambda: any(e["auction_id"] == "reported-other" for e in router.events), what="the reported auction")
    assert not any(e["auction_id"] == "reported-silent" for e in router.events)


COOKIE = {"Cookie": "uids=" + base64.urlsafe_b64encode(json.dumps({"tempUIDs": {
    "aster": {"uid": "PLANT-synced", "expires": "2099-01-01T00:00:00Z"}}}).encode()).decode()}


@pytest.mark.parametrize("refused", [False, True])
def test_ids_of_the_cookie(stack, refused):
    pbs, router = stack
    body, events = banner_request(["aster"], regs={"us_privacy": "1YYN"} if refused else {}), len(router.events)
    reply = pbs.post(body, headers=COOKIE)
    assert reply.status == 200
    sent = outgoing(pbs)["aster"] + json.dumps(reply.json()["ext"]["debug"]["httpcalls"])
    assert ("PLANT-synced" in sent) is not refused
    wait_until(lambda: len(router.events) > events, what="the auction's event")
    for text in (json.dumps(router.routes[-1]), json.dumps(router.events), pbs.process.log(), pbs.get("/metrics").text):
        assert "PLANT-synced" not in text


def test_query_strings_are_not_logged(stack):
    pbs, router = stack
    consent = tc_string(purposes=(1, 2, 3))
    for path in ("/setuid?bidder=aster&uid=PLANT-set&gdpr=1&gdpr_consent=", "/openrtb2/amp?tag_id=x&consent_string=",
                 "/openrtb2/amp?tag_id=x&targeting=PLANT-t&addtl_consent=1~PLANT&consent_type=2&gdpr_consent=", "/getuids?x=",
                 "/event?t=win&b=1&a=pub-1&x=", "/status?", "/no-such-place?"):
        pbs.get(path + consent, {"Cookie": "uids=PLANT-cookie", "X-Request-ID": "known"})
    pbs.post({"bidders": ["aster"], "gdpr": 1, "gdpr_consent": consent, "us_privacy": "1YYN"}, "/cookie_sync", key=None)
    for text in (json.dumps(router.routes), json.dumps(router.events), pbs.process.log(), pbs.get("/metrics").text):
        assert "PLANT" not in text and consent not in text
