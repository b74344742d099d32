"""The public project's workflows: sound, and without a way around what they promise."""
import os
import re
import shutil
import subprocess

import pytest
import yaml

from namespace import ROOT

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
WORKFLOWS = {p.stem: yaml.safe_load(p.read_text()) for p in FILES}
JOBS = [(f"{name}/{job}", job, spec) for name, w in WORKFLOWS.items() for job, spec in w["jobs"].items()]


def actionlint(*files):
    program = shutil.which("actionlint") or str(ROOT / "build/tools/actionlint")
    if not os.access(program, os.X_OK):
        pytest.skip("not installed: actionlint (tests/deploy/get-tools)")
    return subprocess.run([program, "-no-color", "-shellcheck", shutil.which("shellcheck") or "", *map(str, files)],
                          capture_output=True, text=True, check=False)


def steps():
    for where, _, job in JOBS:
        for step in job.get("steps", []):
            yield where, step


def test_actionlint():
    done = actionlint(*FILES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("old, new, fault", [
    ("needs: [check, compose]", "needs: [check, compoze]", "compoze"),
    ("steps.build.outputs.digest", "steps.bild.outputs.digest", "bild"),
    ("runs-on: ubuntu-24.04", "runs-on: ubuntu-2404", "ubuntu-2404"),
    ("timeout-minutes", "timeout-minuets", "timeout-minuets"),
    ('echo "$IMAGE" >', "echo $IMAGE >", "SC2086"),
])
def test_actionlint_finds(tmp_path, old, new, fault):
    text = (ROOT / ".github/workflows/ci.yml").read_text()
    assert old in text
    if fault.startswith("SC") and not shutil.which("shellcheck"):
        pytest.skip("not installed: shellcheck")
    (tmp_path / "ci.yml").write_text(text.replace(old, new))
    done = actionlint(tmp_path / "ci.yml")
    assert done.returncode == 1 and fault in done.stdout


def test_nothing_may_write_unless_it_says_so():
    for name, w in WORKFLOWS.items():
        assert w["permissions"] == {"contents": "read"}, name


def test_pull_requests_reach_no_registry_and_no_secret():
    for where, _, job in JOBS:
        text = yaml.safe_dump(job)
        if not re.search(r"secrets[.:]", text) and "write" not in job.get("permissions", {}).values():
            continue
        if where.startswith("rollout/"):
            continue  # is called by jobs that are judged here
        chain, condition = [job], ""
        while chain:
            j = chain.pop()
            condition += str(j.get("if", ""))
            needs = j.get("needs", [])
            chain += [WORKFLOWS["ci"]["jobs"][n] for n in ([needs] if isinstance(needs, str) else needs)]
        assert "github.event_name == 'push'" in condition, where
    assert "pull_request_target" not in "".join(p.read_text() for p in FILES)


def test_production_is_agreed_to_and_gets_what_staging_got():
    ci, rollout = WORKFLOWS["ci"]["jobs"], WORKFLOWS["rollout"]["jobs"]["rollout"]
    assert ci["production"]["needs"] == "staging" and ci["staging"]["needs"] == "images"
    assert set(ci["images"]["needs"]) == {"check", "compose"}
    assert rollout["environment"] == "${{ inputs.environment }}", "its reviewers are waited for"
    for job in ("staging", "production"):
        assert ci[job]["with"]["environment"] == job and (ROOT / f"deploy/k8s/overlays/{job}").is_dir()
    assert "refs/tags/v" in ci["production"]["if"]


def test_images_go_by_digest():
    text = "".join(p.read_text() for p in FILES)
    assert "latest" not in text
    assert "@${{ steps.build.outputs.digest }}" in text and "PBS_IMAGE=$(cat digest/pbs)" in text


def test_no_run_is_endless():
    assert not [where for where, _, job in JOBS if "uses" not in job and "timeout-minutes" not in job]


def test_actions_have_a_version():
    used = [s["uses"] for _, s in steps() if "uses" in s]
    assert used and not [u for u in used if not re.search(r"@(v\d+(\.\d+)*|[0-9a-f]{40})$", u)]


def test_what_is_called_is_there():
    named = {m for _, s in steps() for m in re.findall(r"(?<![\w./$-])((?:deploy|fly|tests|\.ci)/[\w./-]+)", s.get("run", ""))
             if not m.endswith("api_key") and "/compose/" not in m}
    assert {".ci/run", "deploy/k8s/deploy.sh", "deploy/scripts/smoke"} <= named
    for path in named:
        target = ROOT / path
        assert target.is_dir() or os.access(target, os.X_OK), path


def test_ci_runs_every_check_of_the_makefile():
    """A check that nobody runs is none."""
    run = (ROOT / ".ci/run").read_text()
    for target in ("test", "check-format", "check-deps", "check-asan", "tidy", "conformance", "e2e", "deploy-check"):
        assert re.search(rf"^(nice -n 19 )?make .*\b{target}\b", run, re.M), target
