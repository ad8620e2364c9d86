#!/usr/bin/env bash
# Makes a browser ready for the tests of the dashboard: Debian's Chromium, with fonts, where there is none. Needs root.
set -euo pipefail

if ! command -v chromium >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null
fi
printf 'browser.sh: %s\n' "$(chromium --version 2>/dev/null)"
