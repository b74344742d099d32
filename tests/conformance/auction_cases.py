"""DIR/auction: whole requests over HTTP, and the answer's status, text or bids."""
import json

import stand_ins
from compare import Finding, by_seat, compare, without
from host import STORED, Setup
from outcome import Skip

# The address from which the reference's own test client calls.
HEADERS = {"Content-Type": "application/json", "X-Real-IP": "192.0.2.1"}

# What lies in files here and needs no stand-in.
FILES = {(p.parent.name, p.stem) for p in STORED.glob("*/*.json")}

# Members of a case's `config` that setup_of() and run() act on, in lower case.
CONFIG = {"accountrequired", "aliases", "assertbidext", "bidderinfooverrides", "blacklistedapps", "blockedapps",
          "currencyrates", "disabledadapters", "mockbidders", "preferredmediatype", "realparamsvalidator"}


def config_of(case):
    """The case's config with its keys in lower case: the reference reads them in any."""
    config = case.get("config")
    return {k.lower(): v for k, v in config.items()} if isinstance(config, dict) else {}


def setup_of(case):
    """What the case's config means for this server."""
    given = config_of(case)
    config = {"account_required": bool(given.get("accountrequired")), "price_floors": {"enabled": False},
              "gdpr": {"enabled": False, "vendor_list": {"enabled": False}}, "ccpa": {"enforce": False},
              "lmt": {"enforce": False},
              "blocked_apps": given.get("blockedapps") or given.get("blacklistedapps") or [],
              "auction_timeouts_ms": {"default": 3000, "max": 5000}, "account_defaults": {"debug_allow": True}}
    if given.get("accountrequired"):
        config["account_defaults"]["disabled"] = False
    if given.get("preferredmediatype"):
        config["account_defaults"]["preferredmediatype"] = given["preferredmediatype"]
    if given.get("currencyrates"):
        config["currency_rates"] = given["currencyrates"]
    params = bool(given.get("realparamsvalidator")) or "failed validation" in (case.get("expectedErrorMessage") or "")
    made = stand_ins.make(case, FILES)
    return Setup(config, infos_of(given), params, made["stored_responses"], made["stored_requests"], made["stored_imps"],
                 default_request_of(given))


def default_request_of(given):
    """`aliases` is the text of a request that is laid under every other."""
    aliases = given.get("aliases")
    return json.loads(aliases) if isinstance(aliases, str) and aliases else aliases or None


def infos_of(given):
    infos = {name: dict(over) for name, over in (given.get("bidderinfooverrides") or {}).items()}
    for info in infos.values():
        if "version" in (info.get("openrtb") or {}):
            info["openrtb"] = {**info["openrtb"], "version": float(info["openrtb"]["version"])}
    for bidder in given.get("mockbidders") or []:
        info = infos.setdefault(bidder["bidderName"], {})
        if bidder.get("seat"):
            info["seatFromResponse"] = True
    for name in given.get("disabledadapters") or []:
        infos.setdefault(name, {})["disabled"] = True
    return infos


def price_of(bidder):
    """The cases' adapters stand behind the check that refuses bids of 0 without a deal (§10.5); here they cost 1."""
    return bidder.get("price") or (0 if bidder.get("dealid") else 1)


def factor_of(case, name):
    return (stand_ins.prebid(case.get("mockBidRequest")).get("bidadjustmentfactors") or {}).get(name, 1)


def answer_of(bidder, factor):
    """Bids once per imp at the given price."""
    def answer(request):
        bids, price = [], bidder.get("price") or price_of(bidder) / factor
        for imp in request["imp"]:
            bid = {"id": f"{bidder['bidderName']}-bid", "impid": imp["id"], "price": price, "crid": "creative",
                   "ext": {"prebid": {"type": "banner"}}}
            if bidder.get("dealid"):
                bid["dealid"] = bidder["dealid"]
            bids.append(bid)
        seat = bidder.get("seat") or bidder["bidderName"]
        return {"id": request["id"], "cur": bidder.get("currency") or "USD", "seatbid": [{"seat": seat, "bid": bids}]}
    return answer


def bidders_of(response):
    """Where a case names no bidders, those that it expects bids of."""
    return [{"bidderName": b["id"].removesuffix("-bid"), "price": b.get("price", 0), "currency": response.get("cur")}
            for s in response.get("seatbid") or [] for b in s["bid"][:1]]


def normalised(case):
    """Cases of the older form say only a request and the text of its refusal, empty when it is a good one."""
    if "requestPayload" not in case:
        return case
    message = case.get("message") or ""
    return {**case, "mockBidRequest": case["requestPayload"], "expectedErrorMessage": message,
            "expectedReturnCode": case.get("expectedReturnCode") or (None if message else 200)}


def run(name, case, hosts, mock):
    case = normalised(case)
    if "mockBidRequest" not in case:
        raise Skip("has no request of a known form")
    missing = stand_ins.names_of(case, FILES, stand_ins.make(case, FILES))
    if missing and "not found" not in (case.get("expectedErrorMessage") or ""):
        raise Skip(f"needs stored data of the reference's test code: {', '.join(missing)}")
    host = hosts.get(setup_of(case))
    bidders = config_of(case).get("mockbidders") or bidders_of(case.get("expectedBidResponse") or {})
    mock.expect({b["bidderName"]: answer_of(b, factor_of(case, b["bidderName"])) for b in bidders})
    request = case["mockBidRequest"]
    body = request if isinstance(request, str) else json.dumps(request)
    findings = judge(case, host.post("/openrtb2/auction", body, HEADERS), mock)
    strange = sorted(config_of(case).keys() - CONFIG)
    if findings and strange:
        raise Skip(f"needs a setup that is not known here: {', '.join(strange)}")
    return findings


def judge(case, reply, mock):
    status = case.get("expectedReturnCode")
    if status is None:
        status = reply.status if reply.status >= 400 else "a refusal"
    findings = compare(status, reply.status, ("status",))
    if findings:
        return [*findings, Finding(("body",), case.get("expectedErrorMessage"), reply.text[:300])]
    findings = compare_text(case.get("expectedErrorMessage") or "", reply)
    expected = case.get("expectedBidResponse")
    if reply.status == 200 and expected:
        for bid in (b for s in expected.get("seatbid") or [] for b in s["bid"] if b.get("price") == 0):
            bid["price"] = 1
            if "origbidcpm" in (bid.get("ext") or {}):
                bid["ext"]["origbidcpm"] = 1
        findings += compare_bids(expected, reply.json())
    for bidder, wanted in (case.get("expectedMockBidderRequests") or {}).items():
        sent = (mock.received.get(bidder) or [None])[0]
        findings += [Finding(("to", bidder), wanted, None)] if sent is None else compare_sent(wanted, sent, bidder)
    return findings


def compare_text(message, reply):
    """A refusal's text begins as the case says; of an answer it is one of the messages."""
    fits = reply.text.startswith(message) if reply.status != 200 else json.dumps(message)[1:-1] in reply.text
    return [] if fits else [Finding(("message",), message, reply.text)]


def compare_bids(expected, actual):
    """id, seat, impid, price, currency, and the bids' ext."""
    reduced = {k: actual.get(k) for k in ("id", "cur", "seatbid")}
    wanted = {k: expected.get(k) for k in ("id", "cur", "seatbid")}
    for response in (reduced, wanted):
        response["seatbid"] = [
            {"seat": s.get("seat"), "bid": [{k: b.get(k) for k in ("id", "impid", "price", "ext")} for b in s["bid"]]}
            for s in response["seatbid"] or []]
    if not wanted["seatbid"]:
        wanted.pop("cur"), reduced.pop("cur")
    if not any(b.get("ext") for s in wanted["seatbid"] for b in s["bid"]):
        reduced = without(reduced, "seatbid.bid.ext")
    return compare(by_seat(wanted), by_seat(reduced), ("response",))


def compare_sent(wanted, sent, bidder):
    """tmax is what is left of it; user agent, transaction ids and the server's description are this setup's."""
    own = ("tmax", "device.ua", "imp.ext.tid", "source.tid", "ext.prebid.server")
    return compare(without(wanted, *own), without(sent, *own), ("to", bidder))
