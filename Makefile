# Every target makes the virtual environment itself where there is none, and installs what it needs. Variables:
#   PYTHON       Python 3.10 or newer, to make the environment with
#   VENV         the folder of the environment
#   PIP_ARGS     for example an index to install torch from
#   PYTEST_ARGS  for example the tests to run
PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
PYTEST_ARGS ?=
BIN := $(VENV)/bin
# PEP 517 for every package: the old way to build seqeval, which is sources only, fails with newer build tools
INSTALL := $(BIN)/python -m pip install --quiet --use-pep517 --constraint constraints.txt $(PIP_ARGS)
# One thread for each worker: more threads than cores make the tests slower.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# Without Node and npm, the tests of the JavaScript package and of the page in the browser are skipped, and say so.
NPM := $(shell command -v npm)
BUILT_JAVASCRIPT := $(if $(NPM),runtime/js/dist/index.js)

.DEFAULT_GOAL := help
.PHONY: help demo quick test clients check javascript format docs dist clean

help:  ## print this list
	@awk -F ':.*  ## ' '/^[a-z]+:.*  ## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed-demo  ## export the demo question-answering checkpoint and ask it something
	$(BIN)/albert-export onnx --task qa --output out/demo-qa --force
	$(BIN)/python tools/show_demo.py out/demo-qa

quick: $(VENV)/.installed-test  ## the unit tests, without those that export models: about a minute
	$(PYTEST) -m 'not slow and not export' $(PYTEST_ARGS)

test: $(VENV)/.installed-test $(BUILT_JAVASCRIPT)  ## every test, including the slow ones
	$(PYTEST) $(PYTEST_ARGS)

clients: $(VENV)/.installed-test $(BUILT_JAVASCRIPT)  ## open exported files with other tools and write the table of docs/clients.md
	$(PYTEST) -m clients --write-clients-table $(PYTEST_ARGS)

check: $(VENV)/.installed-test $(if $(NPM),runtime/js/node_modules/.installed)  ## lint, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --strict --package albert_runtime
	$(BIN)/mypy tests/use_public_names.py
	$(BIN)/lint-imports
	$(if $(NPM),cd runtime/js && npm run --silent check,@echo "npm is absent: the JavaScript package is not checked")

javascript: $(BUILT_JAVASCRIPT)  ## build and test the JavaScript package
	cd runtime/js && npm test

# The install scripts of some packages download files that nothing here needs.
runtime/js/node_modules/.installed: runtime/js/package-lock.json
	cd runtime/js && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

runtime/js/dist/index.js: runtime/js/node_modules/.installed $(shell find runtime/js/src -name '*.ts')
	cd runtime/js && npm run --silent build

format: $(VENV)/.installed-test  ## format the sources and repair what the linter can repair
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# `--strict` ends with an error where a link leads nowhere or a docstring can't be read.
docs: $(VENV)/.installed-docs  ## build the site of the documentation in site/, without a connection
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Without isolation, the pinned hatchling builds; each wheel is built from the source archive. Node and npm build the page
# of `albert-export web`, once for the archive.
dist: $(VENV)/.installed-test  ## build and check the wheels and source archives of both packages, in dist/
	rm -rf dist
	ALBERT_EXPORT_REQUIRE_PAGE=1 $(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/python -m build --no-isolation --outdir dist runtime
	$(BIN)/python -m twine check --strict dist/*

clean:  ## remove the environment and everything that was made
	rm -rf $(VENV) out dist site albert_export/web/assets runtime/js/node_modules runtime/js/dist

$(VENV)/.installed-demo: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[onnx]'
	touch $@

$(VENV)/.installed-docs: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[docs]'
	touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[test]'
	touch $@ $(VENV)/.installed-demo $(VENV)/.installed-docs
