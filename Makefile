# The commands of the project; `make help` lists them. They need Python 3.11 or newer, pip and make, nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin

export HOST PORT
export OMP_NUM_THREADS ?= 1

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A stamp holds what was installed; it is remade only when what to install has changed, so that a second start is quick.
$(VENV)/serve.stamp: pyproject.toml constraints.txt
	@$(PYTHON) tools/prepare.py $(VENV) serve

$(VENV)/train.stamp: pyproject.toml constraints.txt
	@$(PYTHON) tools/prepare.py $(VENV) train

$(VENV)/dev.stamp: pyproject.toml constraints.txt
	@$(PYTHON) tools/prepare.py $(VENV) dev

run: $(VENV)/serve.stamp ## start the API and the inbox on HOST:PORT with the demo shop
	@TRIAGE_DATA="$${TRIAGE_DATA:-./var}" TRIAGE_DEMO="$${DEMO:-1}" exec $(BIN)/python -m triage.cli serve

test: $(VENV)/dev.stamp ## run the whole test suite
	@$(BIN)/python -m pytest

test-training: $(VENV)/train.stamp ## run the tests of the trainer too (installs torch)
	@$(BIN)/python -m pytest tests/unit/training

check: $(VENV)/dev.stamp ## linters, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/dev.stamp ## the performance report
	@$(BIN)/python -m eval.bench

messages: $(VENV)/dev.stamp ## bring the inbox's translations up to date with its templates
	@$(BIN)/python -m tools.messages

screenshots: $(VENV)/dev.stamp ## make the pictures in docs/screens anew (needs chromium)
	@$(BIN)/python -m tests.browser.screenshots

clean: ## remove what the commands made, but not your data
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache

.PHONY: help run test test-training check bench messages screenshots clean
