#!/usr/bin/env bash
# Makes Docker ready where no image registry can be reached: the daemon, a base image by debootstrap, the image that
# designs run in. Needs Debian 12 and root. What it makes is kept in the cache folder, so a second run takes seconds.
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
        say "ended the daemon that was started here"
    fi
    rm -f "$pid_file"
    exit 0
fi

missing=()
command -v dockerd >/dev/null || missing+=(docker.io)
command -v debootstrap >/dev/null || missing+=(debootstrap)
command -v bwrap >/dev/null || missing+=(bubblewrap)
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

context=envs_docker/design
tag=alma-mcp-design:$(cat $context/Dockerfile $context/requirements.txt | sha256sum | cut -c1-12)
if ! docker image inspect "$tag" >/dev/null 2>&1; then
    wheels=$cache/wheels-${tag##*:}
    if [ ! -d "$wheels" ]; then
        say "fetching the wheels of the design image"
        python3 -m venv "$cache/venv"
        rm -rf "$wheels.new"
        "$cache/venv/bin/pip" download --quiet --disable-pip-version-check --only-binary=:all: --python-version 3.11 \
            --dest "$wheels.new" -r $context/requirements.txt
        mv "$wheels.new" "$wheels"
    fi
    say "building $tag without network"
    build=$(mktemp -d "$cache/build.XXXXXX")
    cp $context/Dockerfile $context/requirements.txt "$build/"
    cp -r "$wheels" "$build/wheels"
    DOCKER_BUILDKIT=0 docker build --quiet --network none --build-arg BASE_IMAGE="$base" --tag "$tag" "$build" \
        >"$cache/build.log" 2>&1 || { tail -15 "$cache/build.log"; exit 1; }
    rm -rf "$build"
fi
say "design image $tag is there"
