#!/usr/bin/env bash
# Run the unit tests with the oldest version of every dependency that setup.py allows.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
venv=.venv-oldest-$version
"$venv/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$venv"

# "twisted[tls]>=24.7" in setup.py becomes the constraint "twisted==24.7".
sed -nE 's/^ {8}"([A-Za-z.]+)(\[[a-z]+\])?>=([0-9.]+)",$/\1==\3/p' setup.py >"$venv/oldest.txt"
"$venv/bin/pip" install --quiet --disable-pip-version-check --config-settings editable_mode=compat \
    --constraint "$venv/oldest.txt" --editable '.[test]'
"$venv/bin/python" -m pytest --ignore tests/integration -p no:cacheprovider
