"""The steps of a compiled pipeline as Kubeflow's protocol buffers, in an order in which they can run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from components.errors import UsageError
from pipeline.kubeflow.spec.lint import lint, refuse
from pipeline.kubeflow.spec.package import Package
from pipeline.kubeflow.spec.parsed import Parsed, parse

_PLACEHOLDERS = (
    "{{$.pipeline_task_uuid}}",
    "{{$.workspace_path}}",
    "{{$.pipeline_job_create_time_utc}}",  # Up to 2.16.1 these two are left as they are.
    "{{$.pipeline_job_schedule_time_utc}}",
)
"""Constants in whose place the driver puts what only a cluster has, or some releases alone."""
_TITLE = re.compile(r"^title: (?:tfx\.)?(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Task:
    """One step: what it is, what it gets, what it runs."""

    name: str
    spec: pb.PipelineTaskSpec
    component: pb.ComponentSpec
    container: pb.PipelineDeploymentConfig.PipelineContainerSpec
    volumes: dict[str, str]
    """Folder in the container by persistent volume claim."""
    secrets: tuple[str, ...] = ()
    """Environment variables that Kubernetes fills from secrets."""

    @property
    def output_types(self) -> dict[str, str]:
        """The types of the artifacts by key, as TFX calls them; of those that it has compiled."""
        outputs = self.component.output_definitions.artifacts.items()
        titles = {key: _TITLE.search(output.artifact_type.instance_schema) for key, output in outputs}
        return {key: title[1] for key, title in titles.items() if title}


@dataclass(frozen=True)
class Pipeline:
    """A parsed package."""

    name: str
    root: str
    """Address below which artifacts are stored; empty: the cluster's own."""
    inputs: pb.ComponentInputsSpec
    """The parameters of a run."""
    tasks: tuple[Task, ...]


def parse_pipeline(package: Package) -> Pipeline:
    """The pipeline of a package.

    Raises:
        UsageError: the cluster would refuse it, or it has what the simulator cannot do as the cluster does.
    """
    refuse(lint(package))
    parsed = parse(package)
    for name, spec in sorted(parsed.tasks.items()):
        for obstacle in _obstacles(spec, parsed.component(name)):
            raise UsageError(f"{name}: {obstacle}. Use a cluster")
    tasks = {name: _task(parsed, name, label, container) for name, label, container in parsed.container_tasks()}
    for name in sorted(parsed.tasks.keys() - tasks.keys()):
        raise UsageError(f"{name}: is no container, and the simulator runs nothing else. Use a cluster")
    return Pipeline(
        parsed.spec.pipeline_info.name,
        parsed.spec.default_pipeline_root,
        parsed.spec.root.input_definitions,
        tuple(tasks[name] for name in _ordered(parsed)),
    )


def _task(parsed: Parsed, name: str, label: str, container: pb.PipelineDeploymentConfig.PipelineContainerSpec) -> Task:
    config = parsed.kubernetes.get(label)
    volumes = {mount.constant: mount.mount_path for mount in (config.pvc_mount if config else ())}
    if "" in volumes:
        raise UsageError(f"{name}: a volume whose claim only the cluster knows. Name it in [kubeflow] volumes")
    secrets = tuple(key.env_var for secret in (config.secret_as_env if config else ()) for key in secret.key_to_env)
    return Task(name, parsed.tasks[name], parsed.component(name), container, volumes, secrets)


def _obstacles(spec: pb.PipelineTaskSpec, component: pb.ComponentSpec) -> Iterator[str]:
    """What is not simulated, because a simulation that differs from the cluster is worth nothing."""
    if component.WhichOneof("implementation") == "dag":
        yield "is a pipeline within the pipeline, which the simulator does not run"
    if spec.trigger_policy.condition or spec.trigger_policy.strategy > 1:
        yield "has a condition or a trigger, which the simulator does not evaluate"
    if spec.WhichOneof("iterator"):
        yield "is a loop, which the simulator does not run"
    for key, item in sorted(spec.inputs.parameters.items()):
        if any(placeholder in item.runtime_value.constant.string_value for placeholder in _PLACEHOLDERS):
            yield f"the constant {key!r} holds a placeholder that the simulator does not fill in"


def _upstream(spec: pb.PipelineTaskSpec) -> Iterator[str]:
    yield from spec.dependent_tasks
    yield from (item.task_output_artifact.producer_task for item in spec.inputs.artifacts.values())
    for item in spec.inputs.parameters.values():
        if item.WhichOneof("kind") == "task_output_parameter":
            yield item.task_output_parameter.producer_task


def _ordered(parsed: Parsed) -> Iterable[str]:
    # Sorted, so that one package always runs in one order.
    graph = {name: sorted({*_upstream(spec)}) for name, spec in sorted(parsed.tasks.items())}
    return TopologicalSorter(graph).static_order()
