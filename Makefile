# Two commands matter on a fresh machine: `make demo` and `make test`. Both need Python 3.11+ with venv, and make.

PYTHON ?= python3
VENV := .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq --no-input --disable-pip-version-check
BENCH ?=
LOCK ?= requirements-dev.txt
PROSE ?=
PYTEST ?=
RELEASE ?=
RUNS ?= 20000
TIMES ?= 20
VERSION ?=
WRITE ?=
SEED ?= 1

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
# Compiled files are kept, whatever the machine says: without them each worker of the suite compiles all tests again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test nightly integrations frameworks web-test fuzz chaos resume golden lint prose lock tables round-trip docs coverage release-check bench bench-check clean
.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

demo: $(VENV)/.installed  ## see the main job done on the embedded mock: no server, no key
	@$(BIN)/python examples/demo.py

test: $(VENV)/.installed-dev  ## run the whole suite, on all cores (PYTEST="-k stream" to choose)
	@$(BIN)/python -m pytest -q --workers auto $(PYTEST)

nightly: $(VENV)/.installed-dev  ## the suite with 20 times the examples, new ones each time, and every case (TIMES=20)
	@TEST_PROFILE=nightly TEST_TIMES=$(TIMES) CHAOS_RUNS=$(RUNS) CHAOS_SEED=$(SEED) STORM_SECONDS=20 \
	  $(BIN)/python -m pytest -q --workers auto --timeout 0 $(PYTEST)

integrations: $(VENV)/.installed-dev  ## clients and tools of other projects in front of the gateway
	@$(BIN)/python -m pytest -q -m integrations --timeout 600 tests/gateway $(PYTEST)
	@$(PYTHON) -m venv .venv-litellm && .venv-litellm/bin/python -m pip install -qq --no-input \
	  --disable-pip-version-check -r tests/gateway/litellm.txt -e '.[server]'
	@.venv-litellm/bin/python -m pytest -q -m integrations --timeout 600 -k litellm tests/gateway/test_other_clients.py tests/gateway/test_clients_that_leave.py

web-test: $(VENV)/.installed-dev  ## the web example in a headless Chromium, with pictures (SHOTS=folder; apt-get install chromium)
	@$(BIN)/python -m tests.examples.in_browser $(if $(SHOTS),--shots $(SHOTS))

# Each list is an environment: frameworks exclude each other's versions. Those of the oldest versions run the tests of the suite.
FRAMEWORKS ?= nat ray deep-agents oldest
APART := --confcutdir tests/integrations --rootdir . -c tests/integrations/apart/pytest.ini

frameworks:  ## the adapters in environments of their own: NAT, Ray, Deep Agents, and the oldest versions that the extras allow
	@for name in $(FRAMEWORKS); do \
	  echo "installing what $$name needs into .venv-$$name ..."; \
	  $(PYTHON) -m venv .venv-$$name && \
	  .venv-$$name/bin/python -m pip install -qq --no-input --disable-pip-version-check \
	    -r tests/integrations/apart/$$name.txt -e '.[server]' || exit 1; \
	  folder=tests/integrations/apart; test $$name != oldest || folder=tests/integrations; \
	  .venv-$$name/bin/python -m pytest -q $(APART) $$folder $(PYTEST) || exit 1; \
	done

# The table on the page of frameworks: each environment has the rows of its own frameworks, and leaves the others.
PATHS ?= $(BIN) $(wildcard .venv-nat/bin .venv-deep-agents/bin)

.PHONY: path-table
path-table: $(if $(filter $(BIN),$(PATHS)),$(VENV)/.installed-dev)  ## measure both tables of docs/integrations in each environment, and compare (WRITE=1 writes them)
	@for folder in $(PATHS); do $$folder/python -W ignore -m tests.integrations.table $(if $(WRITE),--write,--check) || exit 1; done

fuzz: $(VENV)/.installed-dev  ## look for inputs that break the client, for long (PYTEST="-k refusal" to choose)
	@TEST_PROFILE=nightly TEST_TIMES=800 $(BIN)/python -m pytest -q --workers auto --timeout 0 tests/fuzz $(PYTEST)

chaos: $(VENV)/.installed-dev  ## many more runs over a hostile network (RUNS=20000 SEED=1)
	@CHAOS_RUNS=$(RUNS) CHAOS_SEED=$(SEED) $(BIN)/python -m pytest -q --workers auto --timeout 0 tests/chaos $(PYTEST)

resume: $(VENV)/.installed-dev  ## cut answers at every byte and let them go on, on every flavor (a quarter of an hour)
	@RESUME_EVERY_BYTE=1 $(BIN)/python -m pytest -q --workers auto --timeout 0 -rP -p no:logging tests/exchange/test_resuming.py $(PYTEST)

golden: $(VENV)/.installed-dev  ## write the bodies that each provider sends, tests/providers/golden/*.json: review what changed
	@$(BIN)/python -m tests.providers.golden

lint: $(VENV)/.installed-dev  ## style, types with two checkers, prose, and who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.house.prose

prose: $(VENV)/.installed-dev  ## find sentences to rewrite, with hints (PROSE="docs README.md" to choose)
	@$(BIN)/python -m tests.house.prose --fix-hints $(PROSE)

# uv is asked because it writes one list for all versions of Python and all machines; it is used from a folder that goes away.
lock:  ## choose the newest tools of the suite: writes requirements-dev.txt from pyproject.toml
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	$(PYTHON) -m venv "$$folder" && \
	"$$folder/bin/python" -m pip install -qq --no-input --disable-pip-version-check uv && \
	UV_CUSTOM_COMPILE_COMMAND="make lock" "$$folder/bin/uv" pip compile --quiet --upgrade --universal --python-version 3.11 \
	  --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --extra dev pyproject.toml --output-file requirements-dev.txt

tables: $(VENV)/.installed-dev  ## read a release of an engine into the tables of deploy, and show what it changes (VERSION=vllm==0.34.0)
	@test -n "$(VERSION)" || { echo "say which release: make tables VERSION=vllm==0.34.0 (or sglang==, ai-dynamo==, or a wheel file)" >&2; exit 1; }
	@$(BIN)/python .ci/tables $(VERSION)

round-trip: $(VENV)/.installed-dev  ## plan a small server, start it with a real engine, and ask it (ENGINE, ENGINE_PROGRAM, ENGINE_MODEL)
	@$(BIN)/python -m pytest -q -m realserver tests/deploy/test_round_trip.py

coverage: $(VENV)/.installed-dev  ## the suite again, with the share of lines and branches that it runs
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m pytest -q -n auto --cov --cov-report=term $(PYTEST)

release-check: $(VENV)/.installed-dev  ## build the package, install it in an empty environment, follow the README (RELEASE=--suite)
	@$(BIN)/python .ci/release_check.py $(RELEASE)

docs: $(VENV)/.installed-dev  ## build the documentation site into site/, with every warning an error
	@$(BIN)/python -m docs.site
	@$(BIN)/zensical build --clean --strict

# A tiny run makes do with the tools of the suite; figures are taken beside other clients, in an environment of their own.
ifneq (,$(findstring --tiny,$(BENCH)))
BENCH_PYTHON := $(BIN)/python
BENCH_INSTALLED := $(VENV)/.installed-dev
else
BENCH_PYTHON := $(BENCH_VENV)/bin/python
BENCH_INSTALLED := $(BENCH_VENV)/.installed
endif

bench: $(BENCH_INSTALLED)  ## measure beside other clients (BENCH=--write into docs/performance.md, --tiny for a quick look)
	@$(BENCH_PYTHON) benchmarks/run.py $(BENCH)

bench-check: $(BENCH_VENV)/.installed  ## measure, and fail where a ratio is 15 % worse than the recorded one: before a release
	@$(BENCH_VENV)/bin/python benchmarks/run.py --check $(BENCH)

clean:  ## remove the environment and everything that tools leave behind
	rm -rf $(VENV) $(BENCH_VENV) $(addprefix .venv-,$(FRAMEWORKS)) build dist site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is brought up to date when pyproject.toml or the lock changes, and not otherwise. LOCK= takes the newest
# versions instead of the locked ones.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not that: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV) ..."
	@$(PIP) -e .
	@touch $@

$(BENCH_VENV)/.installed: pyproject.toml benchmarks/requirements.txt
	@echo "installing what is measured into $(BENCH_VENV) ..."
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/python -m pip install -qq --no-input --disable-pip-version-check --upgrade pip
	@$(BENCH_VENV)/bin/python -m pip install -qq --no-input -e '.[fast,server]'
	@while read -r peer; do \
	  $(BENCH_VENV)/bin/python -m pip install -qq --no-input "$$peer" || echo "cannot be installed here: $$peer"; \
	done < benchmarks/requirements.txt
	@touch $@

$(VENV)/.installed-dev: pyproject.toml $(LOCK) | $(BIN)/python
	@echo "installing the tools of the suite into $(VENV) ..."
ifeq (,$(LOCK))
	@$(PIP) --upgrade --upgrade-strategy eager -e '.[dev]'
else
	@$(PIP) --require-hashes -r $(LOCK)
	@$(PIP) --no-deps --no-build-isolation -e .
endif
	@touch $(VENV)/.installed $@
