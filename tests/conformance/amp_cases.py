"""DIR/auction/amp: the query of GET /openrtb2/amp, the stored request behind its tag, and the targeting that comes back."""
import json
import urllib.parse

import auction_cases
from compare import ABSENT, Finding, compare, without
from host import Setup, merge
from outcome import Skip

# Consent is read, since parameters of no stated kind are taken for what they can be read as, but nothing follows from it:
# the reference's own exchange is a stand-in here, which bids whatever is said.
OWN = {"external_cache": {"scheme": "https", "host": "www.pbcserver.com", "path": "/pbcache/endpoint"},
       "gdpr": {"enabled": True, "tcf2": {"enabled": False}}}


def tag_of(case):
    return dict(urllib.parse.parse_qsl(case["query"], keep_blank_values=True)).get("tag_id", "")


def setup_of(case):
    base = auction_cases.setup_of({**case, "mockBidRequest": {}})
    responses = {name: json.loads(text) for name, text in (case.get("mockAmpStoredResponse") or {}).items()}
    requests = {tag_of(case): case["mockBidRequest"]} if case.get("mockBidRequest") else {}
    return Setup(merge(base.config, OWN), base.infos, base.params, responses, requests)


def bidders_of(case):
    """The case's, else those that its keys name."""
    given = auction_cases.config_of(case).get("mockbidders")
    targeting = (case.get("expectedAmpResponse") or {}).get("targeting") or {}
    return given or [{"bidderName": targeting["hb_bidder"], "price": float(targeting["hb_pb"])}
                     for _ in [0] if "hb_bidder" in targeting and not case.get("mockAmpStoredResponse")]


def run(name, case, hosts, mock):
    if not case.get("mockBidRequest") and case.get("expectedReturnCode") == 200:
        raise Skip(f"needs stored data of the reference's test code: {tag_of(case)}")
    findings = judge(case, hosts, mock)
    strange = sorted(auction_cases.config_of(case).keys() - auction_cases.CONFIG)
    if findings and strange:
        raise Skip(f"needs a setup that is not known here: {', '.join(strange)}")
    return findings


def judge(case, hosts, mock):
    host = hosts.get(setup_of(case))
    mock.expect({b["bidderName"]: auction_cases.answer_of(b, auction_cases.factor_of(case, b["bidderName"]))
                 for b in bidders_of(case)})
    path = f"/openrtb2/amp?{case['query']}"
    reply = host.get(path, auction_cases.HEADERS)
    findings = compare(case["expectedReturnCode"], reply.status, ("status",))
    message = case.get("expectedErrorMessage") or ""
    if findings or message and message not in reply.text:
        return [*findings, Finding(("message",), message, reply.text[:300])]
    for bidder, wanted in (case.get("expectedMockBidderRequests") or {}).items():
        sent = (mock.received.get(bidder) or [None])[0]
        findings += [Finding(("to", bidder), wanted, None)] if sent is None else \
            auction_cases.compare_sent(wanted, sent, bidder)
    if reply.status != 200:
        return findings
    if expected := case.get("expectedAmpResponse"):
        findings += compare_answer(expected, reply.json())
    if wanted := case.get("expectedValidatedBidRequest"):
        findings += compare_resolved(wanted, host.get(path + "&debug=1", auction_cases.HEADERS).json())
    return findings


def compare_answer(expected, actual):
    findings = compare(expected.get("targeting") or {}, actual.get("targeting") or {}, ("targeting",))
    messages = lambda answer, part: (((answer.get("ortb2") or {}).get("ext") or {}).get(part) or {})
    for part in ("warnings", "errors"):
        given, have = messages(expected, part), messages(actual, part)
        for bucket in given:
            missing = [m for m in given[bucket] if m not in (have.get(bucket) or [])]
            findings += [Finding(("response", "ext", part, bucket), m, ABSENT) for m in missing]
    return findings


def compare_resolved(wanted, actual):
    """What debug adds, and what is this setup's, does not count."""
    own = ("test", "ext.prebid.debug", "ext.prebid.server", "device.ua", "tmax", "source.tid", "imp.ext.tid")
    have = ((actual.get("ortb2") or {}).get("ext") or {}).get("debug", {}).get("resolvedrequest") or {}
    return compare(without(wanted, *own), without(have, *own), ("resolved",))
