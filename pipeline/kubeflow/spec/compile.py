"""Compiles the graph to what Kubeflow Pipelines runs, then adds what TFX cannot say."""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from components.errors import UsageError
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.root import Config
from pipeline.graph.nodes import Nodes
from pipeline.kubeflow.spec.lint import lint, refuse
from pipeline.kubeflow.spec.package import Package
from pipeline.kubeflow.spec.patch import patch_spec
from pipeline.kubeflow.spec.platform import platform_spec

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

ENTRYPOINT = ("python", "-P", "-m", "pipeline.kubeflow.container.entrypoint")
"""With -P nothing is imported from the working folder, whatever it holds."""
RUN_ID = "{{$.pipeline_job_uuid}}"
"""A parameter with this value, and nothing beside it, gets the id of the run from Kubeflow's driver."""
SCHEMA_SCHEME = "package:"


def compile_package(name: str, config: Config, data: str | None) -> Package:
    """The graph of the recipe `name` for the cluster; `data` is the input folder as the containers see it.

    Nothing outside the config is looked at, so that one recipe gives one package on every machine.

    Raises:
        UsageError: the config does not say where the data, the serving folder or the image are, sends Beam's work
            to a cluster of its own, names a node that is none, or the cluster would refuse the package.
    """
    config.data.refuse_questions()
    config.model.refuse_unplanned()
    data = _container_path(data or config.data.input, "the data", "--data DIR, or [data] input")
    serving = _container_path(config.serving.destination, "the served models", "[serving] destination")
    if not config.kubeflow.image:
        raise UsageError("no container image: set [kubeflow] image to its name, with tag or digest")
    if config.execution.distributed is not None:
        raise UsageError(
            f"[execution] beam = {config.execution.distributed.runner!r}: a step on Kubeflow has its artifacts in its "
            'own container, where no worker of another cluster sees them. Set it to "local"'
        )
    pipeline = _pipeline(name, config, data, serving)
    nodes = Nodes.of(pipeline)
    _check_nodes(config.kubeflow, nodes)
    spec = _compiled(pipeline, config.kubeflow.image)
    package = Package(patch_spec(spec, config, nodes), platform_spec(spec, config.kubeflow))
    refuse(lint(package))
    return package


def pipeline_name(name: str) -> str:
    """The recipe's name as Kubeflow allows it: lower-case letters, digits and hyphens, at most 128.

    Raises:
        UsageError: nothing of it is left.
    """
    allowed = re.sub("[^a-z0-9]+", "-", name.lower())[:128].strip("-")
    if not allowed:
        raise UsageError(f"{name}: has no letter or digit that Kubeflow allows in a name. Rename the recipe's file")
    return allowed


def _container_path(path: str, what: str, key: str) -> str:
    if not path:
        raise UsageError(f"no path of {what}: set {key}, as the containers see it")
    if not PurePosixPath(path).is_absolute():
        raise UsageError(f"{path}: expected an absolute path of {what}, as the containers see it: {key}")
    return str(PurePosixPath(path))


def _check_nodes(settings: Kubeflow, nodes: Nodes) -> None:
    nodes.check(settings.nodes, "[kubeflow] nodes")
    for section in ("volumes", "secrets"):
        for number, item in enumerate(getattr(settings, section)):
            nodes.check(item.nodes, f"[kubeflow.{section}.{number}] nodes")


def _pipeline(name: str, config: Config, data: str, serving: str) -> Pipeline:
    from pipeline.graph.pipeline import create_pipeline
    from pipeline.graph.place import Place

    place = Place(
        name=pipeline_name(name),
        data=data,
        files="",  # The entrypoint looks when it runs; what is cached is decided at submit.
        held_out=None,
        champion_content=None,
        notice=config.data.notice,
        root=config.kubeflow.pipeline_root,
        serving=serving,
        schema=_schema_in_the_image(),
        run=RUN_ID,
        metadata=None,
    )
    return create_pipeline(config, place, champion=None)


def _compiled(pipeline: Pipeline, image: str) -> dict[str, Any]:
    from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

    settings = KubeflowV2DagRunnerConfig(
        default_image=image, default_commands=list(ENTRYPOINT), use_pipeline_spec_2_1=True
    )
    return KubeflowV2DagRunner(settings).run(pipeline, write_out=False)["pipelineSpec"]


def _schema_in_the_image() -> str:
    """The file as installed, named by its contents: Kubeflow's cache looks at the name alone."""
    from pipeline.graph.pipeline import SCHEMA

    digest = hashlib.sha256(SCHEMA.read_bytes()).hexdigest()
    return f"{SCHEMA_SCHEME}schemas/{SCHEMA.name}#{digest[:12]}"
