# Every target does its own set-up. Start with `make demo`; `make` alone lists what else there is.

VENV := .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
BESIDE := -n 2 --dist worksteal
SOURCES := src tests scripts
INSTALLED := $(VENV)/.installed
WARM := $(VENV)/.warm
SEED ?= $(shell date +%s)
KERNELS := $(shell grep -rlE '@(kernel|inner)' src --include='*.py' 2>/dev/null)

# A machine's own pip constraints know nothing of our lock; the lock pins and hashes everything by itself.
PIP := PIP_CONSTRAINT=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip -qq

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check format lint types arch deep bench lock clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(WARM) ## create .venv, install everything, warm the compile cache

demo: $(INSTALLED) ## a simulated night, fused and shown at http://127.0.0.1:8080
	$(BIN)/dronewall demo $(ARGS)

test: $(WARM) ## every test but the deep ones; what CI runs
	@sh scripts/browser.sh
	$(PYTEST) $(BESIDE) -m 'not deep' --hypothesis-profile=test $(ARGS)

check: $(INSTALLED) ## format, lint, types, arch and the fast tests: before each commit
	$(BIN)/ruff format --check $(SOURCES)
	@$(MAKE) --no-print-directory lint types arch
	$(PYTEST) $(BESIDE) -m 'not slow and not deep' $(ARGS)

format: $(INSTALLED) ## write the code in the house's format
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lint: $(INSTALLED) ## ruff, with the banned calls
	$(BIN)/ruff check $(SOURCES)

types: $(INSTALLED) ## mypy, strict
	$(BIN)/mypy

arch: $(INSTALLED) ## who may import whom
	$(BIN)/lint-imports --no-logo

deep: $(INSTALLED) ## every law with very many cases, kills, power cuts and a soak: hours; prints its seed
	@echo "seed $(SEED): repeat with make deep SEED=$(SEED)"
	$(PYTEST) tests/property --hypothesis-profile=deep --hypothesis-seed=$(SEED) $(ARGS)
	$(PYTEST) -s -m deep tests/deep $(ARGS)

bench: $(INSTALLED) ## every benchmark, one line per figure
	$(BIN)/dronewall bench all $(ARGS)

lock: $(INSTALLED) ## write requirements.lock anew from pyproject.toml
	test -d build/lock || $(BIN)/python -m venv build/lock
	build/lock/bin/python -m pip install 'pip-tools>=7.5'
	PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= PIP_CONSTRAINT= CUSTOM_COMPILE_COMMAND='make lock' \
	  build/lock/bin/pip-compile --quiet --all-extras --generate-hashes --strip-extras --allow-unsafe \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file requirements.lock pyproject.toml

clean: ## remove .venv and everything that was built
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@sh scripts/venv.sh $(VENV)

$(INSTALLED): requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(WARM): $(INSTALLED) $(KERNELS)
	$(BIN)/python scripts/warm.py
	@touch $@
