# `make demo` and `make test` do all their own set-up.
.PHONY: help setup demo test check format bench pictures clean

PY = .venv/bin/python

help:
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 10

setup: .venv/.installed ## make .venv with alma-mcp and alma-evolve in it

.venv/.installed: pyproject.toml scripts/setup
	@scripts/setup

demo: setup ## the main job in front of you, in under three minutes
	@$(PY) -m scripts.demo

test: setup ## every test that can run here
	@$(PY) -m pytest

check: setup ## style, types, layers, docs
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m pytest -q tests/docs

format: setup ## put every file into shape
	@.venv/bin/ruff check --fix-only .
	@.venv/bin/ruff format .

bench: setup ## measure speed and size, and print the table
	@$(PY) -m bench
	@$(PY) -m bench.environments

pictures: setup ## the dashboard's pages and the command lines' views, drawn anew into docs/images
	@$(PY) -m scripts.pictures
	@$(PY) -m pytest -q tests/e2e/browser --pictures docs/images

clean: ## remove what set-up and tests made
	@rm -rf .venv .cache build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
