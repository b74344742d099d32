"""What rules and dashboards name must be what the services say: Prometheus takes any name in silence."""
import gzip
import json
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import pytest
import yaml

from namespace import BIN, ROOT

RULES = sorted((ROOT / "deploy/prometheus/rules").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "deploy/grafana/dashboards").glob("*.json"))
KEY = "metrics-test-key-0123456789"
# Of programs that are not here to ask; as their documentation and their own /metrics list them.
FOREIGN = {"up", "probe_success", "probe_ssl_earliest_cert_expiry", "probe_duration_seconds", "nginx_up",
           "nginx_http_requests_total", "nginx_connections_active", "redis_up", "redis_memory_used_bytes",
           "redis_memory_max_bytes", "redis_evicted_keys_total", "redis_connected_clients", "pg_up",
           "pg_stat_activity_count", "node_filesystem_avail_bytes", "node_filesystem_size_bytes", "node_load1",
           "node_cpu_seconds_total", "node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes", "ALERTS",
           # written by deploy/scripts/backup for node-exporter's text files
           "nexus_backup_last_success_timestamp_seconds"}
WORDS = set("""sum rate increase by without on and or unless ignoring group_left group_right offset absent changes time
    histogram_quantile vector max min avg count topk clamp_min clamp_max label_replace bool le""".split())


def names(expr):
    """The metrics of an expression: what is left when strings, label lists, durations and words are gone."""
    expr = re.sub(r"\$__\w+|\$\w+", "5m", expr)
    expr = re.sub(r'"[^"]*"', '""', expr)
    expr = re.sub(r"\{[^}]*\}", "", expr)
    expr = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", expr)
    expr = re.sub(r"\[[^\]]*\]|\boffset\s+\w+", "", expr)
    return set(re.findall(r"(?<![\w:])[A-Za-z_][\w:]*", expr)) - WORDS


def test_names_are_found_in_expressions():
    assert names('sum by (le) (rate(a_total{x="b(c)"}[5m])) / (n:m:rate5m offset 1d > 0) or vector(0)') == {"a_total", "n:m:rate5m"}


def rules():
    return [(p.name, r) for p in RULES for g in yaml.safe_load(p.read_text())["groups"] for r in g["rules"]]


def panels(dashboard):
    for p in dashboard["panels"]:
        yield p
        yield from p.get("panels", [])


def dashboard_queries():
    for path in DASHBOARDS:
        for p in panels(json.loads(path.read_text())):
            for t in p.get("targets", []):
                if p["datasource"]["type"] == "prometheus":
                    yield f"{path.name}: {p['title']}", t["expr"]


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """{name: type} of both services, after one auction."""
    folder = tmp_path_factory.mktemp("metrics")
    import socket
    with socket.socket() as a, socket.socket() as b, socket.socket() as c:
        for s in (a, b, c):
            s.bind(("127.0.0.1", 0))
        pbs, idr, mock = (s.getsockname()[1] for s in (a, b, c))
    info = folder / "bidder-info"
    info.mkdir()
    (info / "aster.yaml").write_text(f"endpoint: http://127.0.0.1:{mock}/bid/aster\nmaintainer: {{email: a@example.com}}\n"
                                     "capabilities: {site: {mediaTypes: [banner]}}\n")
    common = {"API_KEY_DEFAULT": KEY, "PBS_HOST": "127.0.0.1", "IDR_HOST": "127.0.0.1", "PBS_PORT": str(pbs),
              "IDR_PORT": str(idr), "IDR_URL": f"http://127.0.0.1:{idr}", "IDR_DATA_DIR": str(folder / "data"),
              "PBS_BIDDER_INFO_DIR": str(info), "EVENT_FLUSH_MS": "20"}
    logs = open(folder / "log", "wb")
    procs = [subprocess.Popen(argv, env=common, cwd=ROOT, stdout=logs, stderr=logs) for argv in
             ([BIN / "mockbidder", "--port", str(mock)], [BIN / "nexus-idr"], [BIN / "nexus-pbs"])]
    try:
        for port, path in ((mock, "/stats"), (idr, "/ready"), (pbs, "/ready")):
            deadline = time.monotonic() + 20
            while ask(port, path)[0] != 200:
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.02)
        status, body = ask(pbs, "/openrtb2/auction", json.dumps(
            {"id": "1", "imp": [{"id": "1", "banner": {"format": [{"w": 300, "h": 250}]},
                                 "ext": {"prebid": {"bidder": {"aster": {}}}}}],
             "site": {"page": "https://news.example.com/"}}).encode(), {"X-API-Key": KEY})
        assert status == 200 and json.loads(body)["seatbid"]
        yield {"pbs": ask(pbs, "/metrics")[1], "idr": ask(idr, "/metrics")[1], "proxied": ask(
            pbs, "/metrics", headers={"X-Forwarded-For": "192.0.2.1"})[0]}
    finally:
        for p in procs:
            p.terminate()
            p.wait(20)


def ask(port, path, body=None, headers=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers or {}), timeout=10) as r:
            raw = r.read()
            return r.status, (gzip.decompress(raw) if r.headers["Content-Encoding"] == "gzip" else raw).decode()
    except urllib.error.HTTPError as e:
        return e.code, ""
    except OSError:
        return 0, ""


@pytest.fixture(scope="module")
def types(live):
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", live["pbs"] + live["idr"], re.M))


def resolve(name, types):
    """The type of a metric or of a histogram's part; None when nobody exports it."""
    if name in types:
        return types[name]
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return "counter" if types.get(base) == "histogram" and base != name else None


RECORDED = {r["record"] for _, r in rules() if "record" in r}


def test_every_metric_of_a_rule_is_exported(types):
    missing = [(f, r.get("alert") or r["record"], n) for f, r in rules() for n in names(r["expr"])
               if n not in RECORDED | FOREIGN and not resolve(n, types)]
    assert not missing


def test_every_metric_of_a_dashboard_is_exported(types):
    assert DASHBOARDS
    missing = [(w, n) for w, e in dashboard_queries() for n in names(e) if n not in RECORDED | FOREIGN and not resolve(n, types)]
    assert not missing


def test_rates_are_of_counters(types):
    wrong = [n for e in [r["expr"] for _, r in rules()] + [e for _, e in dashboard_queries()]
             for n in re.findall(r"\b(?:rate|increase)\(([A-Za-z_:]\w*)", e) if n not in FOREIGN and resolve(n, types) != "counter"]
    assert not wrong


def test_label_values_of_rules_are_exported(live):
    text = live["pbs"] + live["idr"]
    for want in ('outcome="wrong"', 'result="timeout"', 'result="disabled"', 'result="invalid_reply"', 'result="breaker_open"', 'fate="dropped"',
                 'route="auction"', 'status="2xx"'):
        assert want in text


def test_promtool_takes_both_expositions(live):
    """Counters are called as Prometheus wants them, but for those that dashboards of Prebid Server know by another name."""
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    prebid = (ROOT / "pbs/metrics_prebid.h").read_text()
    for service in ("pbs", "idr"):
        done = subprocess.run(["promtool", "check", "metrics"], input=live[service], capture_output=True, text=True, check=False)
        for line in (done.stdout + done.stderr).splitlines():
            name, _, finding = line.partition(" ")
            assert finding == 'counter metrics should have "_total" suffix', line
            known = name.removeprefix("nexus_pbs_").removeprefix("modules_nexus_router_")
            known = known.removeprefix("stored_").removesuffix("_errors") if known.endswith("_errors") else known
            assert f'"{known}"' in prebid or f'"{name.removeprefix("nexus_pbs_")}"' in prebid or \
                f'"{known}_errors"' in prebid, line


def test_metrics_are_hidden_from_proxies(live):
    assert live["proxied"] == 404


def test_what_is_scraped_is_a_service_of_the_stack():
    services = {}
    for name in ("docker-compose.yml", "docker-compose.monitoring.yml"):
        services |= yaml.safe_load((ROOT / "deploy/compose" / name).read_text())["services"]
    here = {s.removeprefix("service:") for spec in services.values() for s in [spec.get("network_mode", "")] if s}
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    targets = [t for job in config["scrape_configs"] for static in job["static_configs"] for t in static["targets"]]
    targets += [r["replacement"] for job in config["scrape_configs"] for r in job.get("relabel_configs", []) if "replacement" in r]
    hosts = {re.sub(r"^https?://", "", t).split("/")[0].split(":")[0] for t in targets} - {"localhost"}
    assert {"pbs-1", "pbs-2", "idr", "blackbox-exporter"} <= hosts <= services.keys()
    assert "nginx" in here, "whose exporter listens in its network"
    for host in hosts:
        networks = services[host].get("networks", [])
        assert {"core", "monitoring"} & set(networks), f"{host}: Prometheus is in core and monitoring"


def test_runbooks_exist():
    for file, rule in rules():
        if "alert" not in rule:
            continue
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        text = (ROOT / path).read_text() if (ROOT / path).exists() else ""
        headings = {re.sub(r"[^a-z0-9 -]", "", h.lower()).strip().replace(" ", "-") for h in re.findall(r"^#+ (.+)$", text, re.M)}
        assert anchor in headings, f"{rule['alert']}: {path} has no heading #{anchor}"


@pytest.mark.parametrize("argv", [["check", "config", "--lint=all", "--lint-fatal", "prometheus.yml"],
                                  ["test", "rules", "tests/slo_test.yml"]])
def test_promtool(argv):
    if not shutil.which("promtool"):
        pytest.skip("promtool is not installed")
    done = subprocess.run(["promtool", *argv], cwd=ROOT / "deploy/prometheus", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("labels, receiver", [("severity=critical", "pager"), ("severity=warning", "notes"),
                                              ("severity=info", "nobody")])
def test_alerts_reach(labels, receiver):
    if not shutil.which("amtool"):
        pytest.skip("amtool is not installed")
    file = str(ROOT / "deploy/alertmanager/alertmanager.yml")
    subprocess.run(["amtool", "check-config", file], check=True, capture_output=True)
    done = subprocess.run(["amtool", "config", "routes", "test", f"--config.file={file}", labels], check=True,
                          capture_output=True, text=True)
    assert done.stdout.strip() == receiver
