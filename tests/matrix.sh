#!/usr/bin/env bash
# Run the unit tests on each supported Python that this machine has, besides $PYTHON's own.
set -euo pipefail
cd "$(dirname "$0")/.."

supported="3.10 3.11 3.12 3.13"
version_of='import sys; print("%d.%d" % sys.version_info[:2])'
own=$("${PYTHON:-python3}" -c "$version_of")

# Print the path of the interpreter of a version; a pyenv shim on PATH may stand for none.
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

install() {
    local venv=$1 python=$2
    "$venv/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$venv" || return
    if [ "$venv/stamp" -nt setup.py ]; then return; fi
    "$venv/bin/pip" install --quiet --disable-pip-version-check \
        --config-settings editable_mode=compat -e '.[test]' || return
    touch "$venv/stamp"
}

check() {
    local venv=.venv-$1
    install "$venv" "$2" &&
        "$venv/bin/python" -c 'import zibrato' &&
        "$venv/bin/python" -m pytest --ignore tests/integration -q -p no:cacheprovider
}

status=0
for version in $supported; do
    if [ "$version" = "$own" ]; then
        continue
    elif ! python=$(find_python "$version"); then
        echo "Python $version: skipped, for it was not found"
    elif output=$(check "$version" "$python" 2>&1); then
        echo "Python $version: $(tail -n 1 <<<"$output")"
    else
        echo "Python $version: FAILED"
        echo "$output"
        status=1
    fi
done
exit $status
