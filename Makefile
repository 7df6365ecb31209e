# `make repro` runs the pipeline, `make test` the tests; each sets everything up by itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Stages call `autoencoders` by name; nothing phones home.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := true

.PHONY: help repro test lint bench ui lock

help: ## Say what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

repro: $(INSTALLED) ## Run the whole pipeline; `dvc repro` in the activated environment is the same
	dvc repro

test: $(INSTALLED) lint ## Lint, check types, and run every test
	pytest -n 2

lint: $(INSTALLED) ## Check format, style and types
	ruff format --check .
	ruff check .
	mypy

bench: $(INSTALLED) ## Measure the trainer beside a plain loop, 20 to 50 minutes alone on the machine
	dvc repro prepare@mnist
	python -m benchmarks

ui: $(INSTALLED) ## Open the MLflow UI on this machine alone
	@echo "http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning"
	mlflow ui --host 127.0.0.1 --port 5000

lock: $(INSTALLED) ## Pin anew what pyproject.toml asks for
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--no-header --no-annotate --no-emit-index-url --upgrade --output-file constraints.txt

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	echo 'export MLFLOW_DISABLE_TELEMETRY=true' >> $(BIN)/activate
	touch $@
