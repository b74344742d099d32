"""DIR/auction: whole requests over HTTP, and the answer's status, text or bids."""
import json

from compare import Finding, by_seat, compare, without
from host import NAMES, Setup
from outcome import Skip

# The address from which the reference's own test client calls.
HEADERS = {"Content-Type": "application/json", "X-Real-IP": "192.0.2.1"}

# What the cases' config means for this server.
def setup_of(case):
    given = case.get("config") or {}
    config = {"account_required": bool(given.get("accountRequired")), "price_floors": {"enabled": False},
              "gdpr": {"enabled": False, "vendor_list": {"enabled": False}}, "ccpa": {"enforce": False},
              "lmt": {"enforce": False},
              "blocked_apps": given.get("blockedApps") or given.get("blacklistedApps") or [],
              "auction_timeouts_ms": {"default": 3000, "max": 5000}, "account_defaults": {"debug_allow": True}}
    if given.get("accountRequired"):
        config["account_defaults"]["disabled"] = False
    if given.get("preferredmediatype"):
        config["account_defaults"]["preferredmediatype"] = given["preferredmediatype"]
    if given.get("currencyRates"):
        config["currency_rates"] = given["currencyRates"]
    infos = {name: dict(over) for name, over in (given.get("bidderInfoOverrides") or {}).items()}
    for info in infos.values():
        if "version" in (info.get("openrtb") or {}):
            info["openrtb"] = {**info["openrtb"], "version": float(info["openrtb"]["version"])}
    for bidder in given.get("mockBidders") or []:
        info = infos.setdefault(bidder["bidderName"], {})
        if bidder.get("seat"):
            info["seatFromResponse"] = True
    for name in given.get("disabledAdapters") or []:
        infos.setdefault(name, {})["disabled"] = True
    params = bool(given.get("realParamsValidator")) or "failed validation" in (case.get("expectedErrorMessage") or "")
    return Setup(config, infos, params, stored_responses(case))


def prebid(obj):
    return ((obj.get("ext") or {}).get("prebid") or {}) if isinstance(obj, dict) else {}


def imps_of(case):
    request = case.get("mockBidRequest")
    return [i for i in request.get("imp") or [] if isinstance(i, dict)] if isinstance(request, dict) else []


def stored_responses(case):
    """Bodies for the stored responses of cases that must succeed whatever is in them."""
    bid = {"id": "stored-bid", "impid": "any", "price": 1, "crid": "c", "mtype": 1, "adm": "<div></div>"}
    seats = [{"seat": "stored", "bid": [bid]}]
    bodies = {}
    for imp in imps_of(case) if case.get("expectedReturnCode") == 200 else []:
        given = prebid(imp)
        if (given.get("storedauctionresponse") or {}).get("id"):
            bodies[given["storedauctionresponse"]["id"]] = seats
        for r in given.get("storedbidresponse") or []:
            if r.get("bidder") in NAMES:
                bodies[r["id"]] = {"id": "stored", "cur": "USD", "seatbid": seats}
    return bodies


def price_of(bidder):
    """The cases' adapters stand behind the check that refuses bids of 0 without a deal (§10.5); here they cost 1."""
    return bidder["price"] or (0 if bidder.get("dealid") else 1)


def factor_of(case, name):
    prebid = ((case.get("mockBidRequest") or {}).get("ext") or {}).get("prebid") or {}
    return (prebid.get("bidadjustmentfactors") or {}).get(name, 1)


def answer_of(bidder, factor):
    """Bids once per imp at the given price."""
    def answer(request):
        bids, price = [], bidder["price"] or price_of(bidder) / factor
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


def unknown_stored_data(case, known):
    """Names of stored data that only the reference's test code has."""
    ids = [("stored_requests", (prebid(case.get("mockBidRequest")).get("storedrequest") or {}).get("id"))]
    for imp in imps_of(case):
        p = prebid(imp)
        ids.append(("stored_imps", (p.get("storedrequest") or {}).get("id")))
        ids.append(("stored_responses", (p.get("storedauctionresponse") or {}).get("id")))
        ids += [("stored_responses", r.get("id")) for r in p.get("storedbidresponse") or []]
    made = stored_responses(case)
    return [i for kind, i in ids if isinstance(i, str) and i and (kind, i) not in known and i not in made]


def run(name, case, hosts, mock, known):
    if "/video/" in f"/{name}" or "requestPayload" in case:
        raise Skip("needs POST /openrtb2/video")
    if unknown := unknown_stored_data(case, known):
        raise Skip(f"needs stored data of the reference's test code: {', '.join(unknown)}")
    host = hosts.get(setup_of(case))
    bidders = (case.get("config") or {}).get("mockBidders") or bidders_of(case.get("expectedBidResponse") or {})
    mock.expect({b["bidderName"]: answer_of(b, factor_of(case, b["bidderName"])) for b in bidders})
    request = case.get("mockBidRequest")
    body = request if isinstance(request, str) else json.dumps(request)
    reply = host.post("/openrtb2/auction", body, HEADERS)
    findings = compare(case["expectedReturnCode"], reply.status, ("status",))
    if findings:
        return [*findings, Finding(("body",), case.get("expectedErrorMessage"), reply.text[:300])]
    message = case.get("expectedErrorMessage") or ""
    if message and message not in reply.text and json.dumps(message)[1:-1] not in reply.text:
        findings.append(Finding(("message",), message, reply.text))
    expected = case.get("expectedBidResponse")
    if reply.status == 200 and expected:
        for bid in (b for s in expected.get("seatbid") or [] for b in s["bid"] if b.get("price") == 0):
            bid["price"] = 1
            if "origbidcpm" in (bid.get("ext") or {}):
                bid["ext"]["origbidcpm"] = 1
        findings += compare_bids(expected, reply.json(), case)
    for bidder, wanted in (case.get("expectedMockBidderRequests") or {}).items():
        sent = (mock.received.get(bidder) or [None])[0]
        findings += [Finding(("to", bidder), wanted, None)] if sent is None else compare_sent(wanted, sent, bidder)
    return findings


def compare_bids(expected, actual, case):
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
