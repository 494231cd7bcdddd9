# make run: a daemon and an instrumented demo program; make test: everything that CI runs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .venv-bench
# In a checkout Twisted finds the plugin only if the checkout itself is on sys.path ("compat").
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --config-settings editable_mode=compat

.PHONY: run test docs lint unit matrix oldest integration bench-ingest bench-clients bench-store clean

run: .make/run
	$(BIN)/python examples/run.py

test: lint docs unit matrix integration

lint: .make/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/oxlint --config tests/page/oxlint.json --deny-warnings --ignore-pattern "**/vendor/**" zibrato tests

unit: .make/test
	$(BIN)/pytest --ignore tests/integration

integration: .make/test
	tests/packages.sh
	$(BIN)/pytest tests/integration

# The unit tests on every other supported Python that this machine has.
matrix: .make/test
	PYTHON=$(PYTHON) tests/matrix.sh

# The unit tests with the oldest dependencies that setup.py allows; PYTHON says on which Python.
oldest:
	PYTHON=$(PYTHON) tests/oldest.sh

# The site, in build/docs; a broken link, docstring or piece of news fails it.
docs: .make/docs
	$(BIN)/towncrier build --draft --version next >/dev/null
	$(BIN)/sphinx-build -b html -W --keep-going -n -q -d build/doctrees docs build/docs

bench-ingest: .make/bench
	$(BENCH)/bin/python benchmarks/ingest.py

bench-clients: .make/bench
	$(BENCH)/bin/python benchmarks/clients.py
	$(BENCH)/bin/python benchmarks/sender.py

bench-store: .make/bench
	$(BENCH)/bin/python benchmarks/store.py

clean:
	rm -rf $(VENV) .make .venv-* build dist *.egg-info

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

.make/run: setup.py | $(BIN)/python
	$(INSTALL) -e .
	mkdir -p .make && touch $@

.make/test: setup.py | $(BIN)/python
	$(INSTALL) -e '.[test,integration,lint]'
	mkdir -p .make && touch $@ .make/run

.make/docs: setup.py | $(BIN)/python
	$(INSTALL) -e '.[docs]'
	mkdir -p .make && touch $@

# Peers to compare with get an environment of their own: one of them pins an old setuptools.
.make/bench: setup.py benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/pip install --quiet --disable-pip-version-check \
		--config-settings editable_mode=compat -e . -r benchmarks/requirements.txt
	mkdir -p .make && touch $@
