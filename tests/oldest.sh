#!/usr/bin/env bash
# Run the unit tests with the oldest version of every dependency that setup.py allows.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
venv=.venv-oldest-$version
"$venv/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$venv"

# "twisted[tls]>=24.7" in setup.py becomes the constraint "twisted==24.7", and so does what the
# extras name that users install: "otlp": ["opentelemetry-proto>=1.28"].
sed -nE 's/^ {8}("[a-z-]+": \[)?"([A-Za-z.-]+)(\[[a-z]+\])?>=([0-9.]+)(;[^"]+)?"\]?,$/\2==\4/p' setup.py \
    >"$venv/oldest.txt"
# Of numpy there are binaries only from a Python's own time on: the oldest of all are for 3.10.
if [ "$version" != 3.10 ]; then sed -i '/^numpy==/d' "$venv/oldest.txt"; fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --config-settings editable_mode=compat \
    --constraint "$venv/oldest.txt" --editable '.[test]'
"$venv/bin/python" -m pytest --ignore tests/integration -p no:cacheprovider
