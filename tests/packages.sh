#!/usr/bin/env bash
# Install the Debian packages that integration tests use, where this may; else name what is missing.
# With the argument "peers", also those that the tables of faults and figures compare with.
set -euo pipefail

declare -A package=(
    [systemd-analyze]=systemd [setpriv]=util-linux [faketime]=faketime [tinyproxy]=tinyproxy
    [prometheus]=prometheus [promtool]=prometheus [victoria-metrics]=victoria-metrics
)
if [ "${1:-}" = peers ]; then package[collectd]=collectd-core; fi
is_there() { PATH="$PATH:/usr/sbin:/sbin" type -P "$1" >/dev/null; }
install() { apt-get install --quiet=2 --yes --no-install-recommends "$@" >/dev/null; }

missing=()
for program in "${!package[@]}"; do
    is_there "$program" || missing+=("${package[$program]}")
done
# It takes half of the processor's time that all of Chromium takes; not every Debian has it.
browser=chromium-headless-shell
if is_there $browser; then browser=; fi
if [ ${#missing[@]} -eq 0 ] && [ -z "$browser" ]; then exit; fi
if [ "$(id -u)" -eq 0 ] && is_there apt-get; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update --quiet=2 || true
    if [ ${#missing[@]} -gt 0 ]; then install "${missing[@]}"; fi
    if [ -n "$browser" ]; then install $browser || is_there chromium || install chromium; fi
else
    is_there chromium || missing+=(chromium)
    if [ ${#missing[@]} -eq 0 ]; then exit; fi
    echo "not installed: ${missing[*]}; the tests that need them are skipped, by name"
fi
