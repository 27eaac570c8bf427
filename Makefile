# Heliograph: two commands do everything on a bare machine: `make up` and `make test`.
# Needs Python 3.11 or newer with venv, git, make and a shell. `make help` lists the targets.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
unexport PYTHONDONTWRITEBYTECODE

VENV    := .venv
BIN     := $(VENV)/bin
STAMPS  := $(VENV)/.heliograph
PACKAGES := engine routing store actors interfaces serve
SEEDS   ?= 2000
ROUNDS  ?= 10

.PHONY: help up down test check fix bench bench-gateway simulate fault docs lock clean

help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(STAMPS)/app ## Install, start Heliograph, and run the welcome pipeline on this checkout
	@$(BIN)/helio up
	@$(BIN)/helio pipeline run welcome --input path="$(CURDIR)" --watch

down: ## Stop Heliograph and leave no process
	@if [ -x $(BIN)/helio ]; then $(BIN)/helio down; else echo "Heliograph is not installed here."; fi

test: $(STAMPS)/dev ## Install what the tests need and run all of them
	@.ci/debian-packages
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest

check: $(STAMPS)/dev ## Format, lint, types, floors: seconds, no tests
	@$(BIN)/ruff format --check -q . && echo "format   ok"
	@$(BIN)/ruff check -q . && echo "lint     ok"
	@$(BIN)/mypy --no-error-summary && echo "types    ok"
	@$(BIN)/lint-imports >$(STAMPS)/floors.log || { cat $(STAMPS)/floors.log; exit 1; }
	@echo "floors   ok"

fix: $(STAMPS)/dev ## Format, and repair what the linter can
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check --fix .

bench: $(STAMPS)/dev ## Measure, and write benchmarks/RESULTS.md
	@$(BIN)/python -P -m benchmarks

bench-gateway: $(STAMPS)/dev ## Measure the gateway beside others, and write its part of the results
	@$(BIN)/python -P -m benchmarks.gateway

simulate: $(STAMPS)/dev ## Run the simulation: make simulate SEEDS=100000
	@$(BIN)/python -P -m tests.simulation --seeds $(SEEDS)

fault: $(STAMPS)/dev ## Kill every kind of process under load: make fault ROUNDS=100
	@HELIOGRAPH_FAULT_ROUNDS=$(ROUNDS) $(BIN)/pytest -s tests/fault/test_nothing_is_lost.py

docs: $(STAMPS)/app ## Draw the generated pages of docs/ again
	@$(BIN)/python docs/draw.py

lock: $(STAMPS)/dev ## Resolve the hash-pinned locks again
	@.ci/lock

clean: ## Remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- the environment: a stamp a step, so that the second run is instant --------------------------

$(STAMPS)/venv:
	@.ci/venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/app: $(STAMPS)/venv requirements.lock pyproject.toml
	@echo "Installing what requirements.lock names (minutes on a slow line) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q $(PACKAGES)
	@touch $@

$(STAMPS)/dev: $(STAMPS)/app requirements-dev.lock
	@echo "Installing what requirements-dev.lock names ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
