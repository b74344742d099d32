"""consent-decode against the IAB's own libraries, and against whatever else a line may hold.

tests/consent/cases.jsonl was written by tests/consent/generate.cjs; where Node and npm can fetch the packages, a
larger fresh set is generated and compared as well (CONSENT_CASES, CONSENT_SEED).
"""

import json
import os
import pathlib
import random
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "build" / os.environ.get("VARIANT", "release") / "bin" / "consent-decode"
CASES = ROOT / "tests" / "consent" / "cases.jsonl"
PACKAGES = ["@iabtcf/core@1.5.6", "@iabgpp/cmpapi@3.2.0"]


def decode(lines, timeout=120):
    """One answer per line; lines are bytes without a line feed."""
    if not TOOL.exists():
        subprocess.run(["make", "-s", str(TOOL.relative_to(ROOT))], cwd=ROOT, check=True)
    done = subprocess.run([TOOL], input=b"\n".join(lines) + b"\n", capture_output=True, check=True, timeout=timeout)
    answers = done.stdout.split(b"\n")
    assert answers.pop() == b""
    assert len(answers) == len(lines)
    return [json.loads(a) for a in answers]


def by_kind(restrictions):
    return sorted(restrictions, key=lambda r: (r["purpose"], r["type"]))


def differences(want, got, path=""):
    """Members of `want` that `got` answers differently; `got` may say more."""
    if isinstance(want, dict) and isinstance(got, dict):
        for key, value in want.items():
            yield from differences(value, got.get(key), f"{path}.{key}")
    elif path.endswith("publisher_restrictions"):
        if by_kind(want) != by_kind(got or []):
            yield path, want, got
    elif want != got or isinstance(want, bool) != isinstance(got, bool):
        yield path, want, got


def check(cases):
    assert cases
    answers = decode([c["s"].encode() for c in cases])
    for case, got in zip(cases, answers):
        assert list(differences(case["want"], got)) == [], case["s"]


def test_committed_cases():
    check([json.loads(line) for line in CASES.read_text().splitlines()])


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A directory with the IAB's packages; skips where there is no Node or no registry."""
    given = os.environ.get("CONSENT_NODE_MODULES")
    if given:
        return given
    if not shutil.which("npm"):
        pytest.skip("no Node here")
    there = tmp_path_factory.mktemp("npm")
    (there / "package.json").write_text("{}")
    try:
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", *PACKAGES], cwd=there,
                              capture_output=True, timeout=90)
    except subprocess.TimeoutExpired:
        pytest.skip("the npm registry does not answer")
    if done.returncode:
        pytest.skip("the npm packages cannot be had")
    return there


def test_fresh_cases(packages):
    done = subprocess.run(["node", ROOT / "tests/consent/generate.cjs", os.environ.get("CONSENT_SEED", "20260301"),
                           os.environ.get("CONSENT_CASES", "5000"), packages], capture_output=True, check=True)
    check([json.loads(line) for line in done.stdout.splitlines()])


def test_every_line_gets_one_answer():
    """Cut, flipped and mixed-up strings: an object per line, and never a crash or a hang."""
    rng = random.Random(5)
    good = [json.loads(line)["s"].encode() for line in CASES.read_text().splitlines()][::5]
    lines = [b"", b" ", b"\r", b"\x00", b"\xff\xfe", b"C", b"D", b"1", b"1YN", b"1YNNN", b"B" * 60, b"=" * 40,
             b"C" * 70000, b"D" * 70000, b"x" * 2_000_000, b"." * 5000, b"~" * 5000, b"{}", b'"', b"\\"]
    for s in good:
        lines.append(s[: rng.randrange(len(s))])
        flipped = bytearray(s)
        flipped[rng.randrange(len(s))] ^= 1 << rng.randrange(7)
        lines.append(bytes(flipped).replace(b"\n", b"?"))
        lines.append(s + rng.choice(good))
        lines.append(s + b"." + rng.choice(good))
    for answer in decode(lines):
        assert set(answer) in ({"tcf"}, {"gpp"}, {"usp"}, {"error"}, {"error", "gpp"})
    assert all("error" in a for a in decode(lines[:20]))


def test_a_string_cut_short_is_an_error():
    core = json.loads(CASES.read_text().splitlines()[0])["s"].split(".")[0].encode()
    assert all("error" in a for a in decode([core[:n] for n in range(len(core) - 4)]))


def test_a_line_may_end_in_carriage_return_or_nothing():
    done = subprocess.run([TOOL], input=b"1YNN\r\n1YNN", capture_output=True, check=True)
    assert done.stdout.count(b"usp") == 2


def test_a_container_with_a_broken_section_says_so_and_shows_the_rest():
    [answer] = decode([b"DBACPe~CPX~1YNN~BVQlAAAAAa"])
    assert "at least 29 bytes" in answer["error"]
    assert answer["gpp"]["sections"]["uspv1"]["notice"] == "Y"
    assert answer["gpp"]["sections"]["usnat"]["sale_opt_out"] == 2
