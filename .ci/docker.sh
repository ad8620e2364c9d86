#!/usr/bin/env bash
# Makes Docker ready where no image registry can be reached: the daemon, a base image by debootstrap, the image that
# designs run in, the images that environments run in. Needs Debian 12 (wheels made here run there) and root. What it
# makes is kept in the cache folder, so a second run takes seconds.
# `.ci/docker.sh stop` ends the daemon that an earlier run started, and no other.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/alma-mcp-ci
base=alma-mcp-base:bookworm
pid_file=$cache/dockerd.pid
mkdir -p "$cache"

say() { printf 'docker.sh: %s (%s s)\n' "$*" "$SECONDS"; }
answers() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

if [ "${1:-}" = stop ]; then
    if [ -f "$pid_file" ] && [ "$(cat "/proc/$(cat "$pid_file")/comm" 2>/dev/null)" = dockerd ]; then
        kill "$(cat "$pid_file")"
        for _ in $(seq 100); do kill -0 "$(cat "$pid_file")" 2>/dev/null || break; sleep 0.1; done
        say "ended the daemon that was started here"
    fi
    rm -f "$pid_file"
    exit 0
fi

missing=()
command -v dockerd >/dev/null || missing+=(docker.io)
command -v debootstrap >/dev/null || missing+=(debootstrap)
command -v bwrap >/dev/null || missing+=(bubblewrap)
for tool in g++ make cmake git; do
    command -v "$tool" >/dev/null || { missing+=(build-essential cmake git python3-dev); break; }
done
if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${missing[@]}" iptables >/dev/null
fi

if ! answers; then
    say "starting dockerd; its log is $cache/dockerd.log"
    setsid dockerd >"$cache/dockerd.log" 2>&1 </dev/null &
    echo $! >"$pid_file"
    for _ in $(seq 120); do
        answers && break
        kill -0 "$(cat "$pid_file")" 2>/dev/null || break
        sleep 0.5
    done
    answers || { tail -5 "$cache/dockerd.log"; say "dockerd does not answer"; exit 1; }
fi
say "Docker $(docker version --format '{{.Server.Version}}') answers"

if ! docker image inspect "$base" >/dev/null 2>&1; then
    if [ ! -f "$cache/base.tar" ]; then
        say "making the base image with debootstrap (two to three minutes the first time)"
        root=$(mktemp -d "$cache/rootfs.XXXXXX")
        debootstrap --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates bookworm "$root" \
            >"$cache/debootstrap.log" 2>&1 || { tail -5 "$cache/debootstrap.log"; exit 1; }
        rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
        tar -C "$root" -cf "$cache/base.tar.new" . && mv "$cache/base.tar.new" "$cache/base.tar"
        rm -rf "$root"
    fi
    docker import "$cache/base.tar" "$base" >/dev/null
fi
say "base image $base is there"

hash_of() { cat "$@" | sha256sum | cut -c1-12; }
is_there() { docker image inspect "$1" >/dev/null 2>&1 && say "image $1 is there"; }

# wheels FOLDER PIP-ARGUMENTS: the wheels of an image, in a folder of the cache, made once.
wheels() {
    local folder=$1
    shift
    [ ! -d "$folder" ] || return 0
    say "making ${folder##*/} (its log is $folder.log)"
    [ -x "$cache/venv/bin/python3.11" ] || python3.11 -m venv --clear "$cache/venv"
    rm -rf "$folder.new"
    mkdir "$folder.new"
    PATH=$cache/venv/bin:$PATH pip --disable-pip-version-check "$@" >"$folder.log" 2>&1 \
        || { tail -15 "$folder.log"; exit 1; }
    mv "$folder.new" "$folder"
}

# image TAG WHEELS FILES: an image of these files, built without network.
image() {
    local tag=$1 folder=$2 context
    shift 2
    say "building $tag without network"
    context=$(mktemp -d "$cache/build.XXXXXX")
    cp "$@" "$context/"
    cp -r "$folder" "$context/wheels"
    DOCKER_BUILDKIT=0 docker build --quiet --network none --build-arg BASE_IMAGE="$base" --tag "$tag" "$context" \
        >"$cache/build.log" 2>&1 || { tail -15 "$cache/build.log"; exit 1; }
    rm -rf "$context"
    is_there "$tag"
}

files=(envs_docker/design/Dockerfile envs_docker/design/requirements.txt)
tag=alma-mcp-design:$(hash_of "${files[@]}")
is_there "$tag" || {
    made=$cache/wheels-${tag##*:}
    wheels "$made" download --only-binary=:all: --python-version 3.11 --dest "$made.new" -r "${files[1]}"
    image "$tag" "$made" "${files[@]}"
}

# The order of the files is part of a tag: see evolve/environments/images.py.
export LC_ALL=C
for folder in envs_docker/*/; do
    [ -f "${folder}env.py" ] || continue
    files=("${folder}Dockerfile" "${folder}requirements.txt" "$folder"*.py envs_docker/lines.py)
    family=$(basename "$folder")
    tag=alma-mcp-env-$family:$(hash_of "${files[@]}")
    is_there "$tag" || {
        made=$cache/wheels-$family-$(hash_of "${files[1]}")
        wheels "$made" wheel --no-deps --wheel-dir "$made.new" -r "${files[1]}"
        image "$tag" "$made" "${files[@]}"
    }
done
