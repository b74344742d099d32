"""The checkers that tests/deploy/check runs over the files are worth something: each finds a fault that is put there."""
import json
import os
import re
import shutil
import subprocess

import pytest

from namespace import ROOT, need

SCHEMA = ROOT / "tests/deploy/schema"


def changed(tmp_path, file, old, new, tree=None):
    """A copy of the file's folder (or of `tree`) with one text replaced."""
    source = ROOT / (tree or os.path.dirname(file))
    copy = tmp_path / source.name
    if not copy.exists():
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("node_modules", "secrets", "tls"))
    target = copy / os.path.relpath(ROOT / file, source)
    text = target.read_text()
    assert old in text, f"{file} has no {old!r}"
    target.write_text(text.replace(old, new, 1))
    return copy, target


def run(*argv, **env):
    return subprocess.run(list(map(str, argv)), capture_output=True, text=True, check=False, env={**os.environ, **env})


def finds(done, words):
    assert done.returncode != 0 and re.search(words, done.stdout + done.stderr), done.stdout + done.stderr


def test_shellcheck(tmp_path):
    need("shellcheck")
    _, file = changed(tmp_path, "deploy/scripts/roll", '"$log" 2>&1 && healthy', "$log 2>&1 && healthy")
    finds(run("shellcheck", file), "SC2086")


def test_yamllint(tmp_path):
    need("yamllint")
    _, file = changed(tmp_path, "deploy/prometheus/prometheus.yml", "  scrape_timeout: 10s", "  scrape_interval: 10s")
    finds(run("yamllint", "-s", "-d", "relaxed", file), "duplication of key")


@pytest.mark.parametrize("old, new, words", [
    ("idr: {condition: service_healthy}", "idrr: {condition: service_healthy}", "idrr"),
    ("    restart: unless-stopped\n    image: nginx", "    restrat: unless-stopped\n    image: nginx", "restrat"),
])
def test_compose(tmp_path, old, new, words):
    need("docker-compose")
    copy, file = changed(tmp_path, "deploy/compose/docker-compose.yml", old, new)
    for folder in ("pbs", "idr"):  # build contexts are looked for
        (tmp_path.parent / folder).mkdir(exist_ok=True)
    finds(run("docker-compose", "-f", file, "config"), words)


def test_a_missing_image_is_said(tmp_path):
    """Production names its images; a variable that is not set is no empty name."""
    need("docker-compose")
    done = run("docker-compose", "-f", ROOT / "deploy/compose/docker-compose.yml", "-f", ROOT / "deploy/compose/docker-compose.prod.yml",
               "config", PBS_IMAGE="", IDR_IMAGE="")
    finds(done, "name the image of nexus-(pbs|idr), by digest")


@pytest.mark.parametrize("old, new, words", [
    ("image: redis:7.4.1-bookworm", "image: redis:latest", "latest|image tag"),
    ("stop_signal: SIGQUIT", "stop_signall: SIGQUIT", "stop_signall|additional properties"),
])
def test_dclint(tmp_path, old, new, words):
    dclint = SCHEMA / "node_modules/.bin/dclint"
    if not dclint.exists():
        pytest.skip("not installed: dclint (tests/deploy/get-tools)")
    copy, _ = changed(tmp_path, "deploy/compose/docker-compose.yml", old, new)
    finds(run(dclint, "-c", copy / ".dclintrc.yaml", copy), words)


@pytest.mark.parametrize("file, old, new, words", [
    ("deploy/k8s/base/pbs.yaml", "containerPort: 8000", "containerPrt: 8000", "containerPrt"),
    ("deploy/k8s/base/pbs.yaml", "minReplicas: 2", 'minReplicas: "2"', "minReplicas|string"),
    ("deploy/k8s/base/migrate.yaml", "backoffLimit: 4", "backofLimit: 4", "backofLimit"),
])
def test_manifest_schema(tmp_path, file, old, new, words):
    if not (SCHEMA / "node_modules/.bin/tsc").exists():
        pytest.skip("not installed: tsc (tests/deploy/get-tools)")
    _, target = changed(tmp_path, file, old, new)
    (tmp_path / "ts").mkdir()
    finds(run("node", SCHEMA / "check.js", tmp_path / "ts", target), words)


def test_dashboard_schema(tmp_path):
    if not (SCHEMA / "node_modules/.bin/tsc").exists():
        pytest.skip("not installed: tsc (tests/deploy/get-tools)")
    _, target = changed(tmp_path, "deploy/grafana/dashboards/overview.json", '"gridPos"', '"gridPoz"')
    json.loads(target.read_text())
    (tmp_path / "ts").mkdir()
    finds(run("node", SCHEMA / "check.js", tmp_path / "ts", target), "gridPoz")


def test_promtool_rules(tmp_path):
    need("promtool")
    copy, target = changed(tmp_path, "deploy/prometheus/rules/alerts.yml", "expr: ", "expr: sum(", "deploy/prometheus")
    finds(run("promtool", "check", "config", copy / "prometheus.yml"), "parse error|unclosed|unexpected")


def test_promtool_tests_of_rules(tmp_path):
    """A threshold that is moved makes its test fail."""
    need("promtool")
    copy, _ = changed(tmp_path, "deploy/prometheus/rules/alerts.yml", "14.4 *", "144 *", "deploy/prometheus")
    finds(run("promtool", "test", "rules", copy / "tests/slo_test.yml"), "FAILED")


def test_amtool(tmp_path):
    need("amtool")
    _, target = changed(tmp_path, "deploy/alertmanager/alertmanager.yml", "receiver: pager", "receiver: pagr")
    finds(run("amtool", "check-config", target), "pagr")


def test_nginx(tmp_path):
    need("nginx")
    copy, target = changed(tmp_path, "nginx/nginx.conf", "limit_req_status 429;", "limit_req_statuz 429;")
    shutil.copy("/etc/nginx/mime.types", copy)
    text = target.read_text().replace("/etc/nginx/", f"{copy}/")
    target.write_text(text)
    finds(run("nginx", "-t", "-c", target), "limit_req_statuz")
