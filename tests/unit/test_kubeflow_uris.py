"""Addresses of artifacts and the launcher's local copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UsageError
from pipeline.kubeflow.container.uris import in_root, launcher_path, local_path, local_root, with_uri


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://mlpipeline/v2/artifacts/demo/1/model", "/minio/mlpipeline/v2/artifacts/demo/1/model"),
        ("s3://bucket/a b/c", "/s3/bucket/a b/c"),
        ("gs://bucket/key", "/gcs/bucket/key"),
    ],
)
def test_an_address_lies_where_the_launcher_puts_it(uri: str, path: str) -> None:
    assert local_path(uri, Path("/")) == Path(path)
    assert local_path(uri, Path("/tmp/pod")) == Path(f"/tmp/pod{path}")


@pytest.mark.parametrize("path", ["/out/demo-2026/Trainer/model", "/out/a b/c", "/gcs/bucket/key"])
def test_an_absolute_path_lies_where_it_says(path: str) -> None:
    """Kubeflow's local runner gives these."""
    assert local_path(path, Path("/")) == Path(path)
    assert local_path(path, Path("/tmp/pod")) == Path(f"/tmp/pod{path}")
    uris = {str(local_path(path, Path("/tmp/pod"))): path}
    assert with_uri(f"/tmp/pod{path}/Format-Serving", uris) == f"{path}/Format-Serving"
    assert with_uri(f"{path}/Format-Serving", {path: path}) == f"{path}/Format-Serving"


@pytest.mark.parametrize("uri", ["file:///data", "data/model", "./model", "oci://registry/model", "ftp://x/y", ""])
def test_another_address_is_refused_with_those_that_work(uri: str) -> None:
    with pytest.raises(UsageError, match=r"minio://, s3://, gs://, and absolute paths in its local.*pipeline_root"):
        local_path(uri, Path("/"))


def test_the_launcher_of_a_cluster_knows_no_paths() -> None:
    assert launcher_path("gs://bucket/key") == "/gcs/bucket/key"
    with pytest.raises(UsageError, match=r"^/data/model: cannot be an artifact's address"):
        launcher_path("/data/model")


def test_a_local_path_becomes_its_address_again_and_nothing_else_does() -> None:
    uris = {"/minio/b/model": "minio://b/model", "/minio/b/model_run": "minio://b/model_run"}
    assert with_uri("/minio/b/model", uris) == "minio://b/model"
    assert with_uri("/minio/b/model/Format-Serving", uris) == "minio://b/model/Format-Serving"
    assert with_uri("/minio/b/model_run", uris) == "minio://b/model_run"
    assert with_uri("/minio/b/models", uris) == "/minio/b/models"
    assert with_uri("the model is in /minio/b/model", uris) == "the model is in /minio/b/model"


def test_the_root_is_the_containers_own_unless_the_environment_names_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASKLINE_KFP_ROOT", raising=False)
    assert local_root() == Path("/")
    monkeypatch.setenv("MASKLINE_KFP_ROOT", "/pods/1")
    assert in_root("/dev/termination-log", local_root()) == Path("/pods/1/dev/termination-log")
