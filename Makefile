# `make repro` runs the pipeline, `make test` the tests; both set up the environment first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# The files of an environment contain its path: after a move or a copy it must be created again.
MOVED := $(shell test ! -e $(INSTALLED) || test "$$(cat $(INSTALLED))" = "$$(pwd -P)" || echo moved)
PORT ?= 5000
NUMERIC := tests/evaluation tests/samplers tests/trained tests/training tests/variants

# Stages call `autoencoders` by name; telemetry and version checks are off.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup tensorflow scale repro test quick numeric lint bench faults ui lock moved

help: ## List all targets
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(INSTALLED) ## Set up .venv and DVC; the targets below do this first
	@$(BIN)/python -m compileall -q src
	@if git rev-parse --git-dir >/dev/null 2>&1; then \
		! grep -qs no_scm .dvc/config.local || dvc config --local --unset core.no_scm; \
	elif ! grep -qs no_scm .dvc/config.local; then \
		dvc config --local core.no_scm true; \
		echo 'No git repository here: DVC runs without one, and without `dvc exp`.'; \
	fi

tensorflow: setup $(VENV)/.tensorflow ## Set up TensorFlow too, for variants with `framework: tensorflow`

scale: setup $(VENV)/.scale ## Set up Ray and Optuna too, for `autoencoders seeds` and `autoencoders sweep`

repro: setup ## Run the whole pipeline; JOBS=1 uses one core and gives the same bits
	autoencoders repro $(if $(JOBS),--jobs $(JOBS))

test: setup lint ## Lint, check types, run all tests; ALL=1: also tests with Chromium, TensorFlow, Ray, MLflow's server
	pytest -n 2 $(if $(ALL),-m '')

quick: setup ## Run only the fast tests
	pytest -n 2 -m 'not slow and not service'

numeric: setup ## Run the tests of numbers that depend on the processor
	pytest -n 2 $(NUMERIC)

lint: $(INSTALLED) ## Check format, style and types
	ruff format --check .
	ruff check .
	mypy

bench: setup ## Compare the trainer with a plain loop: 50 minutes, or 9 with QUICK=1, on a free machine
	autoencoders repro prepare@mnist
	python -m benchmarks $(if $(QUICK),--quick)

faults: setup ## Try over 400 bad inputs and 100 kills, under an hour; results: reports/faults.md
	python -m tests.faults

ui: setup ## Open the MLflow UI for this machine only; PORT=5001: another port
	@echo "http://127.0.0.1:$(PORT)/#/experiments/1/runs?workflowType=machine_learning"
	mlflow ui --host 127.0.0.1 --port $(PORT)

lock: $(INSTALLED) ## Update the pinned versions of the dependencies in pyproject.toml
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --upgrade --output-file requirements.txt
	for extra in scale tensorflow; do \
		uv pip compile pyproject.toml --extra $$extra --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate --no-emit-index-url --upgrade --output-file requirements-$$extra.txt \
			--constraint requirements.txt $$(sed -n 's/^\([^ =]*\)==.*/--no-emit-package \1/p' requirements.txt) || exit; \
	done

# uv takes a third of pip's time, but does not read pip's settings: if uv fails, pip installs.
# Bytecode is compiled now, as pip does: where Python may not write it, every stage would compile
# every module again.
$(INSTALLED): pyproject.toml requirements.txt $(MOVED)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(if $(MOVED),--clear) $(VENV)
	$(BIN)/python -m pip install --quiet $$(grep -o '^uv==[^ ;]*' requirements.txt) && \
		$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.txt || \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	echo 'export MLFLOW_DISABLE_TELEMETRY=true' >> $(BIN)/activate
	pwd -P > $@

# --no-deps: the other dependencies are installed already.
$(VENV)/.tensorflow $(VENV)/.scale: $(VENV)/.%: requirements-%.txt $(INSTALLED)
	uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps --require-hashes -r $< || \
		$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r $<
	touch $@
