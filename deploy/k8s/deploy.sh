#!/usr/bin/env bash
# Rolls out an overlay and waits; what does not become ready in time is undone. The database's schema comes first: if that
# fails, nothing that serves is touched.
#   deploy/k8s/deploy.sh [--dry-run] OVERLAY            staging or production
#   deploy/k8s/deploy.sh [--dry-run] OVERLAY undo       back to the revision before
#   deploy/k8s/deploy.sh OVERLAY key                    make an API key, where none is yet
# Environment: PBS_IMAGE and IDR_IMAGE (name@sha256:... or name:tag), ROLLOUT_TIMEOUT (180s), KUBECTL (kubectl).
set -euo pipefail
cd "$(dirname "$0")"

NAMESPACE=nexus
ROLLOUT_TIMEOUT=${ROLLOUT_TIMEOUT:-180s}
read -ra KUBECTL <<< "${KUBECTL:-kubectl}"
dry_run=''
if [ "${1:-}" = --dry-run ]; then
    dry_run=1
    shift
fi
overlay=overlays/${1:-}

die() {
    echo "deploy.sh: $*" >&2
    exit 1
}

if [ -z "${1:-}" ] || [ ! -d "$overlay" ]; then
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi

run() {
    printf '+'
    printf ' %q' "$@"
    printf '\n'
    [ -n "$dry_run" ] || "$@"
}

make_key() {
    [ ! -s "$overlay/api_key" ] || die "$overlay/api_key exists"
    (umask 077; openssl rand -hex 24 | tr -d '\n' > "$overlay/api_key")
    echo "written $overlay/api_key"
}

# The overlay with the images of the environment, without a change to its files.
rendered() {
    local name value
    local -a edits=()
    for name in pbs idr; do
        value=$(eval "echo \${${name^^}_IMAGE:-}")
        [ -z "$value" ] || edits+=(-e "s#^\\( *-\\{0,1\\} *image: \\)[^ ]*nexus-${name}[:@].*#\\1$value#")
    done
    "${KUBECTL[@]}" kustomize "$overlay" | sed "${edits[@]}" -e ''
}

undo() {
    run "${KUBECTL[@]}" -n "$NAMESPACE" rollout undo "$1"
    run "${KUBECTL[@]}" -n "$NAMESPACE" rollout status "$1" --timeout="$ROLLOUT_TIMEOUT"
}

wait_or_undo() {
    if ! run "${KUBECTL[@]}" -n "$NAMESPACE" rollout status "$1" --timeout="$ROLLOUT_TIMEOUT"; then
        echo "$1 is not ready within $ROLLOUT_TIMEOUT: going back" >&2
        undo "$1"
        exit 1
    fi
}

# apply SELECTOR: the objects of that step
apply() {
    run "${KUBECTL[@]}" apply -f "$manifests" -l "$1"
}

# By the new program, before it serves. A Job cannot be changed, so the last release's goes first.
migrate() {
    if grep -q '^  name: timescaledb$' "$manifests"; then
        run "${KUBECTL[@]}" -n "$NAMESPACE" rollout status statefulset/timescaledb --timeout="$ROLLOUT_TIMEOUT"
    fi
    run "${KUBECTL[@]}" -n "$NAMESPACE" delete job idr-migrate --ignore-not-found
    apply nexus/step=migrate
    if ! run "${KUBECTL[@]}" -n "$NAMESPACE" wait --for=condition=complete job/idr-migrate --timeout="$ROLLOUT_TIMEOUT"; then
        run "${KUBECTL[@]}" -n "$NAMESPACE" logs job/idr-migrate --tail=20 >&2 || true
        die "the schema is not up to date; what serves was not touched"
    fi
}

case ${2:-} in
    key) make_key ;;
    undo)
        undo deployment/pbs
        undo statefulset/idr
        ;;
    '')
        [ -s "$overlay/api_key" ] || die "no $overlay/api_key: run '$0 $1 key' first"
        manifests=$(mktemp)
        trap 'rm -f "$manifests"' EXIT
        rendered > "$manifests"
        apply 'nexus/step notin (migrate,serve)'
        migrate
        apply nexus/step=serve
        wait_or_undo statefulset/idr
        wait_or_undo deployment/pbs
        ;;
    *) die "undo, key or nothing, not '$2'" ;;
esac
