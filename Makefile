# Two commands for a fresh clone: `make run` plays the bundled outages, `make test` runs the tests.
# Both set up .venv first (uv where it is installed, else venv and pip) and say what they do.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
STRUCTURES ?= 1000
PYTEST := $(BIN)/python -m pytest --dist loadgroup
# Thirty worlds at once, and again whatever others disturb: alone they take a minute, beside others five.
ALONE := tests/engines/test_same_verdicts.py tests/engines/test_sim_parity.py
# Each worker collects by itself: it is told where to look, as whatever is marked stands in these. What
# takes longest in one piece stands first.
KEEP_TIME := tests/engines tests/compose tests/end_to_end tests/contract
TIMED = $(addprefix --ignore=,$(ALONE)) $(firstword $(KEEP_TIME)) \
  $(shell grep -rlw real_time tests --include='test_*.py' | grep -Ev '$(subst $(eval ) ,|,^($(KEEP_TIME)))/') \
  $(wordlist 2,9,$(KEEP_TIME))
CROWDING = $(shell grep -rlw crowding tests --include='test_*.py')
# Simulations and arithmetic have time: they take what those that keep time leave of the processors. So
# do units, which come last as some of them start processes.
PATIENT = $(filter-out tests/__pycache__ tests/unit $(KEEP_TIME),$(patsubst %/,%,$(wildcard tests/*/))) tests/unit
OTHERS := not real_time and not crowding
# Linux's idle class makes room at once for whatever wakes up, but in its own session: sessions are weighed
# against each other as wholes (autogroup), so this one is made the lightest. Elsewhere the lowest priority
# must do. A test may have to wait long for its turn: its timeout there is for what would never end.
MAKING_ROOM := $(shell chrt --idle 0 setsid true 2>/dev/null && \
  echo "setsid sh -c 'echo 19 2>/dev/null >/proc/self/autogroup; exec chrt --idle 0 \"\$$@\"' -" || echo nice -n 19)
INSTALL := $(shell command -v uv >/dev/null && echo uv pip install --quiet --python $(BIN)/python \
  || echo $(BIN)/python -m pip install --quiet --disable-pip-version-check)

# An editable install compiles nothing, nor does uv, and where PYTHONDONTWRITEBYTECODE is set nothing ever
# would: each command would compile the harness anew, half a second of its start, each process of thirty
# worlds its libraries, and each worker all tests, five seconds of it.
export PYTHONDONTWRITEBYTECODE :=
COMPILE := $(BIN)/python -m compileall -q harness gateway stub_services neighbours && \
  $(BIN)/python -c 'import gateway.app, harness.cli, hypothesis, waitress'
# A test that can't be read is told of when it is to be played.
COMPILE_TESTS := $(BIN)/python -m pytest --collect-only -qq -p no:cacheprovider >/dev/null 2>&1 || true

.PHONY: help run test check kills package fuzz fuzz-guided sound soak bench setup upgrade clean
help:
	@echo "make run     set up .venv and play the bundled outages, simulated, then in real time"
	@echo "             (ARGS='auth_blackhole_50s --report out' plays just that)"
	@echo "make test    set up .venv, then formatting, lint, types, layers and all tests (ARGS=tests/unit)"
	@echo "make check   formatting, lint, types and layers only"
	@echo "make kills   kill the harness 200 times and look for what it left (ARGS='50 --seed 3')"
	@echo "make fuzz    try 100,000 hostile inputs (ARGS='5000 --seed 3 --door answers'), and $(STRUCTURES) documents"
	@echo "make sound   play 200 drawn outages on the sound reference, and look for a word against it"
	@echo "             (ARGS='--seed 7 --plays 1000 --jobs 2')"
	@echo "make bench   speed beside peers, in one run, into docs/performance.md"
	@echo "             (ARGS='--rounds 1 --only commands proxy' shows just these)"
	@echo "make package build a wheel, install it into an empty folder, and play from there (ARGS='pip uv')"
	@echo "make fuzz-guided  as many, led by the code that they reach (atheris)"
	@echo "make soak    run, explore and judge for an hour, and see whether anything grows (ARGS=10m)"
	@echo "make upgrade newest versions of all libraries, into constraints.txt"
	@echo "make clean   remove .venv and caches"

# A verdict of everything within a minute, then the same in real time. With ARGS only what they ask for.
run: $(VENV)/.run
ifeq ($(ARGS),)
	@echo "== in the simulation: the same code on a virtual clock, half a minute"
	@$(BIN)/outage run --engine sim; simulated=$$?; \
	echo "== in real time: real sockets and processes, about four minutes (Ctrl-C ends it)"; \
	$(BIN)/outage run --retries 2; played=$$?; \
	[ $$simulated -eq 0 ] && exit $$played; exit $$simulated
else
	@$(BIN)/outage run --retries 2 $(ARGS)
endif

# The comparison of engines has the machine to itself: with others beside it its thirty worlds were late, and
# played again. Tests that don't keep time begin then, beside all that follows: those that do mostly wait, and
# others make room for them at once, as they would make a real answer come too late. They have three workers: a
# simulation keeps to one processor, and of two both would often wait for the same one. Those that crowd the
# machine (killed explorations, a cluster) come when nothing keeps time any more; they wait, too, for what
# must be gone. A test that failed is played once more, alone, as the product does with scenarios (--retries):
# a busy machine is no defect, and what failed beside others is shown. They are named one by one: where tests
# have groups of xdist's, --last-failed forgets some without a word.
FAILED = $(BIN)/python -c 'import json, re, sys; cache = sys.argv[1]; names = json.load(open(cache + "/v/cache/lastfailed")); \
  open(cache + "/again", "w").write("\n".join(re.sub(r"@\w+$$", "", name) for name in names))'
# Of the stage whose cache and whose status have this name.
once_more = [ $$$(1) -ne 1 ] || { $(FAILED) $(VENV)/$(1) && echo "== what failed beside others, once more and alone" && \
  $(PYTEST) -n 1 @$(VENV)/$(1)/again; $(1)=$$?; }
# What is right of the source itself; in words of the shell's, as `make test` has it beside tests.
CHECK = echo "== format, lint, types, layers"; \
  $(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet . && { \
  $(BIN)/mypy & types=$$!; \
  said=$$($(BIN)/lint-imports pyproject.toml --no-cache); layers=$$?; \
  wait $$types; types=$$?; \
  if [ $$layers -eq 0 ]; then echo "$$said" | tail -n 4; else echo "$$said"; fi; \
  [ $$types -eq 0 ] && [ $$layers -eq 0 ]; }
ifeq ($(ARGS),)
test: $(VENV)/.test
	@trap 'kill $$background 2>/dev/null; exit 130' INT TERM; \
	{ $(CHECK); } || exit 1; \
	echo "== the same outages on all engines"; \
	$(PYTEST) -n 1 -m real_time -o cache_dir=$(VENV)/alone $(ALONE); alone=$$?; \
	$(MAKING_ROOM) $(PYTEST) -n 3 -m '$(OTHERS)' -o cache_dir=$(VENV)/patient -o timeout=1800 $(PATIENT) >$(VENV)/patient.log 2>&1 & \
	background=$$!; \
	echo "== tests that keep real time (beside them, as beside all that follows, what doesn't: its output comes last)"; \
	$(PYTEST) -n 6 -m real_time -o cache_dir=$(VENV)/kept $(TIMED); kept=$$?; \
	echo "== tests that crowd the machine"; \
	$(PYTEST) -n 3 -m crowding -o cache_dir=$(VENV)/crowding $(CROWDING); crowding=$$?; \
	wait $$background; patient=$$?; \
	echo "== tests that don't keep time: simulations, arithmetic and units"; cat $(VENV)/patient.log; \
	$(call once_more,alone); $(call once_more,kept); $(call once_more,crowding); $(call once_more,patient); \
	[ $$alone -eq 0 ] && [ $$kept -eq 0 ] && [ $$crowding -eq 0 ] && [ $$patient -eq 0 ]
else
test: $(VENV)/.test check
	@echo "== tests"
	@$(PYTEST) -n 4 $(ARGS)
endif

check: $(VENV)/.test
	@$(CHECK)

kills: $(VENV)/.test
	@$(BIN)/python tests/end_to_end/kills.py $(or $(ARGS),200)

fuzz: $(VENV)/.test
	@$(BIN)/python tests/fuzz/fuzz.py $(or $(ARGS),100000)
	@OUTAGE_FUZZ=$(STRUCTURES) $(BIN)/python -m pytest -q --timeout 3600 tests/fuzz/test_structures.py

# Peers have an environment of their own: their libraries must not decide about ours.
# Without ARGS what was measured goes into docs/performance.md, plots and all.
bench: $(VENV)/.test $(VENV)/peers/.made
ifeq ($(ARGS),)
	@$(BIN)/python benchmarks/bench.py --peers $(VENV)/peers/bin --markdown $(VENV)/bench.md \
	  --json $(VENV)/bench.json; missed=$$?; \
	$(BIN)/python benchmarks/growth.py --json $(VENV)/growth.json; bent=$$?; \
	$(VENV)/peers/bin/python benchmarks/growth.py --plot $(VENV)/growth.json --to docs/performance && \
	$(BIN)/python benchmarks/page.py --rows $(VENV)/bench.md --curves $(VENV)/growth.json && \
	echo "== docs/performance.md has these figures and plots now" && \
	[ $$missed -eq 0 ] && [ $$bent -eq 0 ]
else
	@$(BIN)/python benchmarks/bench.py --peers $(VENV)/peers/bin $(ARGS)
endif

$(VENV)/peers/.made: benchmarks/peers.txt
	@echo "== installing the peers that speed is measured beside"
	@$(PYTHON) -m venv $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/peers.txt
	@touch $@

package: $(VENV)/.run
	@for tool in $(or $(ARGS),pip); do $(BIN)/python tests/end_to_end/package.py $$tool || exit 1; done

fuzz-guided: $(VENV)/.fuzz
	@$(BIN)/python -m tests.fuzz.guided $(or $(ARGS),100000)

sound: $(VENV)/.test
	@$(BIN)/python -m tests.soundness.sound $(ARGS)

soak: $(VENV)/.test
	@$(BIN)/python tests/end_to_end/soak.py $(or $(ARGS),1h)

setup: $(VENV)/.test

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed; this is `$(PYTHON) --version`. Say PYTHON=/path/to/python3.12"; exit 1; }
	@if command -v uv >/dev/null; then \
	  echo "== creating $(VENV) with uv"; uv venv --quiet --seed --python $(PYTHON) $(VENV); \
	else \
	  echo "== creating $(VENV) with venv"; $(PYTHON) -m venv $(VENV); \
	fi

$(VENV)/.run: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "== installing the harness (half a minute the first time)"
	@$(INSTALL) -c constraints.txt -e .
	@$(COMPILE)
	@touch $@

$(VENV)/.test: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "== installing the harness and its test tools (a minute the first time)"
	@$(INSTALL) -c constraints.txt -e '.[test]'
	@$(COMPILE)
	@$(COMPILE_TESTS)
	@touch $@ $(VENV)/.run

$(VENV)/.fuzz: $(VENV)/.test
	@$(INSTALL) -e '.[fuzz]' -c constraints.txt
	@touch $@

# The newest versions that pyproject.toml allows; the comment at the top of the file stays.
upgrade: | $(VENV)/bin/python
	@$(INSTALL) --upgrade -e '.[test]'
	@{ sed -n '/^#/p' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable; } >$(VENV)/new
	@mv $(VENV)/new constraints.txt

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
