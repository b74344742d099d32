"""Checks a fly.toml against the keys and rules that flyctl documents: a misspelt key is otherwise ignored in silence."""
import re
import tomllib

SCALAR = None
CHECK = dict.fromkeys(["interval", "timeout", "grace_period", "method", "path", "protocol", "tls_skip_verify",
                       "tls_server_name"], SCALAR) | {"headers": "any"}
CONCURRENCY = dict.fromkeys(["type", "hard_limit", "soft_limit"], SCALAR)
TLS = dict.fromkeys(["alpn", "versions", "default_self_signed"], SCALAR)
HTTP_OPTIONS = dict.fromkeys(["compress", "idle_timeout", "h2_backend"], SCALAR) | {"response": "any", "replay_cache": "any"}
KEYS = dict.fromkeys(["app", "primary_region", "kill_signal", "kill_timeout", "swap_size_mb", "console_command",
                      "host_dedication_id"], SCALAR) | {
    "build": dict.fromkeys(["builder", "args", "buildpacks", "image", "settings", "builtin", "dockerfile", "ignorefile",
                            "build-target", "compression", "compression_level"], SCALAR),
    "deploy": dict.fromkeys(["strategy", "max_unavailable", "wait_timeout", "release_command", "release_command_timeout",
                             "release_command_vm", "seed_command"], SCALAR),
    "env": "any", "processes": "any", "experimental": "any",
    "mounts": dict.fromkeys(["source", "destination", "initial_size", "snapshot_retention", "scheduled_snapshots",
                             "auto_extend_size_threshold", "auto_extend_size_increment", "auto_extend_size_limit",
                             "processes"], SCALAR),
    "http_service": dict.fromkeys(["internal_port", "force_https", "auto_stop_machines", "auto_start_machines",
                                   "min_machines_running", "processes"], SCALAR) | {
        "concurrency": CONCURRENCY, "tls_options": TLS, "http_options": HTTP_OPTIONS, "checks": CHECK,
        "machine_checks": "any"},
    "checks": {"*": CHECK | dict.fromkeys(["type", "port", "processes"], SCALAR)},
    "files": dict.fromkeys(["guest_path", "local_path", "secret_name", "raw_value", "processes"], SCALAR),
    "restart": dict.fromkeys(["policy", "retries", "processes"], SCALAR),
    "vm": dict.fromkeys(["size", "memory", "cpu_kind", "cpus", "memory_mb", "processes"], SCALAR),
    "metrics": dict.fromkeys(["port", "path", "https", "processes"], SCALAR),
}
SECRET = re.compile(r"KEY|SECRET|PASSWORD|TOKEN|DATABASE_URL|REDIS_URL")


def unknown_keys(table, known, where=""):
    for key, value in table.items():
        path = f"{where}{key}"
        below = known.get(key, known.get("*", "missing"))
        if below == "missing":
            yield f"unknown key {path}"
        elif isinstance(below, dict):
            for item in value if isinstance(value, list) else [value]:
                yield from unknown_keys(item, below, path + ".") if isinstance(item, dict) else [f"{path} is no table"]


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(s|m|ms)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def rules(t):
    strategy = t.get("deploy", {}).get("strategy", "rolling")
    service = t.get("http_service", {})
    checks = service.get("checks", [])
    if strategy not in ("canary", "rolling", "immediate", "bluegreen"):
        yield f"deploy.strategy {strategy}"
    if strategy in ("canary", "bluegreen") and t.get("mounts"):
        yield f"{strategy} does not go with mounts"
    if strategy == "bluegreen" and not checks:
        yield "bluegreen needs a check"
    if service and (service.get("auto_stop_machines", "off") != "off") != service.get("auto_start_machines", False):
        yield "auto-stop and auto-start are both on or both off"
    for c in checks:
        for name in ("interval", "timeout"):
            if not 1 <= seconds(c[name]) <= 60:
                yield f"http_service.checks.{name} is clamped to 1 s .. 1 min"
    for name, c in t.get("checks", {}).items():
        if seconds(c["interval"]) < 2 or seconds(c["timeout"]) > 60:
            yield f"checks.{name}: interval >= 2 s, timeout <= 60 s"
    for name, value in t.get("env", {}).items():
        if not isinstance(value, str):
            yield f"env.{name} is no text"
        if name.startswith("FLY_") or (SECRET.search(name) and not name.endswith("_ENABLED")):
            yield f"env.{name} belongs elsewhere"
    if t.get("kill_signal") != "SIGTERM":
        yield "kill_signal: the default is SIGINT"
    if t.get("kill_timeout", 5) < 20:
        yield "kill_timeout is shorter than a drain"


def faults(text):
    t = tomllib.loads(text)
    return [*unknown_keys(t, KEYS), *rules(t)]
