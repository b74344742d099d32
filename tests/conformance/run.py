"""Runs the reference's own cases for the auction against the real nexus-pbs.

    run.py DIR [-v] [-k TEXT]     DIR/auction/**/*.json and DIR/exchange/*.json

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
from compare import Finding
from host import BIN, STORED, Hosts
from mock import MockBidders
from outcome import Outcome, Skip


def load(vectors, part, only):
    for path in sorted((vectors / part).rglob("*.json")):
        name = str(path.relative_to(vectors))
        if only in name:
            yield name, json.loads(path.read_text())


def setup_key(part, case):
    try:
        return part.setup_of(case).key()
    except (KeyError, TypeError, AttributeError):
        return ""


def run_case(name, run, case):
    outcome = Outcome(name)
    try:
        outcome.differences, outcome.findings = differences.explain(run(), case)
    except Skip as skip:
        outcome.skipped = str(skip)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        # One case that cannot be read, or ends the server, costs itself.
        outcome.findings = [Finding(("case",), "a result", f"{type(error).__name__}: {error}")]
    return outcome


def run_all(vectors, only, mock, hosts):
    known = {(p.parent.name, p.stem) for p in STORED.glob("*/*.json")}
    runs = []
    for name, case in load(vectors, "auction", only):
        if "query" in case:
            runs.append((setup_key(amp_cases, case), name, case,
                         lambda name=name, case=case: amp_cases.run(name, case, hosts, mock)))
        else:
            runs.append((setup_key(auction_cases, case), name, case,
                         lambda name=name, case=case: auction_cases.run(name, case, hosts, mock, known)))
    for name, case in load(vectors, "exchange", only):
        runs.append((setup_key(exchange_cases, case), name, case,
                     lambda name=name, case=case: exchange_cases.run(name, case, hosts, mock)))
    runs.sort(key=lambda r: r[:2])
    return sorted((run_case(name, run, case) for _, name, case, run in runs), key=lambda o: o.name)


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


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("vectors", type=pathlib.Path)
    args.add_argument("-v", "--verbose", action="store_true", help="print every difference of a failed case")
    args.add_argument("-k", dest="only", default="", help="only cases whose path contains this")
    args = args.parse_args()
    if not any((args.vectors / part).is_dir() for part in ("auction", "exchange")):
        print(f"conformance: skipped, there are no vectors in {args.vectors}")
        return 0
    if not (BIN / "nexus-pbs").exists():
        print(f"conformance: {BIN}/nexus-pbs is not built")
        return 1
    mock = MockBidders()
    hosts = Hosts(mock, args.vectors)
    try:
        outcomes = run_all(args.vectors, args.only, mock, hosts)
    finally:
        hosts.stop()
        mock.stop()
    return 1 if report(outcomes, args.verbose) else 0


if __name__ == "__main__":
    sys.exit(main())
