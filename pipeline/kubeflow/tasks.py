"""The steps of a compiled pipeline as Kubeflow's protocol buffers, in an order in which they can run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from components.errors import UsageError
from pipeline.kubeflow.package import Package

SCHEMA_VERSION = "2.1.0"


@dataclass(frozen=True)
class Task:
    """One step: what it is, what it gets, what it runs."""

    name: str
    spec: pb.PipelineTaskSpec
    component: pb.ComponentSpec
    container: pb.PipelineDeploymentConfig.PipelineContainerSpec
    volumes: dict[str, str]
    """Folder in the container by persistent volume claim."""
    upstream: tuple[str, ...]


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
        UsageError: it is not a pipeline spec, or has what the simulator cannot do as the cluster does.
    """
    try:
        spec = json_format.ParseDict(package.spec, pb.PipelineSpec())
        deployment = json_format.ParseDict(
            json_format.MessageToDict(spec.deployment_spec), pb.PipelineDeploymentConfig(), ignore_unknown_fields=True
        )
        platform = json_format.ParseDict(package.platform, pb.PlatformSpec())
    except json_format.ParseError as error:
        raise UsageError(f"not a pipeline of Kubeflow: {error}. Make it with `maskline kubeflow compile`") from error
    if spec.schema_version != SCHEMA_VERSION:
        found = spec.schema_version or "none"
        raise UsageError(f"schemaVersion: found {found}, Kubeflow accepts {SCHEMA_VERSION} alone. Compile it anew")
    kubernetes = platform.platforms["kubernetes"].deployment_spec.executors
    found = {
        name: _task(name, task, spec.components, deployment, kubernetes) for name, task in spec.root.dag.tasks.items()
    }
    return Pipeline(
        spec.pipeline_info.name,
        spec.default_pipeline_root,
        spec.root.input_definitions,
        tuple(found[name] for name in _ordered(found)),
    )


def _task(name: str, spec: pb.PipelineTaskSpec, components: Any, deployment: Any, kubernetes: Any) -> Task:
    component = components[spec.component_ref.name] if spec.component_ref.name in components else pb.ComponentSpec()
    executor = deployment.executors[component.executor_label]
    for obstacle in _obstacles(spec, component, executor):
        raise UsageError(f"{name}: {obstacle}")
    settings = json_format.MessageToDict(kubernetes[component.executor_label])
    volumes = {_claim(name, mount): mount["mountPath"] for mount in settings.get("pvcMount", [])}
    return Task(name, spec, component, executor.container, volumes, tuple(sorted({*_upstream(spec)})))


def _obstacles(spec: pb.PipelineTaskSpec, component: pb.ComponentSpec, executor: Any) -> Iterator[str]:
    """What is not simulated, because a simulation that differs from the cluster is worth nothing."""
    kind = executor.WhichOneof("spec")
    if component.WhichOneof("implementation") == "dag":
        yield "is a pipeline within the pipeline, which the simulator does not run. Use a cluster"
    elif kind != "container":
        yield f"is {kind or 'not defined'}; the simulator runs containers alone. Use a cluster"
    if spec.trigger_policy.condition or spec.trigger_policy.strategy > 1:
        yield "has a condition or trigger, which the simulator does not evaluate. Use a cluster"
    if spec.WhichOneof("iterator"):
        yield "is a loop, which the simulator does not run. Use a cluster"


def _claim(name: str, mount: dict[str, Any]) -> str:
    claim = mount.get("constant") or mount.get("pvcNameParameter", {}).get("runtimeValue", {}).get("constant")
    if not claim:
        raise UsageError(f"{name}: a volume whose claim is known only on the cluster. Name it in [kubeflow] volumes")
    return claim


def _upstream(spec: pb.PipelineTaskSpec) -> Iterator[str]:
    yield from spec.dependent_tasks
    yield from (item.task_output_artifact.producer_task for item in spec.inputs.artifacts.values())
    for item in spec.inputs.parameters.values():
        if item.WhichOneof("kind") == "task_output_parameter":
            yield item.task_output_parameter.producer_task


def _ordered(tasks: dict[str, Task]) -> list[str]:
    for task in tasks.values():
        for missing in set(task.upstream) - tasks.keys():
            raise UsageError(f"{task.name}: waits for {missing!r}, which is not a step of the pipeline")
    try:
        # Sorted, so that one package always runs in one order.
        return list(TopologicalSorter({name: tasks[name].upstream for name in sorted(tasks)}).static_order())
    except CycleError as error:
        raise UsageError(f"the steps wait for each other: {' -> '.join(error.args[1])}") from error
