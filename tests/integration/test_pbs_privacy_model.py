"""Legal bases under the TCF, twice: the server against a second reading of the rules of docs/privacy.md, over random
accounts, consent strings and signals. PRIVACY_MODEL_SEED and PRIVACY_MODEL_ACCOUNTS ask for other and for more rounds.
"""
import json
import os
import random
import urllib.parse

import pytest

from pbs_stack import DATA, Pbs, banner_request, running
from privacy_kit import YEAR_2025, Bits, VendorLists, gpp, lists_at_hand

GVL = {int(k): v for k, v in json.loads((DATA / "vendor-list.json").read_text())["vendors"].items()}
VENDORS = {"aster": 11, "birch": 12, "cedar": 13, "elm": 99, "fir": 0}  # 99 is in no list
SYNC = 'userSync: { redirect: { url: "https://sync.example/p?r={{.RedirectURL}}", userMacro: "$UID" } }\n'
INFO = {name: (f"gvlVendorID: {vendor}\n" if vendor else "") + SYNC for name, vendor in VENDORS.items()}
HOST_VENDOR = 11
SEED = int(os.environ.get("PRIVACY_MODEL_SEED", "20260301"))
ACCOUNTS = int(os.environ.get("PRIVACY_MODEL_ACCOUNTS", "30"))
ROUNDS = 6  # per account


class Draw(random.Random):
    def some(self, items, share=.5):
        return [i for i in items if self.random() < share]

    def chance(self, share):
        return self.random() < share

    def maybe(self, **values):
        """Each of the switches, perhaps."""
        return {k: self.chance(v) for k, v in values.items() if self.chance(.5)}


def draw_account(draw):
    gdpr = {}
    for purpose in range(1, 11):
        if draw.chance(.8 if purpose < 3 else .3):
            gdpr[f"purpose{purpose}"] = rules = draw.maybe(enforce_purpose=.5, enforce_vendors=.5)
            if draw.chance(.5):
                rules["enforce_algo"] = draw.choice(["basic", "full"])
            if draw.chance(.3):
                rules["vendor_exceptions"] = draw.some(VENDORS, .4)
    if draw.chance(.5):
        gdpr["special_feature1"] = draw.maybe(enforce=.5) | ({"vendor_exceptions": ["birch"]} if draw.chance(.3) else {})
    if draw.chance(.4):
        gdpr["basic_enforcement_vendors"] = draw.some(VENDORS, .4)
    if draw.chance(.5):
        gdpr["purpose_one_treatment"] = draw.maybe(enabled=.7, access_allowed=.5)
    if draw.chance(.2):
        gdpr["channel_enabled"] = {"web": draw.chance(.6)}
    return gdpr


def draw_consent(draw):
    """The string, and what it says."""
    ids = [*GVL, 99]
    c = {"purposes": draw.some(range(1, 25), draw.random()), "li": draw.some(range(1, 25), draw.random()),
         "vendors": draw.some(ids, .6), "vendors_li": draw.some(ids, .6), "features": draw.some([1, 2], .6),
         "one": draw.randrange(2), "restrictions": [(p, t, draw.some(GVL) or [11]) for p in draw.some(range(1, 11), .3)
                                                    for t in draw.some(range(3), .35)]}
    b = Bits().put(2, 6).put(YEAR_2025 * 10, 36).put(YEAR_2025 * 10, 36).put(7, 12).put(1, 12).put(0, 6).put(4 << 6 | 13, 12)
    b.put(7, 12).put(5, 6).put(2, 2).set(c["features"], 12).set(c["purposes"], 24).set(c["li"], 24).put(c["one"], 1)
    b.put(3 << 6 | 4, 12)
    for vendors in (c["vendors"], c["vendors_li"]):
        b.put(128, 16).put(0, 1).set(vendors, 128)
    b.put(len(c["restrictions"]), 12)
    for purpose, kind, vendors in c["restrictions"]:
        b.put(purpose, 6).put(kind, 2).put(len(vendors), 12)
        for vendor in vendors:
            b.put(0, 1).put(vendor, 16)
    return b.base64(), c


def has_basis(purpose, name, vendor, account, c, strictly=False):
    rules = account.get(f"purpose{purpose}", {})
    by_purpose = strictly or rules.get("enforce_purpose", True)
    by_vendor = strictly or rules.get("enforce_vendors", True)
    is_basic = name in account.get("basic_enforcement_vendors", [])
    full = rules.get("enforce_algo", "full") == "full" and not (is_basic and purpose != 1)
    kinds = {t for p, t, vendors in c["restrictions"] if p == purpose and vendor in vendors} if full else set()
    if 0 in kinds:
        return False
    if not by_purpose and not by_vendor or name in rules.get("vendor_exceptions", []):
        return True
    if not full:
        consented, li = purpose in c["purposes"], purpose in c["li"] and purpose == 2
        if is_basic and (consented or not by_purpose) or by_purpose and li:
            return True
        return (consented or not by_purpose) and (vendor in c["vendors"] or not by_vendor)
    listed = GVL.get(vendor, {})

    def basis(declared, purposes, vendors):
        return purpose in listed.get(declared, []) + listed.get("flexiblePurposes", []) and \
            (purpose in c[purposes] or not by_purpose) and (vendor in c[vendors] or not by_vendor)

    consent, li = basis("purposes", "purposes", "vendors"), basis("legIntPurposes", "li", "vendors_li")
    return consent if 1 in kinds else li if 2 in kinds else consent or li


def id_purposes(name, account, c):
    return [p for p in range(2, 11) if has_basis(p, name, known(name), account, c, strictly=True)]


def known(name):
    return VENDORS[name] if VENDORS[name] in GVL else 0


def broken_rules(name, account, c):
    """Which of the three rules hold for the bidder where GDPR is enforced; `c` is None without a readable string."""
    feature = account.get("special_feature1", {})
    enforced = feature.get("enforce", True)
    if c is None:
        call, ids, geo = not account.get("purpose2", {}).get("enforce_purpose", True), False, not enforced
    else:
        vendor = known(name)
        call = has_basis(2, name, vendor, account, c)
        ids = bool(id_purposes(name, account, c))
        declares = 1 in GVL.get(vendor, {}).get("specialFeatures", []) or name in account.get("basic_enforcement_vendors", [])
        geo = not enforced or name in feature.get("vendor_exceptions", []) or (1 in c["features"] and declares)
    return {rule for rule, fine in (("gdpr_purpose_2", call), ("gdpr_ids", ids), ("gdpr_special_feature_1", geo)) if not fine}


def may_sync(name, vendor, account, c):
    if vendor == 0 or c is None:
        return False
    treatment = account.get("purpose_one_treatment", {})
    if not account.get("purpose1", {}).get("enforce_purpose", True):
        return True
    if treatment.get("enabled", True) and c["one"]:
        return treatment.get("access_allowed", True)
    return has_basis(1, name, vendor, account, c)


@pytest.fixture(scope="module", params=["0", "1"])
def host(request, tmp_path_factory):
    """(server, accounts, whether GDPR applies when nobody says so)"""
    folder = tmp_path_factory.mktemp("model")
    (folder / "accounts").mkdir()
    draw = Draw(SEED)
    accounts = [draw_account(draw) for _ in range(ACCOUNTS)]
    for i, account in enumerate(accounts):
        (folder / f"accounts/a{i}.json").write_text(json.dumps({"gdpr": account}))
    lists = VendorLists()
    yaml = (f'stored_requests: {{ directory: "{folder}" }}\n'
            f'gdpr:\n  host_vendor_id: {HOST_VENDOR}\n  default_value: "{request.param}"\n  vendor_list:\n{lists.yaml()}\n')
    with running(lists, Pbs(folder, {n: "price=1" for n in VENDORS}, yaml=yaml, info=INFO)) as (_, server):
        lists_at_hand(server)
        yield server, accounts, request.param == "1"


def test_auctions(host):
    server, accounts, default = host
    draw = Draw(SEED + 1)
    for i, account in enumerate(accounts):
        for _ in range(ROUNDS):
            text, c = draw_consent(draw) if draw.chance(.85) else (draw.choice(["", "CPzBroken"]), None)
            said = draw.choice([True, True, False, None, "gpp_sid"])
            regs = {} if said is None else {"gpp_sid": [2, 6]} if said == "gpp_sid" else {"gdpr": int(said)}
            user = {"id": "u"}
            if c and draw.chance(.3):
                regs["gpp"] = gpp({2: text})
            elif text:
                user["consent"] = text
            body = banner_request(list(VENDORS), user=user, regs=regs, test=1)
            body["site"]["publisher"]["id"] = f"a{i}"
            bidders = server.post(body).json()["ext"]["debug"]["privacy"]["bidders"]
            enforced = (default if said is None else bool(said)) and account.get("channel_enabled", {}).get("web", True)
            for name in VENDORS:
                got = {r["rule"] for r in bidders[name]["rules"] if r["rule"].startswith("gdpr_")}
                want = broken_rules(name, account, c) if enforced else set()
                assert got == want, (name, account, c, regs)
                if enforced and c:
                    assert bidders[name]["legal_purposes"] == id_purposes(name, account, c), (name, account, c, regs)


def test_synchronisation(host):
    server, accounts, default = host
    draw = Draw(SEED + 2)
    for i, account in enumerate(accounts):
        for _ in range(ROUNDS):
            text, c = draw_consent(draw) if draw.chance(.85) else ("CPzBroken", None)
            said = draw.choice([True, True, False, None])
            asked = {"account": f"a{i}", "gdpr_consent": text} | ({} if said is None else {"gdpr": int(said)})
            applies = default if said is None else said
            host_may = not applies or may_sync("", HOST_VENDOR, account, c)
            want = {n for n in VENDORS if host_may and (not applies or may_sync(n, known(n), account, c))}
            reply = server.post({**asked, "bidders": list(VENDORS)}, "/cookie_sync", key=None)
            assert {b["bidder"] for b in reply.json()["bidder_status"]} == want, (account, c, asked)
            reply = server.get("/setuid?" + urllib.parse.urlencode({**asked, "bidder": "aster", "uid": "1"}))
            assert reply.status == (400 if applies and c is None else 200 if host_may else 451), (account, c, asked)
