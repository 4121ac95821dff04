"""Addresses of artifacts, and where Kubeflow's launcher keeps local copies of them."""

from __future__ import annotations

import os
from pathlib import Path

from components.errors import UsageError

ROOT = "MASKLINE_KFP_ROOT"
"""Environment variable: folder that stands for `/`, so that a step runs on a machine whose root is not its own."""

_MOUNTS = {"minio": "minio", "s3": "s3", "gs": "gcs"}


def local_root() -> Path:
    """The folder below which the launcher's paths lie."""
    return Path(os.environ.get(ROOT) or "/")


def local_path(uri: str, root: Path) -> Path:
    """Where the files of an artifact are: as `launcher_path`, or at the address itself where that is a path.

    Kubeflow's own local runner has absolute paths for addresses, which it mounts as they are.

    Raises:
        UsageError: it is no absolute path, and the scheme is not one that the launcher knows.
    """
    return in_root(uri if uri.startswith("/") else launcher_path(uri), root)


def launcher_path(uri: str) -> str:
    """Where a cluster's launcher puts, or looks for, the files of an artifact: `gs://bucket/key` is `/gcs/bucket/key`.

    Vertex AI mounts its buckets at the same place, so what holds for open-source Kubeflow holds there.

    Raises:
        UsageError: the scheme is not one that the launcher knows.
    """
    scheme, separator, key = uri.partition("://")
    if not separator or scheme not in _MOUNTS:
        raise UsageError(
            f"{uri}: cannot be an artifact's address on Kubeflow, which knows "
            f"{', '.join(f'{name}://' for name in _MOUNTS)}, and absolute paths in its local runner alone. "
            "Set [kubeflow] pipeline_root"
        )
    return f"/{_MOUNTS[scheme]}/{key}"


def in_root(path: str, root: Path) -> Path:
    """An absolute path of the container below `root`."""
    return root / path.lstrip("/")


def with_uri(value: str, uris: dict[str, str]) -> str:
    """The address for a path that is, or lies below, one of the local paths in `uris`; other text as it is."""
    for local, uri in uris.items():
        if value == local or value.startswith(f"{local}/"):
            return uri + value[len(local) :]
    return value
