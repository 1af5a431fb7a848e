# Two commands for a fresh clone: `make run` plays the bundled outages, `make test` runs the tests.
# Both set up .venv first (uv where it is installed, else venv and pip) and say what they do.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
WORKERS ?= 4

.PHONY: help run test check setup clean
help:
	@echo "make run     set up .venv and play the bundled outages (ARGS='auth_blackhole_50s --report out')"
	@echo "make test    set up .venv, then formatting, lint, types, layers and all tests"
	@echo "make check   formatting, lint, types and layers only"
	@echo "make clean   remove .venv and caches"

run: $(VENV)/.run
	@$(BIN)/outage run $(ARGS)

test: $(VENV)/.test check
	@echo "== tests"
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: $(VENV)/.test
	@echo "== format, lint, types, layers"
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config pyproject.toml --no-cache | tail -n 4

setup: $(VENV)/.test

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; this is `$(PYTHON) --version`. Say PYTHON=/path/to/python3.12"; exit 1; }
	@if command -v uv >/dev/null; then \
	  echo "== creating $(VENV) with uv"; uv venv --quiet --seed --python $(PYTHON) $(VENV); \
	else \
	  echo "== creating $(VENV) with venv"; $(PYTHON) -m venv $(VENV); \
	fi

$(VENV)/.run: pyproject.toml | $(VENV)/bin/python
	@echo "== installing the harness (half a minute the first time)"
	@if command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python -e .; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check -e .; fi
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	@echo "== installing the harness and its test tools (a minute the first time)"
	@if command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python -e '.[test]'; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'; fi
	@touch $@ $(VENV)/.run

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
