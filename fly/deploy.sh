#!/usr/bin/env bash
# nexus-idr and nexus-pbs on Fly.io.
#   fly/deploy.sh [--dry-run] [--yes] COMMAND
#     setup                    create both apps
#     secrets                  make an API key and give it to both; again = a new key, the old one stays valid on idr.
#                              DATABASE_URL and REDIS_URL, where they are set, are given to idr; so is ADMIN_USERS, who
#                              may log in to its dashboard, with a new SECRET_KEY, which ends all sessions
#     deploy [pbs|idr]         build remotely and roll out; both: idr first
#     status [pbs|idr]         machines and checks
#     logs pbs|idr             follow the log
#     rollback pbs|idr [LABEL] roll out the image of an earlier deploy; without LABEL: show which there are
#     destroy                  remove both apps, with their data
# Environment: PBS_APP (nexus-pbs), IDR_APP (nexus-idr), FLY_ORG (personal), FLY_REGION (iad), LABEL (commit),
# PBS_MACHINES (2).
set -euo pipefail
cd "$(dirname "$0")/.."

PBS_APP=${PBS_APP:-nexus-pbs}
IDR_APP=${IDR_APP:-nexus-idr}
FLY_ORG=${FLY_ORG:-personal}
FLY_REGION=${FLY_REGION:-iad}
PBS_MACHINES=${PBS_MACHINES:-2}
dry_run=''
yes=''

usage() {
    sed -n '2,14s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

die() {
    echo "deploy.sh: $*" >&2
    exit 1
}

# Says what it does, and does it unless --dry-run.
run() {
    printf '+'
    printf ' %q' "$@"
    printf '\n'
    [ -n "$dry_run" ] || "$@"
}

app_of() {
    case ${1:-} in
        pbs) echo "$PBS_APP" ;;
        idr) echo "$IDR_APP" ;;
        *) die "pbs or idr, not '${1:-}'" ;;
    esac
}

# --- verbs

setup() {
    local app
    for app in "$IDR_APP" "$PBS_APP"; do
        if [ -z "$dry_run" ] && fly status --app "$app" >/dev/null 2>&1; then
            echo "$app exists"
        else
            run fly apps create "$app" --org "$FLY_ORG"
        fi
    done
}

# The keys go through standard input: arguments are seen by everybody on this machine.
import() {
    echo "+ fly secrets import --app $1 --stage  ($2)"
    if [ -n "$dry_run" ]; then cat > /dev/null; else fly secrets import --app "$1" --stage; fi
}

# Staged: they take effect at the next deploy. A second key is given to idr before pbs uses it, and the first stays
# until the next rotation, so no call is refused in between.
secrets() {
    local key session_key='' previous=
    key=$(openssl rand -hex 24)
    [ ! -s fly/.api_key ] || previous=$(cat fly/.api_key)
    [ -z "${ADMIN_USERS:-}" ] || session_key=$(openssl rand -hex 32)
    printf 'API_KEY_DEFAULT=%s\n%s%s%s%s' "$key" "${previous:+API_KEYS=$previous
}" "${DATABASE_URL:+DATABASE_URL=$DATABASE_URL
}" "${REDIS_URL:+REDIS_URL=$REDIS_URL
}" "${session_key:+ADMIN_USERS=$ADMIN_USERS
SECRET_KEY=$session_key
}" | import "$IDR_APP" "API_KEY_DEFAULT${previous:+, API_KEYS with the previous one}${DATABASE_URL:+, DATABASE_URL}${REDIS_URL:+, REDIS_URL}${session_key:+, ADMIN_USERS, SECRET_KEY}"
    printf 'API_KEY_DEFAULT=%s\n%s' "$key" "${previous:+API_KEYS=$previous
}" | import "$PBS_APP" "API_KEY_DEFAULT${previous:+, API_KEYS with the previous one}"
    if [ -z "$dry_run" ]; then
        (umask 077; printf '%s\n' "$key" > fly/.api_key)
        echo "The key is in fly/.api_key: clients send it as X-API-Key. Deploy to make it valid."
    fi
}

deploy_one() {
    local label
    label=${LABEL:-$(git rev-parse --short=12 HEAD)}
    local -a options=(--remote-only --image-label "$label" --build-arg "REVISION=$label" --primary-region "$FLY_REGION")

    if [ "$1" = idr ]; then
        # One machine: the store on its volume has one writer.
        run fly deploy . --config fly/idr.toml --app "$IDR_APP" --ha=false "${options[@]}"
    else
        run fly deploy . --config fly/pbs.toml --app "$PBS_APP" "${options[@]}" \
            --env "IDR_URL=http://$IDR_APP.internal:5050" --env "PBS_EXTERNAL_URL=https://$PBS_APP.fly.dev"
        run fly scale count "$PBS_MACHINES" --app "$PBS_APP" --region "$FLY_REGION" --yes
    fi
}

deploy() {
    if [ -n "${1:-}" ]; then
        app_of "$1" >/dev/null
        deploy_one "$1"
    else
        deploy_one idr
        deploy_one pbs
    fi
}

status() {
    local service app
    for service in ${1:-idr pbs}; do
        app=$(app_of "$service")
        run fly status --app "$app"
        run fly checks list --app "$app"
    done
}

logs() {
    local app
    app=$(app_of "$1")
    run fly logs --app "$app"
}

rollback() {
    local app
    app=$(app_of "${1:-}")
    if [ -z "${2:-}" ]; then
        run fly releases --app "$app" --image
        echo "Name one: $0 rollback $1 LABEL"
        return
    fi
    local -a options=()
    [ "$1" != idr ] || options=(--ha=false)
    [ "$1" != pbs ] || options=(--env "IDR_URL=http://$IDR_APP.internal:5050" --env "PBS_EXTERNAL_URL=https://$PBS_APP.fly.dev")
    run fly deploy --config "fly/$1.toml" --app "$app" --image "registry.fly.io/$app:$2" "${options[@]}"
}

destroy() {
    local app answer
    for app in "$PBS_APP" "$IDR_APP"; do
        if [ -z "$yes$dry_run" ]; then
            read -rp "This removes $app and all its data. Type its name to go on: " answer || answer=
            [ "$answer" = "$app" ] || die "not '$app': nothing more is removed"
        fi
        run fly apps destroy "$app" --yes
    done
}

while [ $# -gt 0 ]; do
    case $1 in
        --dry-run) dry_run=1 ;;
        --yes) yes=1 ;;
        -*) usage ;;
        *) break ;;
    esac
    shift
done
[ -n "$dry_run" ] || command -v fly >/dev/null || die "flyctl is not installed: https://fly.io/docs/flyctl/install/"
case ${1:-} in
    setup | secrets | destroy) "$1" ;;
    deploy | status | logs) "$1" "${2:-}" ;;
    rollback) rollback "${2:-}" "${3:-}" ;;
    *) usage ;;
esac
