# Every target makes the virtual environment itself where there is none. Variables: PYTHON (3.10 or newer), VENV,
# PIP_ARGS (for example an index to install torch from), PYTEST_ARGS.
PYTHON ?= python3
VENV ?= .venv
PIP_ARGS ?=
PYTEST_ARGS ?=
BIN := $(VENV)/bin
# PEP 517 for every package: the old way to build seqeval, which is sources only, fails with newer build tools
INSTALL := $(BIN)/python -m pip install --quiet --use-pep517 --constraint constraints.txt $(PIP_ARGS)

.PHONY: demo test check format clean

demo: $(VENV)/.installed-demo  ## export the demo question-answering checkpoint and ask it something
	$(BIN)/albert-export onnx --task qa --output out/demo-qa --force
	$(BIN)/python tools/show_demo.py out/demo-qa

test: $(VENV)/.installed-test  ## every test, the slow ones too
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal $(PYTEST_ARGS)

check: $(VENV)/.installed-test  ## lint, types and the direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/mypy --strict --package albert_runtime
	$(BIN)/mypy tests/use_public_names.py
	$(BIN)/lint-imports

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) out dist

$(VENV)/.installed-demo: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[onnx]'
	touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[test]'
	touch $@ $(VENV)/.installed-demo
