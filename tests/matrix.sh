#!/usr/bin/env bash
# Run the unit tests on each supported Python that this machine has, besides $PYTHON's own.
set -euo pipefail
cd "$(dirname "$0")/.."

supported="3.10 3.11 3.12 3.13"
version_of='import sys; print("%d.%d" % sys.version_info[:2])'
own=$("${PYTHON:-python3}" -c "$version_of")
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT

# Print the path of a version's interpreter, if there is one that runs: a pyenv shim may not.
find_python() {
    local candidate
    for candidate in "$(type -P "python$1" || true)" \
        "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1".*/bin/python; do
        if [ "$("$candidate" -c "$version_of" 2>/dev/null)" = "$1" ]; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# Make or update the virtual environment of a version.
install() {
    local venv=.venv-$1 python=$2
    "$venv/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$venv" || return
    if [ "$venv/stamp" -nt setup.py ]; then return; fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check \
        --config-settings editable_mode=compat --editable '.[test]' &&
        touch "$venv/stamp"
}

# Run what must work on every version.
check() {
    local python=.venv-$1/bin/python
    "$python" -c 'import zibrato' &&
        "$python" -m pytest --ignore tests/integration -p no:cacheprovider
}

# Installing writes to the checkout, so one at a time; the tests of one run meanwhile.
declare -A running
for version in $supported; do
    if [ "$version" = "$own" ]; then
        continue
    elif ! python=$(find_python "$version"); then
        echo "Python $version: skipped, for there is none"
    elif install "$version" "$python" >"$output/$version" 2>&1; then
        check "$version" >>"$output/$version" 2>&1 &
        running[$version]=$!
    else
        running[$version]=failed
    fi
done

status=0
for version in $supported; do
    pid=${running[$version]:-}
    if [ -z "$pid" ]; then
        continue
    elif [ "$pid" != failed ] && wait "$pid"; then
        echo "Python $version: $(tail -n 1 "$output/$version")"
    else
        echo "Python $version: FAILED"
        cat "$output/$version"
        status=1
    fi
done
exit $status
