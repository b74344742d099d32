#!/usr/bin/env bash
# Brings the compose stack with its stores up for real, in a network namespace of its own, with podman in the place of
# Docker: auctions over TLS, history in the database, its pieces killed one by one, a roll to another version and back under a
# request loop, a version that does not start, and down again. Needs the images of images.sh (nginx is Debian's, with its
# older upstreams file). Prints the times; the status is 0 only if no request of the loops failed.
#   compose_run.sh WORKDIR
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(cd "${1:?the folder of images.sh}" && pwd)
# Its own storage: containers that others run are not seen here.
# shellcheck source=/dev/null
. "$work/env"
ns=nexus-$$
export DOCKER_HOST=unix://$work/podman.sock COMPOSE_PROJECT_NAME=nexus COMPOSE_HTTP_TIMEOUT=120
export REVISION=one IDR_IMAGE=localhost/nexus-idr:local PBS_IMAGE=localhost/nexus-pbs:local
export COMPOSE_PROFILES=stores TIMESCALE_HOST=timescaledb
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
# took WHAT SINCE [TARGET]: a target that was missed is said; how busy the machine is, is not this script's to judge
took() {
    awk -v what="$1" -v since="$2" -v target="${3:-0}" -v now="$(now)" 'BEGIN {
        s = now - since
        printf "%s: %.2f s%s\n", what, s, target ? sprintf(" (target: %d s%s)", target, s > target ? ", MISSED" : "") : ""
    }'
}

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
# Both nodes: each looks the bidder's name up for itself, which takes its time in a namespace without a network, where a lost
# query is repeated after five seconds.
well() {
    local fine
    for _ in $(seq 40); do
        fine=yes
        for _ in 1 2 3 4; do smoke > "$work/smoke.log" 2>&1 || fine=''; done
        [ -z "$fine" ] || break
        sleep 0.5
    done
    smoke
}
start=$(now)
well
took "site well, by both nodes" "$start"
start=$(now)
smoke > /dev/null
took "the site's health checked" "$start" 30

# ask SQL: of the router's history
ask() {
    inside docker-compose exec -T timescaledb sh -c \
        "PGPASSWORD=\$(cat /run/secrets/db_password) psql -X -At -h 127.0.0.1 -U nexus -d nexus -c '$1'"
}
start=$(now)
for _ in $(seq 60); do [ "$(ask 'SELECT count(*) FROM auction_events' 2> /dev/null)" -gt 0 ] 2> /dev/null && break; sleep 0.5; done
[ "$(ask 'SELECT count(*) FROM auction_events')" -gt 0 ] || { echo "no history in the database" >&2; exit 1; }
took "the first auctions are history in the database" "$start"

# Auctions, one after the other, until told to stop; what is not 200 is kept. HTTP/1.1, because an nginx worker that a reload
# ends tells a client of HTTP/2 to come again (GOAWAY), even one that has just connected: browsers do, curl does not.
loop() {
    rm -f "$work/stop" "$work/failed"
    : > "$work/count"
    while [ ! -e "$work/stop" ]; do
        code=$(inside curl -sk --http1.1 --max-time 5 -o /dev/null -w '%{http_code} %{time_total} %{errormsg}' -H "X-API-Key: $(cat "$root/deploy/compose/secrets/api_key")" \
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
    inside docker-compose logs --no-color nginx > "$work/nginx.log" 2>&1
    [ ! -s "$work/failed" ] || {
        head "$work/failed" >&2
        grep '"status":50' "$work/nginx.log" | head >&2
        exit 1
    }
}

# What fails is put back by hand here; with Docker, `restart: unless-stopped` does it.
for piece in pbs-1 idr timescaledb redis; do
    loop & looping=$!
    echo "killing $piece at $(date +%T.%N)" >> "$work/up.log"
    inside podman kill "$(inside docker-compose ps -q "$piece")" > /dev/null
    sleep 2
    inside docker-compose up -d --no-deps "$piece" >> "$work/up.log" 2>&1
    inside docker-compose exec -T nginx nginx -s reload > /dev/null 2>&1
    sleep 1
    verdict "a killed $piece"
done

well > /dev/null
inside python3 -B "$root/tests/deploy/runbooks.py"

# roll_to VERSION WHAT TARGET
roll_to() {
    loop & looping=$!
    start=$(now)
    PBS_IMAGE=localhost/nexus-pbs:$1 IDR_IMAGE=localhost/nexus-idr:$1 inside "$root/deploy/scripts/roll"
    took "$2" "$start" "$3"
    verdict "$2"
}
roll_to next "rolled to the next version" 600
roll_to local "rolled back by hand" 120

loop & looping=$!
start=$(now)
if PBS_IMAGE=localhost/nexus-pbs:broken ROLL_TIMEOUT=8 inside "$root/deploy/scripts/roll" pbs-1 2> "$work/roll.log"; then
    echo "a broken version was taken for a good one" >&2
    exit 1
fi
grep 'is back on' "$work/roll.log" || { cat "$work/roll.log" >&2; exit 1; }
took "a broken version noticed and put back" "$start" 120
verdict "the broken version"
well
