# Two commands do everything: `make demo` and `make test`. Both set up first, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
UV := $(shell command -v uv || echo .uv/bin/uv)
UV_VERSION := 0.9.18
export UV_PYTHON_DOWNLOADS := never

.PHONY: demo test check setup lock schema bench clean

demo: setup
	$(BIN)/maskline run demo

test: setup
	$(BIN)/pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

setup: $(READY)

$(READY): requirements.lock pyproject.toml | $(UV)
	test -x $(BIN)/python || $(UV) venv --quiet --python 3.11 $(VENV)
	VIRTUAL_ENV=$(VENV) $(UV) pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --editable .
	touch $@

.uv/bin/uv:
	$(PYTHON) -m pip install --quiet --target .uv uv==$(UV_VERSION)

schema: setup
	$(BIN)/python -m pipeline.config.schema > schemas/config.schema.json

bench: setup
	$(BIN)/python -m benchmarks $(BENCH)

lock: | $(UV)
	$(UV) pip compile --quiet --upgrade --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) .uv maskline-out build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
