# Two commands do everything: `make demo` and `make test`. Both set up first, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Of the container test alone: its protobuf is not that of TFX.
LOCAL_RUNNER := .venv-kfp
UV := $(shell command -v uv || echo .uv/bin/uv)
UV_VERSION := 0.9.18
export UV_PYTHON_DOWNLOADS := never
export BUILDAH_LAYERS := true
# The tests start hundreds of processes, of which each would compile the code.
unexport PYTHONDONTWRITEBYTECODE
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGE ?= maskline:$(VERSION)
BASE ?= docker.io/library/python:3.11-slim-bookworm
# The first that works; a client without its engine does not.
ENGINE ?= $(shell for engine in docker podman buildah; do $$engine info >/dev/null 2>&1 && echo $$engine && break; done)

.PHONY: demo test test-quick test-slow test-releases fuzz check setup lock audit sbom schema bench image test-container clean

demo: setup
	$(BIN)/maskline run demo

# Two at a time: each holds TensorFlow, and some start whole runs.
test: setup
	$(BIN)/pytest --numprocesses 2 --dist loadfile

# While working: what needs no node and no run.
test-quick: setup
	$(BIN)/pytest -m "not slow and not long" --numprocesses 2 --dist loadfile

# What takes minutes: whole runs over data that grow and arrive, the demo as each older release of Kubeflow would run it.
test-slow: setup
	$(BIN)/pytest -m slow --numprocesses 2 --dist loadfile

test-releases: setup
	$(BIN)/pytest -m slow tests/e2e/test_kubeflow.py

# Damaged files for every reader, or for `READER=png`, each up to 20,000 inputs or so many seconds.
SECONDS ?= 600
SEED ?= 0
fuzz: setup
	PYTHONPATH=.:tests:tests/unit $(BIN)/python -m fuzz --seconds $(SECONDS) --seed $(SEED) $(if $(READER),--reader $(READER))

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@$(BIN)/python -m pipeline.config.schema | diff --brief - schemas/config.schema.json >/dev/null || \
		{ echo "schemas/config.schema.json is not the config's: make schema" >&2; exit 1; }

setup: $(READY)

$(READY): requirements.lock pyproject.toml | $(UV)
	test -x $(BIN)/python || $(UV) venv --quiet --python 3.11 $(VENV)
	VIRTUAL_ENV=$(VENV) $(UV) pip sync --quiet --require-hashes --compile-bytecode requirements.lock
	VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --editable .
	touch $@

$(LOCAL_RUNNER)/.ready: tests/e2e/local_runner.lock | $(UV)
	test -x $(LOCAL_RUNNER)/bin/python || $(UV) venv --quiet --python 3.11 $(LOCAL_RUNNER)
	VIRTUAL_ENV=$(LOCAL_RUNNER) $(UV) pip sync --quiet --require-hashes $<
	touch $@

.uv/bin/uv:
	$(PYTHON) -m pip install --quiet --target .uv uv==$(UV_VERSION)

schema: setup
	$(BIN)/python -m pipeline.config.schema > schemas/config.schema.json

bench: setup
	$(BIN)/python -m benchmarks $(BENCH)

image:
	@test -n "$(ENGINE)" || { echo "make image: none of docker, podman and buildah works here" >&2; exit 2; }
	$(ENGINE) build --tag $(IMAGE) --build-arg BASE=$(BASE) --build-arg UV_VERSION=$(UV_VERSION) \
		--build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git describe --always --dirty --abbrev=40) $(BUILD_FLAGS) .

# As `localhost/…`, which no registry has: what is tested is what was built.
test-container: setup $(LOCAL_RUNNER)/.ready
	base=$$(tests/e2e/base_image.sh $(BASE)) && $(MAKE) image ENGINE=podman IMAGE=localhost/maskline:test BASE=$$base
	MASKLINE_IMAGE=localhost/maskline:test MASKLINE_LOCAL_RUNNER=$(LOCAL_RUNNER)/bin/python \
		$(BIN)/pytest tests/e2e/test_image.py tests/e2e/test_local_runner.py

LOCK := pip compile --quiet --upgrade --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"

# Of which the image takes none.
EXTRAS := annotations dev encoders fast onnx serve slides vertex

lock: | $(UV)
	$(UV) $(LOCK) $(EXTRAS:%=--extra %) --output-file requirements.lock pyproject.toml
	$(UV) $(LOCK) --output-file tests/e2e/local_runner.lock tests/e2e/local_runner.in

AUDITED := build/audit
EXCEPTIONS = $(shell sed -n 's/^id = "\(.*\)"/--ignore-vuln \1/p' tools/audit.toml)

# In an environment of its own, which uv keeps. Strict, for what no service knows it calls clean otherwise.
audit: | $(UV)
	@mkdir -p $(AUDITED) && rm -f $(AUDITED)/found.txt
	@if $(UV) tool run --quiet --python 3.11 pip-audit@2.10.1 --strict --no-deps --disable-pip --aliases \
		--vulnerability-service osv --requirement requirements.lock $(EXCEPTIONS) \
		--output $(AUDITED)/found.txt 2>$(AUDITED)/log.txt; \
	then echo "make audit: no advisory but those of tools/audit.toml"; \
	elif test -s $(AUDITED)/found.txt; then cat $(AUDITED)/found.txt >&2; exit 1; \
	else tail -n 1 $(AUDITED)/log.txt >&2; \
		echo "make audit: no advisory service answers, so nothing is known of what is locked: try again online" >&2; exit 2; \
	fi

sbom: setup
	@mkdir -p build
	$(BIN)/python tools/sbom.py requirements.lock > build/maskline-$(VERSION).cdx.json

clean:
	rm -rf $(VENV) $(LOCAL_RUNNER) .uv maskline-out build *.egg-info .mypy_cache .ruff_cache .pytest_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
