"""Where this server deliberately does not do what a case of the reference expects, and why.

A rule looks at one difference (path, expected, actual) and says whether it explains it; rules know no case by name."""
import dataclasses
import re
from typing import Callable

import stand_ins
from compare import ABSENT
from host import NAMES


@dataclasses.dataclass(frozen=True)
class Rule:
    where: str   # section or quirk of the auction's specification
    why: str
    explains: Callable[[object, dict], bool]  # finding, case


def floors_are_off(finding, case):
    return finding.path == ("response", "ext", "errors", "prebid") and finding.actual is ABSENT and \
        finding.expected.get("message") == "Floors feature is disabled at account or in the request"


def status_of_a_pair(finding, case):
    return finding.path[:4] == ("response", "ext", "prebid", "seatnonbid") and finding.expected is ABSENT


# Appendix A of the auction's specification, where a case gives a member that the reference's model does not have: its
# own test reads the expectation into the model, which loses it.
MEMBERS = {"native": "request ver api battr ext", "banner": "format w h wmax hmax wmin hmin btype battr pos mimes topframe "
           "expdir api id vcm ext"}
NATIVE = "ver context contextsubtype plcmttype plcmtcnt seq assets aurlsupport durlsupport eventtrackers privacy ext"


def unknown_member(finding, case):
    if finding.actual is not ABSENT or finding.path[0] != "to" or len(finding.path) < 4:
        return False
    *_, parent, member = finding.path
    if finding.path[-3:-1] == ("native", "request"):
        return member not in NATIVE.split()
    return parent in MEMBERS and member not in MEMBERS[parent].split()


def range_minimum(finding, case):
    if "targeting" not in finding.path or "_pb" not in finding.path[-1]:
        return False
    targeting = stand_ins.prebid((case.get("incomingRequest") or {}).get("ortbRequest")).get("targeting") or {}
    kinds = [targeting.get("pricegranularity"), *(targeting.get("mediatypepricegranularity") or {}).values()]
    return any((g["ranges"][0].get("min") or 0) != 0 for g in kinds if isinstance(g, dict) and g.get("ranges"))


def no_consent(finding, case):
    return bool(case.get("gdpr_enforced") or case.get("gdpr_enabled")) and finding.actual in (None, ABSENT) and finding.path[0] in ("to", "response")


def stranger_with_stored_bids(finding, case):
    imps = stand_ins.imps_of(case.get("mockBidRequest"))
    strangers = [r.get("bidder") for i in imps for r in stand_ins.prebid(i).get("storedbidresponse") or []
                 if r.get("bidder") not in NAMES]
    return finding.path == ("status",) and finding.actual == 400 and bool(strangers) or \
        finding.path == ("body",) and any(f'unrecognized bidder "{s}"' in finding.actual for s in strangers)


def random_source(finding, case):
    """An error that the case's own generator of ids makes up."""
    return bool((case.get("bidIDGenerator") or {}).get("returnError")) and finding.actual is ABSENT and \
        "Error generating bid.ext.prebid.bidid" in str(finding.expected)


# How the reference's JSON library words what it cannot read.
DECODER = re.compile(r"cannot unmarshal|expect [{\[]|expects? |unexpected|unrecognized|invalid character|readObject|"
                     r"looking for beginning|ReadString|skipThreeBytes|syntax error|decode slice|parse error|Invalid JSON")


def decoder_words(finding, case):
    return finding.path == ("message",) and DECODER.search(finding.expected) is not None and \
        finding.actual.startswith("Invalid request: ")


RULES = [
    Rule("§3.5", "a body that cannot be decoded is described with its path and what was expected there, not in the words of "
         "the reference's JSON library", decoder_words),
    Rule("privacy, basic ads", "where GDPR applies, no bidder is called without consent; the case's stand-in for the consent "
         "check lets bidders be called without ids", no_consent),
    Rule("§5.2", "a stored answer of a bidder that nobody knows is refused; the case's test server knows every name",
         stranger_with_stored_bids),
    Rule("§15", "ids come from the system's random source, which cannot fail; the case's fails for every bid", random_source),
    Rule("Appendix A, §5.3", "members that the OpenRTB model does not have are dropped from what bidders get", unknown_member),
    Rule("§4.4", "a price range starts where the one before it ends; the case's own minimum is below the endpoint",
         range_minimum),
    Rule("Q17", "that floors are off is an error only for who debugs, not on every response", floors_are_off),
    Rule("§23, 6", "every pair of bidder and imp without a bid has a status, not only rejected bids and failed calls",
         status_of_a_pair),
]


def explain(findings, case):
    """Splits findings into what is explained, as (rule, finding), and what is not."""
    explained, rest = [], []
    for f in findings:
        rule = next((r for r in RULES if r.explains(f, case)), None)
        (explained if rule else rest).append((rule, f) if rule else f)
    return explained, rest
