"""What a schema cannot see in manifests: that names lead somewhere, numbers fit and nothing is left open. And deploy.sh
against a kubectl that records."""
import os
import re
import shutil
import subprocess

import pytest
import yaml

from namespace import BIN, ROOT, need

OVERLAYS = ["staging", "production"]
COMPONENTS = sorted(p.name for p in (ROOT / "deploy/k8s/components").iterdir())


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    need("kubectl")
    folder = tmp_path_factory.mktemp("k8s") / "k8s"
    shutil.copytree(ROOT / "deploy/k8s", folder)
    for overlay in OVERLAYS:
        (folder / f"overlays/{overlay}/api_key").write_text("0123456789abcdef")
    (folder / "components/database/password").write_text("x")
    (folder / "components/dashboard/admin_users").write_text("# nobody yet")
    (folder / "components/dashboard/secret_key").write_text("0123456789abcdef0123456789abcdef")
    (folder / "components/managed-database/database_url").write_text("postgresql://nexus:x@db.example.com/nexus?sslmode=verify-full")
    return folder


def render(folder):
    out = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    assert out.returncode == 0, out.stderr
    return [d for d in yaml.safe_load_all(out.stdout) if d]


@pytest.fixture(scope="module", params=OVERLAYS)
def objects(request, tree):
    return render(tree / "overlays" / request.param)


def with_components(tree, name, components):
    """Production with these in it."""
    overlay = tree / f"overlays/{name}"
    shutil.copytree(tree / "overlays/production", overlay)
    k = yaml.safe_load((overlay / "kustomization.yaml").read_text())
    k["components"] = [f"../../components/{c}" for c in components]
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(k))
    return render(overlay)


@pytest.fixture(scope="module")
def everything(tree):
    return with_components(tree, "everything", [c for c in COMPONENTS if c not in ("external-secrets", "managed-database")])


@pytest.fixture(scope="module")
def managed(tree):
    return with_components(tree, "managed", ["managed-database"])


def of(objects, *kinds):
    return [o for o in objects if o["kind"] in kinds]


def named(objects, kind):
    return {o["metadata"]["name"]: o for o in of(objects, kind)}


def workloads(objects):
    for o in of(objects, "Deployment", "StatefulSet", "Job"):
        yield o, o["spec"]["template"]["metadata"]["labels"], o["spec"]["template"]["spec"]


def containers(objects):
    for o, _, pod in workloads(objects):
        for c in pod["containers"] + pod.get("initContainers", []):
            yield o, pod, c


def quantity(text):
    number, unit = re.fullmatch(r"([\d.]+)(m|Mi|Gi)?", str(text)).groups()
    return float(number) * {None: 1, "m": 0.001, "Mi": 2**20, "Gi": 2**30}[unit]


def check_references(objects):
    config, secrets = named(objects, "ConfigMap"), named(objects, "Secret")
    for o, pod, c in containers(objects):
        for source in c.get("envFrom", []):
            assert source["configMapRef"]["name"] in config, o["metadata"]["name"]
        for v in pod.get("volumes", []):
            if "secret" in v:
                secret = secrets[v["secret"]["secretName"]]
                for e in c.get("env", []):
                    for m in c["volumeMounts"]:
                        if m["name"] == v["name"] and e.get("value", "").startswith(m["mountPath"] + "/"):
                            assert e["value"].rsplit("/", 1)[1] in secret["data"]
        known = {v["name"] for v in pod.get("volumes", [])} | {
            v["metadata"]["name"] for v in o["spec"].get("volumeClaimTemplates", [])}
        assert {m["name"] for m in c.get("volumeMounts", [])} <= known


def check_selectors(objects):
    for o, labels, pod in workloads(objects):
        if o["kind"] != "Job":  # the cluster gives it a selector
            assert o["spec"]["selector"]["matchLabels"].items() <= labels.items()
        if o["kind"] == "StatefulSet":
            assert named(objects, "Service")[o["spec"]["serviceName"]]["spec"]["clusterIP"] == "None"
        account = pod.get("serviceAccountName")
        assert account is None or account in named(objects, "ServiceAccount")
    pods = [(labels, {p["name"] for c in pod["containers"] for p in c.get("ports", [])}) for _, labels, pod in workloads(objects)]
    for s in of(objects, "Service"):
        hit = [ports for labels, ports in pods if s["spec"]["selector"].items() <= labels.items()]
        assert len(hit) == 1 and all(p["targetPort"] in hit[0] for p in s["spec"]["ports"]), s["metadata"]["name"]
    for n in of(objects, "NetworkPolicy", "PodDisruptionBudget"):
        selector = n["spec"].get("podSelector", n["spec"].get("selector"))["matchLabels"] if n["spec"].get(
            "podSelector", n["spec"].get("selector")) else {}
        assert any(selector.items() <= labels.items() for labels, _ in pods), n["metadata"]["name"]


def check_containers(objects):
    for o, pod, c in containers(objects):
        where = f"{o['metadata']['name']}/{c['name']}"
        tag = c["image"].rpartition("/")[2].partition(":")[2]
        assert tag and tag != "latest", where
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["seccompProfile"], where
        assert not pod["automountServiceAccountToken"], where
        s = c["securityContext"]
        assert s["readOnlyRootFilesystem"] and not s["allowPrivilegeEscalation"] and s["capabilities"]["drop"] == ["ALL"], where
        assert {"cpu", "memory"} <= c["resources"]["limits"].keys() & c["resources"]["requests"].keys(), where
        if o["kind"] == "Job":  # it ends: nobody asks whether it lives
            assert o["spec"]["activeDeadlineSeconds"] and pod["restartPolicy"] == "Never", where
            continue
        ports = {p["name"] for p in c["ports"]}
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            action = c[probe].get("httpGet") or c[probe].get("tcpSocket")
            assert action is None or action["port"] in ports, where


def check_scaling(objects):
    quota = of(objects, "ResourceQuota")[0]["spec"]["hard"]
    deployments = named(objects, "Deployment")
    most = {}
    for h in of(objects, "HorizontalPodAutoscaler"):
        target = deployments[h["spec"]["scaleTargetRef"]["name"]]
        assert "replicas" not in target["spec"]
        assert h["spec"]["minReplicas"] >= 2, "one node may leave"
        most[target["metadata"]["name"]] = h["spec"]["maxReplicas"] + 1  # the surge pod
    for side in ("requests", "limits"):
        for what in ("cpu", "memory"):
            need_ = sum(quantity(c["resources"][side][what]) * most.get(o["metadata"]["name"], o["spec"].get("replicas", 1))
                        for o, _, c in containers(objects))
            assert need_ <= quantity(quota[f"{side}.{what}"]), f"{side}.{what}: {need_}"
    claims = sum(len(o["spec"].get("volumeClaimTemplates", [])) * o["spec"]["replicas"] for o in of(objects, "StatefulSet"))
    assert claims <= int(quota["persistentvolumeclaims"])


def check_network(objects):
    policies = of(objects, "NetworkPolicy")
    assert any(not p["spec"]["podSelector"] and set(p["spec"]["policyTypes"]) == {"Ingress", "Egress"} and
               "ingress" not in p["spec"] and "egress" not in p["spec"] for p in policies), "default deny"
    assert any(not p["spec"]["podSelector"] and any(port["port"] == 53 for e in p["spec"].get("egress", [])
                                                   for port in e["ports"]) for p in policies), "names for everybody"


CHECKS = [check_references, check_selectors, check_containers, check_scaling, check_network]


@pytest.mark.parametrize("check", CHECKS)
def test_overlay(objects, check):
    check(objects)


@pytest.mark.parametrize("check", CHECKS)
def test_with_every_component(everything, check):
    check(everything)


@pytest.mark.parametrize("check", CHECKS)
def test_with_a_managed_database(managed, check):
    check(managed)


def test_a_managed_database_is_reached_by_the_router_and_its_migration_alone(managed):
    env = {(o["kind"], v["name"]): v["value"] for o, _, c in containers(managed) for v in c["env"]}
    assert env["Job", "DATABASE_URL_FILE"] == env["StatefulSet", "DATABASE_URL_FILE"] == "/run/secrets/database/database_url"
    assert ("Deployment", "DATABASE_URL_FILE") not in env and not [k for k in env if k[1] == "DATABASE_URL"]
    policy = named(managed, "NetworkPolicy")["idr-to-managed-database"]["spec"]
    assert policy["podSelector"]["matchLabels"] == {"nexus/database-client": "true"}
    assert [p["port"] for e in policy["egress"] for p in e["ports"]] == [5432]


def test_ingress_leads_to_pbs_and_hides_the_rest(objects):
    paths = of(objects, "Ingress")[0]["spec"]["rules"][0]["http"]["paths"]
    assert {p["backend"]["service"]["name"] for p in paths} == {"pbs"}
    assert not {p["path"] for p in paths} & {"/", "/metrics", "/health", "/ready", "/version"}


def test_gateway_takes_the_place_of_the_ingress(everything):
    assert not of(everything, "Ingress") and of(everything, "HTTPRoute")


@pytest.mark.parametrize("service", ["pbs", "idr"])
def test_config_is_understood_by_the_binary(objects, service):
    data = next(o["data"] for o in of(objects, "ConfigMap") if o["metadata"]["name"].startswith(f"{service}-config"))
    reference = subprocess.run([BIN / f"nexus-{service}", "--config-reference"], capture_output=True, text=True, check=True).stdout
    assert not [k for k in data if f"`{k}`" not in reference]
    done = subprocess.run([BIN / f"nexus-{service}", "--check-config"], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**data, "API_KEY_DEFAULT": "0123456789abcdef"})
    assert done.returncode == 0, done.stderr


def test_no_secret_is_in_the_tree():
    listed = subprocess.run(["git", "ls-files", "deploy", "fly", "nginx"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git checkout")
    assert not re.search(r"(api_key|password|database_url|admin_users|secret_key|privkey\.pem|/secrets/.*)$", listed.stdout, re.M)


# --- deploy.sh

FAKE = """#!/bin/sh
[ "$1" != kustomize ] || exec "$REAL_KUBECTL" "$@"
printf '%s\\n' "$*" >> "$RECORD"
[ "$1" != apply ] || cp "$3" "$RECORD.applied"
case "$*" in *"rollout status ${FAIL:-nothing}"* | *"wait "*"${FAIL:-nothing}"*) [ -e "$RECORD.failed" ] || { touch "$RECORD.failed"; exit 1; } ;; esac
"""


MIGRATE = ["-n nexus delete job idr-migrate --ignore-not-found", "apply -f FILE -l nexus/step=migrate",
           "-n nexus wait --for=condition=complete job/idr-migrate --timeout=180s"]


@pytest.fixture
def deploy(tree, tmp_path):
    fake = tmp_path / "kubectl"
    fake.write_text(FAKE)
    fake.chmod(0o755)
    record = tmp_path / "record"

    def run(*argv, status=0, **env):
        done = subprocess.run([tree / "deploy.sh", *argv], capture_output=True, text=True, timeout=30, check=False, env={
            **os.environ, "KUBECTL": str(fake), "REAL_KUBECTL": shutil.which("kubectl"), "RECORD": str(record), **env})
        assert done.returncode == status, done.stdout + done.stderr
        calls = record.read_text().splitlines() if record.exists() else []
        return [re.sub(r"/tmp/\S+", "FILE", c) for c in calls]
    run.applied = lambda: (tmp_path / "record.applied").read_text()
    return run


def test_rollout_is_router_first(deploy):
    calls = deploy("production", PBS_IMAGE="r/nexus-pbs@sha256:aa", IDR_IMAGE="r/nexus-idr@sha256:bb")
    assert calls == ["apply -f FILE -l nexus/step notin (migrate,serve)", *MIGRATE, "apply -f FILE -l nexus/step=serve",
                     "-n nexus rollout status statefulset/idr --timeout=180s",
                     "-n nexus rollout status deployment/pbs --timeout=180s"]
    assert re.findall(r"image: (\S+)", deploy.applied()) == ["r/nexus-pbs@sha256:aa"] + ["r/nexus-idr@sha256:bb"] * 2


def test_a_schema_that_cannot_be_migrated_stops_before_anything_serves(deploy):
    calls = deploy("production", status=1, FAIL="job/idr-migrate")
    assert calls == ["apply -f FILE -l nexus/step notin (migrate,serve)", *MIGRATE, "-n nexus logs job/idr-migrate --tail=20"]


def test_steps_take_every_object_once(everything):
    """What kubectl makes of deploy.sh's selectors."""
    step = lambda o: o["metadata"].get("labels", {}).get("nexus/step")
    assert {o["kind"] for o in everything if step(o) == "migrate"} == {"Job"}
    assert {(o["kind"], o["metadata"]["name"]) for o in everything if step(o) == "serve"} == {
        ("Deployment", "pbs"), ("StatefulSet", "idr")}


def test_the_migration_reaches_the_routers_database(everything):
    """The Job has the router's settings and may go where the router may."""
    env = {(o["kind"], v["name"]): v["value"] for o, _, c in containers(everything) for v in c["env"]}
    assert env["Job", "TIMESCALE_HOST"] == env["StatefulSet", "TIMESCALE_HOST"] == "timescaledb"
    labels = {o["metadata"]["name"]: labels for o, labels, _ in workloads(everything)}
    policy = named(everything, "NetworkPolicy")["idr-to-timescaledb"]["spec"]["podSelector"]["matchLabels"]
    assert policy.items() <= labels["idr"].items() and policy.items() <= labels["idr-migrate"].items()
    assert not policy.items() <= labels["pbs"].items()


def test_what_does_not_come_up_is_undone(deploy):
    assert deploy("production", status=1, FAIL="deployment/pbs")[-3:] == [
        "-n nexus rollout status deployment/pbs --timeout=180s", "-n nexus rollout undo deployment/pbs",
        "-n nexus rollout status deployment/pbs --timeout=180s"]


def test_undo(deploy):
    assert [c for c in deploy("staging", "undo") if "undo" in c] == ["-n nexus rollout undo deployment/pbs",
                                                                   "-n nexus rollout undo statefulset/idr"]


def test_dry_run_and_usage(deploy):
    assert deploy("--dry-run", "production") == []
    deploy(status=2)
    deploy("nowhere", status=2)
    deploy("staging", "frob", status=1)
