# Two commands from a bare checkout: `make demo` and `make test`. Everything they need they set up.
PYTHON ?= python3
BIN := .venv/bin
# The versions that the tests ran with; empty for the newest that the requirements allow.
CONSTRAINTS ?= constraints.txt
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -q $(addprefix -c ,$(CONSTRAINTS))

.PHONY: help setup demo test lint soak mutants mmengine constraints matrix docs clean
.DEFAULT_GOAL := help

help:
	@echo 'make demo    draw a sample data set, train a UNet on it, test it, write a report'
	@echo 'make test    lint, types and tests'
	@echo 'make soak    kill trainings again and again, compare their ends; rewrites results/robustness'
	@echo 'make mmengine  MMEngine'"'"'s own tests with our runner; rewrites a table of docs/from-mmsegmentation.md'
	@echo 'make mutants  change the code a little, again and again, and see what the tests notice'
	@echo 'make matrix  sample and unit tests under every Python that is here; PYTHONS="3.10 3.12" picks some'
	@echo 'make constraints  write the installed versions to constraints.txt; CONSTRAINTS= installs the newest'
	@echo 'make docs    all pages and a reference of the code as a site, in build/site'
	@echo 'make setup   only .venv with everything that is needed'
	@echo 'make clean   remove .venv and the synthetic data set; runs stay'

setup: .venv/.run

.venv/.run: requirements.txt $(CONSTRAINTS)
	$(PYTHON) tools/_python.py
	$(PYTHON) -m venv .venv
	$(INSTALL) -r requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt requirements-export.txt requirements-medical.txt requirements-openvino.txt requirements-service.txt requirements-studies.txt .venv/.run
	$(INSTALL) -r requirements-dev.txt
	@touch $@

demo: .venv/.run
	$(BIN)/python tools/demo.py

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile Dockerfile.train

test: lint
	$(BIN)/python -m pytest -n auto --dist worksteal

.venv/.docs: requirements-docs.txt $(CONSTRAINTS)
	$(PYTHON) tools/_python.py
	$(PYTHON) -m venv .venv
	$(INSTALL) -r requirements-docs.txt
	@touch $@

docs: .venv/.docs
	$(BIN)/python -m docs.generate.site
	$(BIN)/zensical build --clean --strict
	$(BIN)/python -m docs.generate.site --check

constraints: .venv/.dev
	$(BIN)/python -m tests.constraints

soak: .venv/.dev
	$(BIN)/python -m tests.soak
	$(BIN)/python -m tests.robustness_page

mutants: .venv/.dev
	$(INSTALL) -r requirements-mutation.txt
	$(BIN)/python -m tests.mutation
	$(BIN)/python -m tests.robustness_page

mmengine: .venv/.dev
	$(BIN)/python -m tests.mmengine_suite

matrix:
	$(PYTHON) -m tests.matrix $(addprefix --python ,$(PYTHONS)) $(addprefix --torch ,$(TORCH))

clean:
	rm -rf .venv data/sample build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
