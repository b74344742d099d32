"""DIR/auction/video: requests for ad pods. The reference's test code says what becomes of each; here the case's name does."""
import json

import auction_cases
from compare import Finding, compare
from host import Setup, merge
from outcome import Skip

IMP = {"ext": {"prebid": {"bidder": {"appnexus": {"placementId": 1}}}}}
ON = {"video": {"enable_deprecated_endpoint": True}}


def payload_of(case):
    return case.get("requestPayload") or case.get("mockBidRequest")


def pods_of(request):
    pods = (request.get("podconfig") or {}).get("pods") if isinstance(request, dict) else None
    return [p for p in pods if isinstance(p, dict)] if isinstance(pods, list) else []


def setup_of(case):
    """Every pod's imp asks the same bidder; the stored request, when one is named, adds nothing."""
    request = payload_of(case)
    stored = request.get("storedrequestid") if isinstance(request, dict) else None
    imps = {p["configid"]: IMP for p in pods_of(request) if isinstance(p.get("configid"), str) and p["configid"]}
    base = auction_cases.setup_of({"config": case.get("config")})
    return Setup(merge(base.config, ON), base.infos, base.params, requests={stored: {}} if stored else {}, imps=imps)


def wants_answer(name, case):
    """True, False, or Skip where neither name nor description says."""
    if case.get("expectedReturnCode"):
        return case["expectedReturnCode"] == 200
    stem, description = name.rsplit("/", 1)[-1].lower(), (case.get("description") or "").lower()
    if "invalid_sample" in stem or "error" in description:
        return False
    if "valid" in stem:
        return True
    raise Skip("does not say what is expected")


def bid_for(request):
    bids = [{"id": f"bid-{imp['id']}", "impid": imp["id"], "price": 1 + i, "crid": "c", "cat": ["IAB1-1"],
             "adm": '<VAST version="3.0"></VAST>', "ext": {"prebid": {"type": "video", "video": {"duration": 1}}}}
            for i, imp in enumerate(request["imp"])]
    return {"id": request["id"], "cur": "USD", "seatbid": [{"seat": "appnexus", "bid": bids}]}


def run(name, case, hosts, mock):
    request, wanted = payload_of(case), wants_answer(name, case)
    if request is None:
        raise Skip("has no request of a known form")
    host = hosts.get(setup_of(case))
    mock.expect({"appnexus": bid_for})
    reply = host.post("/openrtb2/video", request if isinstance(request, str) else json.dumps(request), auction_cases.HEADERS)
    message = case.get("message") or case.get("expectedErrorMessage") or ""
    if not wanted:
        return [] if reply.status >= 400 and message in reply.text else \
            [Finding(("refusal",), message, f"{reply.status} {reply.text[:300]}")]
    if reply.status != 200:
        return [Finding(("status",), 200, f"{reply.status} {reply.text[:300]}")]
    pods = reply.json()["adPods"]
    served = [p["podid"] for p in pods if p["targeting"]]
    return compare([p.get("podid") for p in pods_of(request)], [p["podid"] for p in pods], ("adPods", "podid")) + \
        ([] if served else [Finding(("adPods", "targeting"), "bids", None)])
