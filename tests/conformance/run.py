"""Runs the reference's own cases for the auction against the real nexus-pbs.

    run.py DIR... [-v] [-k TEXT]     DIR/auction/**/*.json and DIR/exchange/*.json

Prints what failed, what was left out and why, which deliberate differences were met, and `N passed, N failed`."""
import argparse
import collections
import json
import pathlib
import sys

import amp_cases
import auction_cases
import differences
import exchange_cases
import video_cases
from compare import Finding
from host import BIN, Hosts
from mock import MockBidders
from outcome import Outcome, Skip


def load(vectors, part, only):
    """Names and cases; None for a file that holds none."""
    for path in sorted((vectors / part).rglob("*.json")):
        name = str(path.relative_to(vectors))
        if only not in name:
            continue
        try:
            case = json.loads(path.read_text())
        except ValueError:
            case = None
        yield name, case if isinstance(case, dict) else None


def kind_of(name, case):
    """The module that runs the case."""
    if name.startswith("exchange/"):
        return exchange_cases
    if name.startswith("auction/video/"):
        return video_cases
    return amp_cases if "query" in case else auction_cases


def setup_key(name, case):
    """Cases that can share a server are run one after the other."""
    try:
        return kind_of(name, case).setup_of(case).key()
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""


def run_case(name, case, hosts, mock):
    outcome = Outcome(name)
    try:
        if case is None:
            raise Skip("is not a JSON object")
        outcome.differences, outcome.findings = differences.explain(kind_of(name, case).run(name, case, hosts, mock), case)
    except Skip as skip:
        outcome.skipped = str(skip)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        # One case that cannot be read, or ends the server, costs itself.
        outcome.findings = [Finding(("case",), "a result", f"{type(error).__name__}: {error}")]
    return outcome


def run_all(vectors, only, mock, hosts):
    cases = [*load(vectors, "auction", only), *load(vectors, "exchange", only)]
    cases.sort(key=lambda c: (setup_key(*c), c[0]))
    return sorted((run_case(name, case, hosts, mock) for name, case in cases), key=lambda o: o.name)


def report(outcomes, verbose):
    for o in outcomes:
        if o.findings:
            print(f"FAILED {o.name}")
            for f in o.findings if verbose else o.findings[:6]:
                print(f"    {f}")
    skipped = collections.Counter(o.skipped.split(":")[0] for o in outcomes if o.skipped)
    if skipped:
        print("\nskipped")
        for why, n in skipped.most_common():
            print(f"    {n:3} {why}")
    met = collections.defaultdict(set)
    for o in outcomes:
        for rule, _ in o.differences:
            met[rule].add(o.name)
    if met:
        print("\ndeliberate differences")
        for rule, names in met.items():
            print(f"    {rule.where}: {rule.why} ({len(names)}: {', '.join(sorted(names)[:3])}{'…' if len(names) > 3 else ''})")
    failed = sum(bool(o.findings) for o in outcomes)
    print(f"\n{sum(o.passed for o in outcomes)} passed, {failed} failed, {sum(bool(o.skipped) for o in outcomes)} skipped")
    return failed


def run_in(vectors, only, mock):
    hosts = Hosts(mock, vectors)
    try:
        return run_all(vectors, only, mock, hosts)
    finally:
        hosts.stop()


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("vectors", type=pathlib.Path, nargs="+")
    args.add_argument("-v", "--verbose", action="store_true", help="print every difference of a failed case")
    args.add_argument("-k", dest="only", default="", help="only cases whose path contains this")
    args = args.parse_args()
    found = [v for v in args.vectors if any((v / part).is_dir() for part in ("auction", "exchange"))]
    for vectors in (v for v in args.vectors if v not in found):
        print(f"conformance: skipped, there are no vectors in {vectors}")
    if not found:
        return 0
    if not (BIN / "nexus-pbs").exists():
        print(f"conformance: {BIN}/nexus-pbs is not built")
        return 1
    mock = MockBidders()
    outcomes = []
    try:
        for vectors in found:
            outcomes += run_in(vectors, args.only, mock)
    finally:
        mock.stop()
    return 1 if report(outcomes, args.verbose) else 0


if __name__ == "__main__":
    sys.exit(main())
