"""fly/*.toml against the platform's rules, and fly/deploy.sh against a `fly` that records what it is asked."""
import os
import pathlib
import re
import shutil
import subprocess
import tomllib

import pytest

from fly_keys import faults
from namespace import BIN, ROOT

FAKE = """#!/bin/sh
{ printf '%s\\n' "$@" | tr '\\n' '\\037'; printf '\\n'; } >> "$FLY_RECORD"
case "$1 $2" in
    "secrets import") cat >> "$FLY_RECORD.stdin"; echo "--" >> "$FLY_RECORD.stdin" ;;
    "status --app") [ -e "$FLY_RECORD.exists" ] || exit 1 ;;
esac
case " $* " in *" ${FLY_FAIL:-nothing} "*) exit 1 ;; esac
exit 0
"""


class Fly:
    def __init__(self, folder):
        self.record = folder / "record"
        (folder / "bin").mkdir()
        fake = folder / "bin/fly"
        fake.write_text(FAKE)
        fake.chmod(0o755)
        # A copy, so that the key it writes is not in the checkout.
        self.tree = folder / "tree"
        shutil.copytree(ROOT / "fly", self.tree / "fly", ignore=shutil.ignore_patterns(".api_key"))
        self.env = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "FLY_RECORD": str(self.record),
                    "LABEL": "abc123"}

    def __call__(self, *argv, stdin="", status=0, env=None):
        done = subprocess.run([self.tree / "fly/deploy.sh", *argv], input=stdin, capture_output=True, text=True, timeout=20,
                              env={**self.env, **(env or {})}, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def calls(self):
        if not self.record.exists():
            return []
        return [line.split("\037")[:-1] for line in self.record.read_text().splitlines()]


@pytest.fixture
def fly(tmp_path):
    return Fly(tmp_path)


@pytest.mark.parametrize("name", ["pbs", "idr"])
def test_toml(name):
    text = (ROOT / f"fly/{name}.toml").read_text()
    assert not faults(text)
    t = tomllib.loads(text)
    assert (ROOT / "fly" / t["build"]["dockerfile"]).resolve() == ROOT / name / "Dockerfile"


@pytest.mark.parametrize("text, fault", [
    ('kill_signal="SIGTERM"\nkill_timeout=30\nprimary_regoin="x"', "unknown key primary_regoin"),
    ('kill_signal="SIGTERM"\nkill_timeout=30\n[http_service]\nport=1', "unknown key http_service.port"),
    ('kill_signal="SIGTERM"\nkill_timeout=30\n[env]\nA=1', "env.A is no text"),
    ('kill_signal="SIGTERM"\nkill_timeout=30\n[env]\nAPI_KEY="x"', "env.API_KEY belongs elsewhere"),
    ('kill_signal="SIGTERM"\nkill_timeout=30\n[deploy]\nstrategy="canary"\n[[mounts]]\nsource="a"',
     "canary does not go with mounts"),
    ('kill_timeout=30', "kill_signal: the default is SIGINT"),
])
def test_the_checker_finds(text, fault):
    assert fault in faults(text)


@pytest.mark.parametrize("name", ["pbs", "idr"])
def test_env_is_understood_by_the_binary(name):
    env = tomllib.loads((ROOT / f"fly/{name}.toml").read_text())["env"]
    reference = subprocess.run([BIN / f"nexus-{name}", "--config-reference"], capture_output=True, text=True, check=True).stdout
    assert not [key for key in env if f"`{key}`" not in reference]
    subprocess.run([BIN / f"nexus-{name}", "--check-config"], check=True, cwd=ROOT, capture_output=True,
                   env={**env, "API_KEY_DEFAULT": "0123456789abcdef", "API_KEYS": "abcdef0123456789"})


def test_private_idr_public_pbs():
    idr = tomllib.loads((ROOT / "fly/idr.toml").read_text())
    pbs = tomllib.loads((ROOT / "fly/pbs.toml").read_text())
    assert "http_service" not in idr and "services" not in idr
    assert pbs["http_service"]["force_https"] and pbs["http_service"]["checks"]
    assert pbs["env"]["IDR_URL"] == f"http://{idr['app']}.internal:{idr['env']['IDR_PORT']}"


def test_the_schema_is_migrated_before_idr_is_replaced():
    """By the program of the new image, which ends well where no database is configured."""
    command = tomllib.loads((ROOT / "fly/idr.toml").read_text())["deploy"]["release_command"].split()
    done = subprocess.run([BIN / command[0], *command[1:]], capture_output=True, text=True, cwd=ROOT, check=False,
                          env={"API_KEY_DEFAULT": "0123456789abcdef"})
    assert (done.returncode, done.stdout) == (0, "no database is configured: nothing to migrate\n"), done.stderr


def test_setup_creates_what_is_missing(fly):
    fly("setup")
    assert [c for c in fly.calls() if c[0] == "apps"] == [["apps", "create", "nexus-idr", "--org", "personal"],
                                                         ["apps", "create", "nexus-pbs", "--org", "personal"]]
    pathlib.Path(f"{fly.record}.exists").touch()
    fly.record.unlink()
    assert fly("setup").splitlines() == ["nexus-idr exists", "nexus-pbs exists"]
    assert not [c for c in fly.calls() if c[0] == "apps"]


def test_deploy_is_idr_first(fly):
    fly("deploy")
    calls = fly.calls()
    assert [c[:1] + [c[c.index("--app") + 1]] for c in calls] == [["deploy", "nexus-idr"], ["deploy", "nexus-pbs"],
                                                                 ["scale", "nexus-pbs"]]
    assert "--ha=false" in calls[0] and "--ha=false" not in calls[1]
    assert calls[1][calls[1].index("--image-label") + 1] == "abc123"
    assert "IDR_URL=http://nexus-idr.internal:5050" in calls[1]


def test_pbs_is_left_alone_when_idr_fails(fly):
    fly("deploy", status=1, env={"FLY_FAIL": "nexus-idr"})
    assert len(fly.calls()) == 1


def test_app_names_reach_the_url(fly):
    fly("deploy", "pbs", env={"PBS_APP": "my-pbs", "IDR_APP": "my-idr"})
    assert "IDR_URL=http://my-idr.internal:5050" in fly.calls()[0]
    assert "PBS_EXTERNAL_URL=https://my-pbs.fly.dev" in fly.calls()[0]


def test_secrets_are_never_arguments(fly):
    out = fly("secrets")
    first = (fly.tree / "fly/.api_key").read_text().strip()
    assert re.fullmatch(r"[0-9a-f]{48}", first)
    assert (fly.tree / "fly/.api_key").stat().st_mode & 0o077 == 0
    fly("secrets")
    second = (fly.tree / "fly/.api_key").read_text().strip()
    assert first not in fly.record.read_text() and second not in fly.record.read_text() and first not in out
    assert all("--stage" in c for c in fly.calls())
    inputs = pathlib.Path(f"{fly.record}.stdin").read_text().split("--\n")[:-1]
    assert inputs == [f"API_KEY_DEFAULT={first}\n"] * 2 + [f"API_KEY_DEFAULT={second}\nAPI_KEYS={first}\n"] * 2


def test_the_stores_urls_are_secrets_of_the_router(fly):
    urls = {"DATABASE_URL": "postgresql://nexus:pw@db/nexus", "REDIS_URL": "rediss://:pw@redis:6379"}
    out = fly("secrets", env=urls)
    idr, pbs = pathlib.Path(f"{fly.record}.stdin").read_text().split("--\n")[:-1]
    assert idr.splitlines()[1:] == [f"{k}={v}" for k, v in urls.items()] and "URL" not in pbs
    assert "pw@" not in out + fly.record.read_text()


def test_who_may_log_in_is_a_secret_of_the_router(fly):
    users = "ada:$2b$12$abcdefghijklmnopqrstuu0r1dvQKFXuA7rEmvDrgBdGXY/1p4BxW,bob:$2b$12$abcdefghijklmnopqrstuu0r1dvQKFXuA7rEmvDrgBdGXY/1p4BxW:viewer"
    out = fly("secrets", env={"ADMIN_USERS": users})
    idr, pbs = pathlib.Path(f"{fly.record}.stdin").read_text().split("--\n")[:-1]
    assert idr.splitlines()[1] == f"ADMIN_USERS={users}" and "ADMIN" not in pbs and "SECRET" not in pbs
    assert re.fullmatch(r"SECRET_KEY=[0-9a-f]{64}", idr.splitlines()[2])
    assert "$2b$" not in out + fly.record.read_text() and "SECRET_KEY" in out


def test_rollback(fly):
    fly("rollback", "pbs", "old1")
    fly("rollback", "idr", "old1")
    fly("rollback", "pbs")
    calls = fly.calls()
    assert calls[0][calls[0].index("--image") + 1] == "registry.fly.io/nexus-pbs:old1"
    assert "--ha=false" in calls[1]
    assert calls[2] == ["releases", "--app", "nexus-pbs", "--image"]


def test_destroy_asks(fly):
    fly("destroy", stdin="no\n", status=1)
    assert fly.calls() == []
    fly("destroy", stdin="nexus-pbs\nno\n", status=1)
    assert fly.calls() == [["apps", "destroy", "nexus-pbs", "--yes"]]
    fly("--yes", "destroy")
    assert len(fly.calls()) == 3


@pytest.mark.parametrize("argv", [["setup"], ["secrets"], ["deploy"], ["status"], ["logs", "pbs"], ["rollback", "pbs", "x"],
                                  ["destroy"]])
def test_dry_run_calls_nothing(fly, argv):
    assert "+ fly " in fly("--dry-run", *argv)
    assert fly.calls() == [] and not (fly.tree / "fly/.api_key").exists()


@pytest.mark.parametrize("argv, status", [([], 2), (["frob"], 2), (["--frob"], 2), (["logs"], 1), (["rollback", "x"], 1),
                                          (["deploy", "x"], 1), (["status", "x"], 1)])
def test_bad_usage(fly, argv, status):
    fly(*argv, status=status)
    assert fly.calls() == []


# --- the cost

def cost(*argv, status=0, **prices):
    done = subprocess.run([ROOT / "fly/cost", *argv], capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], **prices})
    assert done.returncode == status, done.stdout + done.stderr
    return {re.split(r"  +|, without", line)[0]: line.rsplit(None, 1)[1] for line in done.stdout.splitlines()}


def test_the_sum_is_that_of_its_lines():
    lines = cost("--rate", "10", "--bidders", "4", MACHINE="3", VOLUME_GB="0.5", EGRESS_GB="0.1", IPV4="4")
    # 10/s for a twelfth of a year of 365.25 days: 26,298,000 auctions of 4 calls and an answer
    egress = 26_298_000 * (4 * 1507 + 814) / 1e9 * 0.1
    assert lines.pop("sum") == f"{2 * 3 + 3 + 3 * 0.5 + egress + 4:.2f}"
    assert sorted(lines.values()) == sorted(["6.00", "3.00", "1.50", f"{egress:.2f}", "4.00"])


def test_several_routers_share_by_redis():
    one, two = cost(MACHINE="1", VOLUME_GB="1", EGRESS_GB="1"), cost("--idr", "2", MACHINE="1", VOLUME_GB="1", EGRESS_GB="1")
    assert "Redis" not in str(one) and two["Redis, by use"] == f"{2 * 10 * 2_629_800 / 1e5 * 0.20:.2f}"


def test_no_price_is_made_up():
    lines = cost()
    assert list(lines.values()) == ["?", "?", "?", "?", "0.00"]


def test_the_cost_is_of_what_is_deployed():
    pbs, idr = (tomllib.loads((ROOT / f"fly/{n}.toml").read_text()) for n in ("pbs", "idr"))
    text = (ROOT / "fly/cost").read_text()
    assert pbs["vm"] == idr["vm"] == [{"size": "shared-cpu-1x", "memory": "256mb"}] and "shared-cpu-1x 256 MB" in text
    assert idr["mounts"][0]["initial_size"] == "3gb" and "volume of 3 GB" in text
    assert pbs["http_service"]["min_machines_running"] == 2 and "pbs=2 idr=1" in text.replace("bidders=5 ", "")


@pytest.mark.parametrize("argv", [["--rate", "many"], ["--rate"], ["--frob", "1"]])
def test_bad_usage_of_cost(argv):
    cost(*argv, status=2)
