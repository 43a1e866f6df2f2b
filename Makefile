PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Two processes; one that is done takes over tests of the other.
WORKERS := --numprocesses 2 --dist worksteal

.PHONY: venv demo test test-fast bench docs lint panel

venv: $(STAMP)

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -e ".[dev]"
	touch $(STAMP)

demo: venv
	$(BIN)/medclipseg demo --out medclipseg-demo --overwrite

panel: venv
	$(BIN)/python Testing/Host/panel.py $(ARGS)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest $(WORKERS) $(ARGS)

test-fast: venv
	$(BIN)/pytest $(WORKERS) -m "not slow" $(ARGS)

bench: venv
	$(BIN)/pytest Testing/Benchmarks

docs: venv
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
