#!/usr/bin/env bash
# Brings the compose stack up for real, in a network namespace of its own, with podman in the place of Docker: auctions
# over TLS, a killed node, a roll to another version under a request loop, a version that does not start, and down again.
# Needs the images in podman's storage under the names that the files use (nginx may be Debian's, with its older upstreams
# file). Prints the times; the status is 0 only if no request of the loops failed.
#   compose_run.sh WORKDIR
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:?a scratch folder}
# Its own storage: containers that others run are not seen here.
# shellcheck source=/dev/null
. "$work/env"
ns=nexus-$$
export DOCKER_HOST=unix://$work/podman.sock COMPOSE_PROJECT_NAME=nexus COMPOSE_HTTP_TIMEOUT=120
export REVISION=one IDR_IMAGE=localhost/nexus-idr:local PBS_IMAGE=localhost/nexus-pbs:local
export COMPOSE="docker-compose" COMPOSE_FILE=$root/deploy/compose/docker-compose.yml:$root/deploy/compose/docker-compose.override.yml:$work/test.yml
pids=()

# Every call that touches the containers' network is made inside.
inside() { nsenter --net="/run/netns/$ns" "$@"; }

finish() {
    inside docker-compose down -v -t 5 > "$work/down.log" 2>&1 || true
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2> /dev/null || true
    wait 2> /dev/null || true
    ip netns delete "$ns" 2> /dev/null || true
}

now() { date +%s.%N; }
took() { echo "$1: $(echo "$(now) - $2" | bc | sed 's/^\./0./;s/\(\.[0-9][0-9]\).*/\1/') s"; }

# What an interrupted run left behind would be taken for part of this one.
podman rm -f -a -t 1 > /dev/null 2>&1 || true
ip netns add "$ns"
trap finish EXIT
ip netns exec "$ns" ip link set lo up
cat > "$work/test.yml" << EOF
services:
  pbs-1: {image: "\${PBS_IMAGE}"}
  pbs-2: {image: "\${PBS_IMAGE}"}
  idr: {image: "\${IDR_IMAGE}"}
  mockbidder: {image: localhost/nexus-mockbidder:local}
  nginx:
    volumes: ["$root/nginx/upstreams.conf:/etc/nginx/upstreams.conf:ro"]
EOF
"$root/deploy/scripts/make-secrets" > /dev/null
nsenter --net="/run/netns/$ns" podman system service --time=0 "$DOCKER_HOST" > "$work/podman.log" 2>&1 &
pids+=($!)
# What systemd would do: run the images' health checks. Bounded.
(for _ in $(seq 300); do
    for c in $(podman ps -q); do inside podman healthcheck run "$c" > /dev/null 2>&1 || true; done
    sleep 1
done) &
pids+=($!)
for _ in $(seq 50); do [ -S "$work/podman.sock" ] && break; sleep 0.1; done

start=$(now)
inside docker-compose up -d > "$work/up.log" 2>&1 || { tail -20 "$work/up.log" >&2; exit 1; }
took "up, all healthy" "$start"

export CURL_OPTIONS=--insecure
smoke() { inside "$root/deploy/scripts/smoke" https://127.0.0.1:8443 "$root/deploy/compose/secrets/api_key" cedar; }
start=$(now)
for _ in $(seq 40); do smoke > "$work/smoke.log" 2>&1 && break; sleep 0.5; done
smoke
took "site well" "$start"

# Auctions, one after the other, until told to stop; what is not 200 is kept.
loop() {
    rm -f "$work/stop" "$work/failed"
    : > "$work/count"
    while [ ! -e "$work/stop" ]; do
        code=$(inside curl -sk --max-time 5 -o /dev/null -w '%{http_code} %{time_total} %{errormsg}' -H "X-API-Key: $(cat "$root/deploy/compose/secrets/api_key")" \
            -d '{"id":"r","imp":[{"id":"1","banner":{"format":[{"w":300,"h":250}]},"ext":{"prebid":{"bidder":{"aster":{},"birch":{}}}}}],"site":{"page":"https://e.example.com/"}}' \
            https://127.0.0.1:8443/openrtb2/auction) || true
        echo "$code" >> "$work/count"
        [ "${code%% *}" = 200 ] || echo "$(date +%T.%N) $code" >> "$work/failed"
        sleep 0.02
    done
}
verdict() {
    touch "$work/stop"
    wait "$looping"
    echo "$1: $(wc -l < "$work/count") requests, $([ -e "$work/failed" ] && wc -l < "$work/failed" || echo 0) failed"
    [ ! -s "$work/failed" ] || { head "$work/failed" >&2; exit 1; }
}

loop & looping=$!
echo "killing pbs-1 at $(date +%T.%N)" >> "$work/up.log"
inside podman kill "$(inside docker-compose ps -q pbs-1)" > /dev/null
sleep 2
inside docker-compose up -d --no-deps pbs-1 >> "$work/up.log" 2>&1
inside docker-compose exec -T nginx nginx -s reload > /dev/null 2>&1
sleep 1
verdict "a killed node"

loop & looping=$!
start=$(now)
PBS_IMAGE=localhost/nexus-pbs:next IDR_IMAGE=localhost/nexus-idr:next inside "$root/deploy/scripts/roll"
took "rolled to the next version" "$start"
verdict "the roll"

loop & looping=$!
start=$(now)
export PBS_IMAGE=localhost/nexus-pbs:next IDR_IMAGE=localhost/nexus-idr:next
if PBS_IMAGE=localhost/nexus-pbs:broken ROLL_TIMEOUT=8 inside "$root/deploy/scripts/roll" pbs-1 2> "$work/roll.log"; then
    echo "a broken version was taken for a good one" >&2
    exit 1
fi
grep 'is back on' "$work/roll.log" || { cat "$work/roll.log" >&2; exit 1; }
took "a broken version noticed and put back" "$start"
verdict "the broken version"
smoke
