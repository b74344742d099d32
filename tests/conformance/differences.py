"""Where this server deliberately does not do what a case of the reference expects, and why.

A rule looks at one difference (path, expected, actual) and says whether it explains it; rules know no case by name."""
import dataclasses
from typing import Callable

from compare import ABSENT


@dataclasses.dataclass(frozen=True)
class Rule:
    where: str   # section or quirk of the auction's specification
    why: str
    explains: Callable[[object, dict], bool]  # finding, case


def warning_10002(finding, case):
    return finding.path[-3:] == ("ext", "warnings", "general") and finding.actual is ABSENT and \
        all(w.get("code") == 10002 for w in finding.expected)


RULES = [
    Rule("Q15", "10002 is reported only when debug was asked for and is off, not on every response", warning_10002),
]


def explain(findings, case):
    """Splits findings into what is explained, as (rule, finding), and what is not."""
    explained, rest = [], []
    for f in findings:
        rule = next((r for r in RULES if r.explains(f, case)), None)
        (explained if rule else rest).append((rule, f) if rule else f)
    return explained, rest
