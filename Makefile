# make demo    the whole story in the terminal, then both pages       make test    everything that CI runs
# make lint    ruff, mypy, import contracts                           make format  ruff's formatter
# Each sets up its own virtual environment in .venv from a fresh clone; Python 3.11 or newer is all it needs.

# Hundreds of tests start a program: each module is compiled once, also where nothing is to be written beside the sources.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/.stamps/bytecode

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .stamps
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile
COVERAGE := $(BIN)/python -m coverage report
# What must be covered to the last branch, and the tests that see to that: alone, as measuring takes as long as testing.
MEASURED := mock_authz/domain/*,client/authz_client/protocol.py,conformance/authz_conformance/model/*
MEASURING := tests/domain tests/client tests/conformance/model

.PHONY: demo test coverage lint format bench self-check clean

demo: $(STAMPS)/demo
	@$(BIN)/python -m demo.story $(ARGS)

test: $(STAMPS)/dev
	$(PYTEST) --cov --cov-report= $(ARGS) $(MEASURING)
	$(COVERAGE) --include='$(MEASURED)' --fail-under=100
	$(PYTEST) $(ARGS) $(MEASURING:%=--ignore=%)

# How much of everything is covered; takes much longer than the tests alone.
coverage: $(STAMPS)/dev
	$(PYTEST) --cov --cov-report= $(ARGS)
	$(COVERAGE)

lint: $(STAMPS)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(STAMPS)/dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(STAMPS)/dev
	$(BIN)/python -m benchmarks.startup
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.jump
	$(BIN)/python -m benchmarks.sandboxes

# The whole kill matrix of the conformance kit; CI runs a sample of it with the tests.
self-check: $(STAMPS)/dev
	$(BIN)/authz-conformance self-check $(ARGS)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(STAMPS)/demo: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[conformance,dev]'
	@mkdir -p $(STAMPS) && touch $@ $(STAMPS)/demo

clean:
	rm -rf $(VENV) $(STAMPS) dist build tests/interop/node_modules conformance/adapters/*/node_modules
