#!/usr/bin/env python3
"""The commands of docs/runbooks and docs/deployment.md, and where each of them is run: against the live compose stack by this
program (called by compose_run.sh), by another test, or nowhere, for a reason that is said.
   runbooks.py              runs the first kind; the stack is up, and COMPOSE_FILE and the rest name it
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILES = [*sorted((ROOT / "docs/runbooks").glob("*.md")), ROOT / "docs/deployment.md", ROOT / "docs/hardening.md"]
PROGRAM = re.compile(r"(?:\w+=\S* )*\(?(docker |kubectl |curl |promtool |amtool |deploy/scripts/|deploy/k8s/deploy.sh|fly/(deploy.sh|cost)|"
                     r"nexus-\w+ -|make |ss |stat |git |cd deploy)")

# Run here, in the order in which they are written.
LIVE = re.compile(r"^docker compose (exec|run|ps|logs|start|stop|--profile stores ps|up -d pbs)|^docker (inspect|system df)|"
                  r"^(CURL_OPTIONS=\S+ )?deploy/scripts/smoke|^curl |^deploy/scripts/(backup|restore) idr|^(ss|stat|git) ")
# (pattern, what runs it and the words in that file by which one sees it; or why nothing does)
ELSEWHERE = [
    (r"nexus-idr hash-password", "../integration/test_idr_login.py", "hash-password"),
    (r"docker compose restart idr$", None, "is a kill and a start, which compose_run.sh does"),
    (r"fly/deploy\.sh", "test_fly.py", "fly/deploy.sh"),
    (r"fly/cost", "test_fly.py", "fly/cost"),
    (r"deploy/k8s/deploy\.sh", "test_k8s.py", "deploy.sh"),
    (r"^kubectl ", None, "needs a cluster"),
    (r"renew-certificate$", "test_acme.py", "deploy/scripts/renew-certificate"),
    (r"^(PBS_IMAGE=\S+ IDR_IMAGE=\S+ )?deploy/scripts/roll$", "compose_run.sh", "deploy/scripts/roll"),
    (r"(backup|restore) postgres", "test_backup.py", 'script("restore", "postgres"'),
    (r"(backup|restore) redis", "test_backup.py", 'script("restore", "redis"'),
    (r"deploy/scripts/backup idr …$", "test_backup.py", 'script("backup", "idr"'),
    (r"make-secrets", "compose_run.sh", "deploy/scripts/make-secrets"),
    (r"promtool test rules", "test_metrics.py", '"test", "rules"'),
    (r"amtool alert add", "test_runbooks.py", '"amtool" in c'),
    (r"^docker build", "images.sh", "/Dockerfile"),
    (r"up -d --build\)?$", "compose_run.sh", "docker-compose up -d"),
    (r"prod\.yml up -d$", "test_linters.py", "docker-compose.prod.yml"),
    (r"^cd deploy/compose$", None, "is part of the line below it"),
    (r"^docker image prune$", None, "would throw away what the next run needs"),
    (r"^nexus-pbs --(check-config|config-reference)$|^nexus-idr --config-reference$", "test_k8s.py", "--config-reference"),
    (r"^make (deploy-check|small-machine)", None, "is what runs this"),
]

def commands():
    """[(file, command)], as they stand in the text: indented lines, and what is between backquotes."""
    found = []
    for path in FILES:
        text = path.read_text()
        pattern = r"^    (\S.*)$|(?<!`)`([^`]+)`(?!`)"
        for m in re.finditer(pattern, text, re.M):
            command = re.sub(r"\s+", " ", m[1] or m[2]).replace("\\|", "|").strip()
            if PROGRAM.match(command):
                found.append((path.name, command))
    return found


def elsewhere(command):
    return next((row for row in ELSEWHERE if re.search(row[0], command)), None)


# `docker` and `curl` as this stack has them: an older compose, podman, and a certificate that nobody signed.
SHIMS = {
    "docker": """#!/bin/bash
case $1 in
    compose)
        shift
        args=()
        while [ $# -gt 0 ]; do
            case $1 in
                --since) shift ;;
                exec | run) args+=("$1" -T) ;;
                -T) ;;
                *) args+=("$1") ;;
            esac
            shift
        done
        exec docker-compose "${args[@]}"
        ;;
    *) exec podman "$@" ;;
esac
""",
    "curl": "#!/bin/sh\nexec /usr/bin/curl --insecure \"$@\"\n",
}
NOTHING_FOUND = re.compile(r"\| grep ")  # prints nothing where all is well: status 1


def concrete(command, folder):
    volume = f"{os.environ['COMPOSE_PROJECT_NAME']}_idr-data"
    for name, value in {"YOUR-HOST": "127.0.0.1:8443", "KEY_FILE": "deploy/compose/secrets/api_key", "CONTAINER": "$(docker-compose ps -q pbs-1)",
                        "compose_idr-data": volume, "localhost:8443": "127.0.0.1:8443", "/tmp/try": f"{folder}/try",
                        "DATA_DIR": f'"$(docker volume inspect -f "{{{{.Mountpoint}}}}" {volume})"',
                        "backups/idr-….db.gz": "$(ls -t $BACKUP_DIR/idr-*.db.gz | head -1)", "FILE": "$(ls -t $BACKUP_DIR/idr-*.db.gz | head -1)"}.items():
        command = command.replace(name, value)
    return command


def run(command, env):
    """Whether the site is well is asked again for a while: a command before may have made a node anew, which then looks the
    bidders' names up."""
    for _ in range(30 if "deploy/scripts/smoke" in command else 1):
        done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 0:
            break
    return done


def run_live():
    failed = 0
    live = [(f, c) for f, c in commands() if LIVE.search(c) and not elsewhere(c)]
    # What needs a backup comes after the one that makes it.
    live.sort(key=lambda fc: (fc[0] != "store.md", 0))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in SHIMS.items():
            path = pathlib.Path(folder) / name
            path.write_text(text)
            path.chmod(0o755)
        env = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "BACKUP_DIR": f"{folder}/backups", "CURL_OPTIONS": "--insecure"}
        for file, command in live:
            ready = concrete(command, folder)
            done = run(ready, env)
            if done.returncode != 0 and not (NOTHING_FOUND.search(command) and done.returncode == 1 and not done.stdout):
                failed += 1
                print(f"{file}: {command}\n  {ready}\n  status {done.returncode}: {done.stdout[-500:]}{done.stderr[-500:]}", file=sys.stderr)
    print(f"{len(live)} commands of the runbooks run, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(run_live())
