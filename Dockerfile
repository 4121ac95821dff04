# Maskline in a container: every node of the graph on Kubeflow Pipelines, and the command line.
# `make image` builds it; needs BuildKit, podman or buildah. CPU only: no CUDA libraries.

# BASE=docker.io/library/python:3.11-slim-bookworm@sha256:<digest> pins the base.
ARG BASE=docker.io/library/python:3.11-slim-bookworm

# What the lock names, less the extras, in a virtual environment. pyfarmhash and crcmod are built from source.
FROM ${BASE} AS dependencies
RUN apt-get update && apt-get install --yes --no-install-recommends g++
ARG UV_VERSION=0.9.18
ENV UV_CACHE_DIR=/var/cache/uv UV_LINK_MODE=copy UV_NATIVE_TLS=true UV_PYTHON_DOWNLOADS=never
# Package indices, certificates and passwords come as secrets, where the machine needs any; no layer keeps them.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m pip install --quiet --target /opt/uv uv==${UV_VERSION}
WORKDIR /build
COPY pyproject.toml requirements.lock ./
# What nothing here imports stays out: Clang's and Milvus's libraries, the Jupyter server (all but ipykernel, for which
# TFMA asks), TensorFlow's C++ headers, the packages' own tests. What the lock lacks ends the build.
RUN --mount=type=secret,id=uv,target=/etc/uv/uv.toml --mount=type=cache,target=/var/cache/uv \
    printf '%s\n' libclang pymilvus widgetsnbextension > excluded.txt \
    && echo ipykernel > kept.txt \
    && cp requirements.lock image.lock \
    && /opt/uv/bin/uv pip compile --quiet --generate-hashes --no-annotate --no-header --excludes excluded.txt \
        --output-file image.lock pyproject.toml kept.txt \
    && ! grep --line-regexp --fixed-strings --invert-match --file requirements.lock image.lock \
    && /opt/uv/bin/uv venv --quiet --python python3 /opt/maskline \
    && VIRTUAL_ENV=/opt/maskline /opt/uv/bin/uv pip sync --quiet --require-hashes --compile-bytecode image.lock \
    && rm -r /opt/maskline/lib/python3.11/site-packages/tensorflow/include \
    && find /opt/maskline -type d -name tests -prune -exec rm -r {} +

# Maskline itself, apart: a change of its code is a layer of a few megabytes.
FROM dependencies AS package
COPY README.md LICENSE ./
COPY schemas schemas
COPY components components
COPY pipeline pipeline
COPY maskline maskline
RUN --mount=type=secret,id=uv,target=/etc/uv/uv.toml --mount=type=cache,target=/var/cache/uv \
    /opt/uv/bin/uv pip install --quiet --python /opt/maskline --prefix /opt/package --no-deps --compile-bytecode .

FROM ${BASE}
# Group 0 owns the home: clusters that draw the user's number at random keep that group.
RUN useradd --uid 10001 --gid 0 --create-home maskline && chmod g+rwX /home/maskline
ENV HOME=/home/maskline PATH=/opt/maskline/bin:$PATH PYTHONUNBUFFERED=1
# Workers of Beam, whose start is not ours, compute by the same kernels as everybody.
ENV TF_ENABLE_ONEDNN_OPTS=1
COPY --from=dependencies /opt/maskline /opt/maskline
COPY --from=package /opt/package /opt/maskline
# By number: Kubernetes cannot tell whether a named user is root.
USER 10001:0
WORKDIR /home/maskline
# Every module is imported once, and with them TensorFlow, TFX, OpenCV and the Kubeflow client: what lacks fails here.
RUN HOME=/tmp/home TF_CPP_MIN_LOG_LEVEL=3 python -W ignore -c "import importlib, pkgutil, components, pipeline, maskline; \
    [importlib.import_module(module.name) for package in (components, pipeline) \
     for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.')]; \
    import pipeline.kubeflow.container.entrypoint" && rm -r /tmp/*
# No entrypoint: `docker run IMAGE maskline …` is the command line, and Kubeflow gives every node its own command.
CMD ["python", "-P", "-m", "pipeline.kubeflow.container.entrypoint"]
ARG BASE
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="Maskline" \
      org.opencontainers.image.description="TFX pipelines for medical image segmentation. Research software." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
