PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: venv demo test bench docs lint panel

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
	$(BIN)/pytest

bench: venv
	$(BIN)/pytest Testing/Benchmarks

docs: venv
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
