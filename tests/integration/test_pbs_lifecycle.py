"""Start, limits, load and end of the process."""
import json
import os
import subprocess
import threading

import pytest

from cgroup_kit import Cgroup
from pbs_stack import BIN, KEY, FakeRouter, Pbs, banner_request, running, seats, wait_until, SIGTERM


def run_pbs(tmp_path, *args, env=None, yaml=None):
    argv = [str(BIN / "nexus-pbs"), *args]
    if yaml is not None:
        (tmp_path / "bad.yaml").write_text(yaml)
        argv += ["--config", str(tmp_path / "bad.yaml")]
    return subprocess.run(argv, capture_output=True, text=True, timeout=20,
                          env={"PATH": os.environ["PATH"], "PBS_WORKERS": "1", **(env or {})})


def test_no_key_no_start(tmp_path):
    result = run_pbs(tmp_path, env={"PBS_PORT": "1"})
    assert result.returncode == 1 and "API_KEY_DEFAULT" in result.stderr


def test_bad_yaml_names_file_line_and_key(tmp_path):
    result = run_pbs(tmp_path, yaml="host: '::'\nlimits:\n  max_imps: 5000\nworkerz: 1\n", env={"API_KEY_DEFAULT": KEY})
    assert result.returncode == 1
    assert "bad.yaml line 3: limits.max_imps" in result.stderr and "1..1000" in result.stderr
    assert "workerz" in result.stderr and "'workers'" in result.stderr or "workers" in result.stderr.split('workerz')[1]


def test_print_config_masks_secrets(tmp_path):
    result = run_pbs(tmp_path, "--print-config", env={"API_KEY_DEFAULT": KEY})
    assert result.returncode == 0 and KEY not in result.stdout and "idr:" in result.stdout


def test_version_and_health(tmp_path):
    assert "nexus-pbs" in run_pbs(tmp_path, "--version").stdout
    with running(Pbs(tmp_path, {"aster": ""})) as (pbs,):
        assert run_pbs(tmp_path, "--health", env={"PBS_PORT": str(pbs.port), "PBS_HOST": "127.0.0.1"}).returncode == 0
    assert run_pbs(tmp_path, "--health", env={"PBS_PORT": str(pbs.port), "PBS_HOST": "127.0.0.1"}).returncode == 1


def test_rate_limit(tmp_path):
    with running(Pbs(tmp_path, {"aster": ""}, env={"RATE_LIMIT_RPS": "3"})) as (pbs,):
        replies = [pbs.post(banner_request(["aster"])) for _ in range(12)]
        limited = [r for r in replies if r.status == 429]
        assert limited and int(limited[0].headers["Retry-After"]) >= 1
        assert replies[0].status == 200
        assert pbs.get("/status").status == 200  # needs no key and is not limited


def test_load_shedding(tmp_path):
    with running(Pbs(tmp_path, {"slow": "latency_ms=600"}, env={"PBS_MAX_AUCTIONS": "4"})) as (pbs,):
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(pbs.post(banner_request(["slow"])).status)) for _ in range(12)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert statuses.count(200) >= 4 and statuses.count(503) == 12 - statuses.count(200) > 0
        assert pbs.metric("nexus_pbs_auctions_shed_total") == statuses.count(503)


def test_the_ceiling_follows_from_the_memory_and_is_told(tmp_path):
    cgroup = Cgroup("capacity", 300)
    try:
        if cgroup.why:
            pytest.skip(cgroup.why)
        printed = subprocess.run([*cgroup.wrap(), BIN / "nexus-pbs", "--print-config"], capture_output=True, text=True, check=True,
                                 env={"AUTH_ENABLED": "false", "PBS_WORKERS": "2"}).stdout
        assert "max_auctions: 120  # from 300 MiB, the memory of the cgroup, for 2 workers\n" in printed
        assert "max_connections: 600  # from 300 MiB, the memory of the cgroup, for 2 workers\n" in printed
    finally:
        cgroup.remove()


def test_what_somebody_said_is_not_derived(tmp_path):
    with running(Pbs(tmp_path, {"aster": ""}, yaml="limits: { max_connections: 77 }\n", env={"PBS_MAX_AUCTIONS": "5"})) as (pbs,):
        (line,) = [json.loads(text) for text in pbs.process.log().splitlines() if "capacity_per_worker" in text]
        assert (line["auctions"], line["auctions_by"]) == (5, "PBS_MAX_AUCTIONS")
        assert (line["connections"], line["connections_by"]) == (77, f"{pbs.config} line 1")


def test_sigterm_drops_no_accepted_request(tmp_path):
    """Auctions that are open when the signal comes are answered; the process ends with status 0."""
    router = FakeRouter()
    with running(router):
        pbs = Pbs(tmp_path, {"slow": "latency_ms=400"}, router.port)
        try:
            replies = []
            threads = [threading.Thread(target=lambda: replies.append(pbs.post(banner_request(["slow"])))) for _ in range(20)]
            for t in threads:
                t.start()
            wait_until(lambda: pbs.calls().get("slow", 0) == 20, what="all auctions are under way")
            pbs.process.signal(SIGTERM)
            for t in threads:
                t.join()
            assert [r.status for r in replies] == [200] * 20
            assert all(set(seats(r.json())) == {"slow"} for r in replies)
            assert pbs.process.wait() == 0
            assert len(router.events) == 20
        finally:
            pbs.stop()


def test_ready_turns_503_while_draining(tmp_path):
    pbs = Pbs(tmp_path, {"slow": "latency_ms=800"})
    try:
        import http.client
        kept = http.client.HTTPConnection("127.0.0.1", pbs.port)
        kept.request("GET", "/ready")
        reply = kept.getresponse()
        reply.read()
        assert reply.status == 200
        t = threading.Thread(target=lambda: pbs.post(banner_request(["slow"])))
        t.start()
        wait_until(lambda: pbs.calls().get("slow", 0) == 1, what="an auction is under way")
        pbs.process.signal(SIGTERM)
        wait_until(lambda: "draining" in pbs.process.log(), what="draining has begun")
        kept.request("GET", "/ready")
        assert kept.getresponse().status == 503
        t.join()
    finally:
        pbs.stop()


def test_killed_and_started_again(tmp_path):
    with running(Pbs(tmp_path, {"aster": ""})) as (pbs,):
        pbs.process.proc.kill()
        pbs.process.wait()
        pbs.start()
        assert set(seats(pbs.auction())) == {"aster"}


def test_info_endpoints(tmp_path):
    with running(Pbs(tmp_path, {"aster": "", "birch": ""})) as (pbs,):
        assert pbs.get("/info/bidders").json() == ["aster", "birch"]
        assert pbs.get("/info/bidders/ASTER").json()["status"] == "ACTIVE"
        assert pbs.get("/info/bidders/nobody").status == 404
        assert set(pbs.get("/info/bidders/all").json()) == {"aster", "birch"}
        assert pbs.get("/info/bidders?enabledonly=maybe").status == 400
        assert pbs.get("/bidders/params").status == 200
        assert set(pbs.get("/version").json()) == {"revision", "version"}
        assert pbs.get("/health").status == pbs.get("/status").status == 200
