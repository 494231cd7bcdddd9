#!/usr/bin/env bash
# Install the Debian packages that integration tests use, where this may; else name what is missing.
set -euo pipefail

declare -A package=(
    [chromium]=chromium [systemd-analyze]=systemd [setpriv]=util-linux [faketime]=faketime
    [tinyproxy]=tinyproxy [prometheus]=prometheus [victoria-metrics]=victoria-metrics
)
missing=()
for program in "${!package[@]}"; do
    if ! PATH="$PATH:/usr/sbin:/sbin" type -P "$program" >/dev/null; then
        missing+=("${package[$program]}")
    fi
done
if [ ${#missing[@]} -eq 0 ]; then exit; fi
if [ "$(id -u)" -eq 0 ] && type -P apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # Some of them are servers, which Debian starts at once unless this says no.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    apt-get update --quiet=2
    apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" >/dev/null
else
    echo "not installed: ${missing[*]}; the tests that need them are skipped, by name"
fi
