"""The same pipeline on Vertex AI, which reads the same specification."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from components.errors import MasklineError, UsageError
from pipeline.kubeflow.package import Package, write_package


def submit_to_vertex(name: str, package: Package, pipeline_root: str) -> dict[str, Any]:
    """Starts a run with Google's own settings (credentials, GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_REGION).

    Raises:
        UsageError: the client is not installed, or the pipeline root is not Google's storage.
        MasklineError: Vertex AI refuses, or there are no credentials.
    """
    if not pipeline_root.startswith("gs://"):
        raise UsageError(f"[kubeflow] pipeline_root = {pipeline_root!r}: Vertex AI stores in gs://BUCKET/FOLDER alone")
    if package.platform:
        raise UsageError(
            "[kubeflow] volumes, secrets and node_selector are for Kubernetes: Vertex AI knows none. Remove them"
        )
    try:
        from google.cloud import aiplatform
    except ImportError as error:
        raise UsageError("the client of Vertex AI is missing: install google-cloud-aiplatform") from error
    with TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        write_package(package, file)
        try:
            job = aiplatform.PipelineJob(display_name=name, template_path=str(file), pipeline_root=pipeline_root)
            job.submit()
        except Exception as error:  # Google's clients share no class of errors.
            raise MasklineError(
                f"Vertex AI: {error}. It takes GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_REGION and the credentials "
                "of `gcloud auth application-default login`"
            ) from error
    return {"id": job.resource_name, "state": "PENDING", "exit_code": 0}
