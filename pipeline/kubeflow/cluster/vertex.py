"""The same pipeline on Vertex AI, which reads the same specification."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from components.errors import ExitCode, MasklineError, UsageError
from pipeline.config.kubeflow import Kubeflow
from pipeline.kubeflow.cluster.record import PENDING, ClusterRun
from pipeline.kubeflow.spec.package import Package, write_package
from pipeline.runs.quiet import quiet


def refuse_for_vertex(settings: Kubeflow) -> None:
    """Raises UsageError: the section has what Vertex AI does not, or lacks what it needs."""
    if not settings.pipeline_root.startswith("gs://"):
        raise UsageError(
            f"[kubeflow] pipeline_root = {settings.pipeline_root!r}: Vertex AI stores in gs://BUCKET/FOLDER alone"
        )
    if settings.volumes or settings.secrets:
        raise UsageError(
            "[kubeflow] volumes and secrets: Vertex AI knows neither. Its containers see buckets as /gcs/BUCKET"
        )
    for resources in (settings.resources, *settings.nodes.values()):
        if resources.node_selector:
            raise UsageError(
                f"[kubeflow] node_selector = {resources.node_selector}: Vertex AI chooses the machines. Leave it out"
            )
        if "/" in resources.accelerator:
            raise UsageError(
                f"[kubeflow] accelerator = {resources.accelerator!r}: a name of Kubernetes. Vertex AI has its own, "
                "such as NVIDIA_TESLA_T4"
            )


def submit_to_vertex(name: str, package: Package, pipeline_root: str) -> ClusterRun:
    """Starts a run with Google's own settings (credentials, GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_REGION).

    Raises:
        UsageError: the client is not installed.
        MasklineError: Vertex AI refuses, or there are no credentials.
    """
    with TemporaryDirectory() as folder, quiet(Path(os.devnull)):
        file = Path(folder) / "pipeline.yaml"
        write_package(Package(package.spec, {}), file)  # Its client reads one document.
        try:
            from google.cloud import aiplatform

            job = aiplatform.PipelineJob(display_name=name, template_path=str(file), pipeline_root=pipeline_root)
            job.submit()
        except ImportError as error:
            raise UsageError("the client of Vertex AI is missing: pip install 'maskline[vertex]'") from error
        except Exception as error:  # Google's clients share no class of errors.
            said = " ".join(str(error).split())
            raise MasklineError(
                f"Vertex AI: {said}. It takes GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_REGION and the credentials "
                "of `gcloud auth application-default login`"
            ) from error
    return ClusterRun(id=job.resource_name, state=PENDING, exit_code=ExitCode.DONE)
