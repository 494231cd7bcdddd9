# make run: a daemon and an instrumented demo program; make test: everything that CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
# In a checkout Twisted finds the plugin only if the checkout itself is on sys.path ("compat").
PYTEST := $(BIN)/pytest --numprocesses 6 --dist loadfile --no-loadscope-reorder
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --no-compile \
	--config-settings editable_mode=compat
INSTALL_UV := install --quiet --disable-pip-version-check --no-compile uv
ENSURE_PIP := $(BIN)/python -m ensurepip --default-pip >/dev/null
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --config-setting editable_mode=compat
EXTRAS := '.[test,integration,lint,docs]'

# Without it each process that a test starts would compile all of Twisted again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test docs lint unit tests coverage soak hostile chaos fuzz matrix oldest integration bench-ingest bench-lines bench-clients bench-store bench-outbox bench-fleet bench-soak clean

run: $(VENV)/.run
	$(BIN)/python examples/run.py

test:
	$(MAKE) --jobs=3 --output-sync=target lint docs tests

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/oxlint --config tests/page/oxlint.json --deny-warnings --ignore-pattern "**/vendor/**" zibrato tests

unit: $(VENV)/.compiled
	$(PYTEST) --ignore tests/integration

integration: $(VENV)/.compiled .make/packages
	$(PYTEST) tests/integration

# Real processes on a busy machine can miss a deadline: what failed is tried once more, one by one.
# Both results are printed, and a test that passes only then still is one to mend.
tests: $(VENV)/.compiled .make/packages
	$(PYTEST) || { [ $$? -eq 1 ] && $(BIN)/pytest --last-failed --last-failed-no-failures none; }

# The same, held to the share of lines and branches that pyproject.toml names.
coverage: $(VENV)/.test .make/packages
	$(PYTEST) --cov --cov-report=

# What repeats itself, and all examples that hypothesis tries, in whole length: some minutes of kills, restarts and reconnections.
soak: $(VENV)/.test .make/packages
	ZIBRATO_SOAK=1 $(PYTEST) -m "soak or hypothesis" -o faulthandler_timeout=1800

# All that the tests know to attack it with, and a table of what held.
hostile: $(VENV)/.test .make/packages
	$(BIN)/python -m tests.hostile

# Kills, cuts, full disks, clocks that are set: what was made, and what became of it; peers as well.
chaos: $(VENV)/.test .make/peers
	$(BIN)/python -m tests.chaos

# Every parser on what hypothesis thinks of, for a minute; what it finds is kept in tests/corpus.
fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz

# The unit tests on every other supported Python that this machine has.
matrix: $(VENV)/.test
	PYTHON=$(PYTHON) tests/matrix.sh

# The unit tests with the oldest dependencies that setup.py allows; PYTHON says on which Python.
oldest:
	PYTHON=$(PYTHON) tests/oldest.sh

# The site, in build/docs; a broken link, docstring or piece of news fails it.
docs: $(VENV)/.test
	$(BIN)/towncrier build --draft --version next >/dev/null
	$(BIN)/sphinx-build -b html -W --keep-going -n -q -d build/doctrees docs build/docs

bench-ingest: $(BENCH)/.made
	$(BENCH)/bin/python benchmarks/ingest.py

bench-lines: $(BENCH)/.made .make/peers
	$(BENCH)/bin/python benchmarks/lines.py

bench-clients: $(BENCH)/.made
	$(BENCH)/bin/python benchmarks/clients.py
	$(BENCH)/bin/python benchmarks/sender.py
	$(BENCH)/bin/python benchmarks/integrations.py

bench-store: $(BENCH)/.made
	$(BENCH)/bin/python benchmarks/store.py

bench-outbox: $(BENCH)/.made
	$(BENCH)/bin/python -m benchmarks.outbox

bench-fleet: $(BENCH)/.made
	$(BENCH)/bin/python -m benchmarks.fleet

# Ten minutes of twice what it can take; MINUTES says for how many else.
bench-soak: $(BENCH)/.made
	$(BENCH)/bin/python -m benchmarks.soak --minutes $(or $(MINUTES),10) --picture docs/explanation/soak.svg

clean:
	rm -rf $(VENV) .make .venv-* build dist *.egg-info

# What is installed is noted in the environment itself, so that both go together.
# A pip of its own takes four seconds: the other Python's does as well for uv, which does the rest.
$(BIN)/python:
	$(PYTHON) -m venv --without-pip $(VENV)

$(BIN)/pip: | $(BIN)/python
	$(ENSURE_PIP)

# Where it can't be had it is not there, and pip does all.
$(BIN)/uv: | $(BIN)/python
	$(PYTHON) -m pip --python $(BIN)/python $(INSTALL_UV) || \
		{ $(ENSURE_PIP) && $(BIN)/pip $(INSTALL_UV); } || true

$(VENV)/.run: setup.py | $(BIN)/pip
	$(INSTALL) -e .
	touch $@

# uv takes a third of pip's time; what only pip knows, as where a mirror is, pip does.
$(VENV)/.test: setup.py | $(BIN)/uv
	$(UV) -e $(EXTRAS) || { $(ENSURE_PIP) && $(INSTALL) -e $(EXTRAS); }
	touch $@ $(VENV)/.run

# Workers that start at once would each compile all tests and what they import.
$(VENV)/.compiled: $(VENV)/.test
	$(BIN)/pytest --collect-only -qqq >/dev/null
	touch $@

.make/packages: tests/packages.sh
	tests/packages.sh
	mkdir -p .make && touch $@

# Peers that the tables compare with.
.make/peers: tests/packages.sh
	tests/packages.sh peers
	mkdir -p .make && touch $@ .make/packages

# Peers to compare with get an environment of their own: one of them pins an old setuptools.
$(BENCH)/.made: setup.py benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check \
		--config-settings editable_mode=compat -e . -r benchmarks/requirements.txt
	touch $@
