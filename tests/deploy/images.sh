#!/usr/bin/env bash
# Builds the images without a registry: a Debian base from its packages, then the Dockerfiles as they are; and runs them
# without rights. Needs root, mmdebstrap, buildah, podman and runc.
#   images.sh WORKDIR
# WORKDIR keeps the layers, so that a second run takes seconds, and gets `env`, which podman must be called with.
# The status is 75 where this machine cannot, with a line that says why.
set -euo pipefail
cannot() {
    echo "$*"
    exit 75
}
[ "$(id -u)" -eq 0 ] || cannot "not root"
for program in mmdebstrap buildah podman runc nsenter iptables; do
    command -v $program > /dev/null || cannot "$program is not installed"
done
unshare -mn true 2> /dev/null || cannot "the kernel gives no namespaces"
cd "$(dirname "$0")/../.."
work=${1:?a scratch folder}
mkdir -p "$work"
work=$(cd "$work" && pwd)

# Layers one over the other where the file system can, as copies where it cannot.
mkdir -p "$work/probe"/{l,u,w,m}
driver=vfs
if mount -t overlay overlay -o "lowerdir=$work/probe/l,upperdir=$work/probe/u,workdir=$work/probe/w" "$work/probe/m" 2> /dev/null; then
    umount "$work/probe/m"
    driver=overlay
fi
rm -rf "$work/probe"

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
printf '[storage]\ndriver = "%s"\ngraphroot = "%s/cs"\nrunroot = "%s/csrun"\n' "$driver" "$work" "$work" > "$work/storage.conf"
printf 'export CONTAINERS_CONF=%s/containers.conf CONTAINERS_STORAGE_CONF=%s/storage.conf\n' "$work" "$work" > "$work/env"
# shellcheck source=/dev/null
. "$work/env"
buildah=(buildah --root "$work/cs" --runroot "$work/csrun" --storage-driver "$driver")

if ! "${buildah[@]}" inspect --type image debian:bookworm-slim > /dev/null 2>&1; then
    if [ ! -s "$work/base.tar" ]; then
        mmdebstrap --quiet --variant=minbase bookworm "$work/base.part.tar" 2> "$work/base.log" ||
            cannot "no base image: $(tail -n 1 "$work/base.log")"
        mv "$work/base.part.tar" "$work/base.tar"
    fi
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

base=$(podman image inspect -f '{{.Size}}' debian:bookworm-slim)
for service in pbs idr; do
    # What production allows it: nothing but to read its files.
    version=$(podman run --rm --no-healthcheck --network none --read-only --cap-drop all --security-opt no-new-privileges --memory 256m \
        "localhost/nexus-$service:local" "nexus-$service" --version 2> "$work/run.log") || cannot "no container starts: $(tail -n 1 "$work/run.log")"
    who=$(podman run --rm --no-healthcheck --network none --read-only "localhost/nexus-$service:local" sh -c 'id -u; tr "\0" " " < /proc/1/cmdline' | tr '\n' ' ')
    case $who in "10001 /usr/bin/tini -- "*) ;; *) echo "nexus-$service runs as: $who" >&2; exit 1 ;; esac
    own=$(($(podman image inspect -f '{{.Size}}' "localhost/nexus-$service:local") - base))
    echo "$version: $((own / 1000000)) MB over the base of $((base / 1000000)) MB"
done

# Other versions of the same, to roll to; and one that does not start.
mkdir -p "$work/standin"
for service in pbs idr; do
    printf 'FROM localhost/nexus-%s:local\nLABEL version=next\n' $service > "$work/standin/$service"
    build localhost/nexus-$service:next "$work/standin/$service" "$work/standin"
done
printf 'FROM localhost/nexus-pbs:local\nCMD ["false"]\n' > "$work/standin/broken"
build localhost/nexus-pbs:broken "$work/standin/broken" "$work/standin"

# Debian's programs under the names that the compose file uses. Their start is not the official images', what they are
# asked to do is.
# standin NAME PACKAGES LINES...
standin() {
    local name=$1 packages=$2 image
    image=$(sed -n "s#^ *image: \(\(timescale/\)\{0,1\}$name:.*\)#\1#p" deploy/compose/docker-compose.yml)
    shift 2
    printf '%s\n' 'FROM debian:bookworm-slim' \
        "RUN apt-get update && apt-get install -y --no-install-recommends $packages && rm -rf /var/lib/apt/lists/* /var/cache/apt" "$@" > "$work/standin/$name"
    case $image in */*) ;; *) image=library/$image ;; esac
    build "docker.io/$image" "$work/standin/$name" "$work/standin"
}
standin nginx "nginx-light curl" 'STOPSIGNAL SIGQUIT' 'CMD ["nginx", "-g", "daemon off;"]'
standin redis redis-server 'RUN install -d -o 999 -g 999 /data' 'VOLUME /data'
cp tests/deploy/postgres-start "$work/standin/"
standin timescaledb postgresql-15 'COPY postgres-start /usr/local/bin/' 'ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin' \
    'CMD ["postgres-start"]'
