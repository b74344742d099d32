#!/usr/bin/env bash
# Builds the images without a registry: a Debian base from its packages, then the Dockerfiles as they are. Needs root,
# mmdebstrap, buildah, podman and runc.
#   images.sh WORKDIR
# WORKDIR keeps the layers, so that a second run takes seconds, and gets `env`, which podman must be called with.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${1:?a scratch folder}
mkdir -p "$work"
work=$(cd "$work" && pwd)

cat > "$work/containers.conf" << EOF
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=32768:32768"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
EOF
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s/cs"\nrunroot = "%s/csrun"\n' "$work" "$work" > "$work/storage.conf"
printf 'export CONTAINERS_CONF=%s/containers.conf CONTAINERS_STORAGE_CONF=%s/storage.conf\n' "$work" "$work" > "$work/env"
# shellcheck source=/dev/null
. "$work/env"
buildah=(buildah --root "$work/cs" --runroot "$work/csrun" --storage-driver overlay)

if ! "${buildah[@]}" inspect --type image debian:bookworm-slim > /dev/null 2>&1; then
    [ -s "$work/base.tar" ] || mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar"
    c=$("${buildah[@]}" from scratch)
    "${buildah[@]}" add --quiet "$c" "$work/base.tar" / > /dev/null
    "${buildah[@]}" config --cmd bash "$c"
    "${buildah[@]}" commit --quiet "$c" debian:bookworm-slim > /dev/null
    "${buildah[@]}" rm "$c" > /dev/null
fi

# build TAG DOCKERFILE CONTEXT [OPTIONS]; each is named when it is done
build() {
    local tag=$1 file=$2 context=$3 start=$SECONDS
    shift 3
    "${buildah[@]}" bud --isolation chroot --pull-never --format docker --layers -f "$file" -t "$tag" "$@" "$context" \
        > "$work/build.log" 2>&1 || { tail -30 "$work/build.log" >&2; exit 1; }
    echo "$tag: $(podman image inspect -f '{{.Size}}' "$tag" | awk '{printf "%.0f MB", $1 / 1e6}'), $((SECONDS - start)) s"
}

build localhost/nexus-pbs:local pbs/Dockerfile . --build-arg REVISION=one
build localhost/nexus-idr:local idr/Dockerfile . --build-arg REVISION=one
build localhost/nexus-mockbidder:local deploy/compose/mockbidder.Dockerfile .

# Other versions of the same, to roll to; and one that does not start.
mkdir -p "$work/standin"
for service in pbs idr; do
    printf 'FROM localhost/nexus-%s:local\nLABEL version=next\n' $service > "$work/standin/$service"
    build localhost/nexus-$service:next "$work/standin/$service" "$work/standin"
done
printf 'FROM localhost/nexus-pbs:local\nCMD ["false"]\n' > "$work/standin/broken"
build localhost/nexus-pbs:broken "$work/standin/broken" "$work/standin"
# Debian's nginx under the name that the compose file uses.
printf '%s\n' 'FROM debian:bookworm-slim' \
    'RUN apt-get update && apt-get install -y --no-install-recommends nginx-light curl && rm -rf /var/lib/apt/lists/*' \
    'STOPSIGNAL SIGQUIT' 'CMD ["nginx", "-g", "daemon off;"]' > "$work/standin/nginx"
build "docker.io/library/$(sed -n 's/^ *image: \(nginx:.*\)/\1/p' deploy/compose/docker-compose.yml)" "$work/standin/nginx" "$work/standin"
