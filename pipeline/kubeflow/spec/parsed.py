"""A compiled pipeline as the cluster parses it, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from components.foreign import cause, foreign
from pipeline.kubeflow.spec.package import Package


@dataclass(frozen=True)
class Fault:
    """Something that the cluster would refuse, or, as a warning, something to know."""

    where: str
    """The task, or the part of the file."""
    found: str
    why: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{'warning: ' if self.warning else ''}{self.where}: {self.found}: {self.why}. {self.remedy}"


class Unparsable(Exception):
    """The cluster cannot parse the file, for the reasons in `faults`."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(*map(str, faults))
        self.faults = list(faults)


class _Unlike(ValueError):
    """A document that is no such message."""


@dataclass(frozen=True)
class Parsed:
    """The messages that a package consists of."""

    spec: pb.PipelineSpec
    deployment: pb.PipelineDeploymentConfig
    kubernetes: Mapping[str, KubernetesExecutorConfig]
    """By executor label."""

    @property
    def tasks(self) -> Mapping[str, pb.PipelineTaskSpec]:
        return self.spec.root.dag.tasks

    def component(self, task: str) -> pb.ComponentSpec:
        """Empty where there is none, or no such task."""
        name = self.tasks[task].component_ref.name if task in self.tasks else ""
        return self.spec.components[name] if name in self.spec.components else pb.ComponentSpec()

    def container_tasks(self) -> Iterator[tuple[str, str, pb.PipelineDeploymentConfig.PipelineContainerSpec]]:
        """Of each task that runs a container: its id, its executor's label, the container."""
        for task in sorted(self.tasks):
            label = self.component(task).executor_label
            if label in self.deployment.executors and self.deployment.executors[label].HasField("container"):
                yield task, label, self.deployment.executors[label].container


def parse(package: Package) -> Parsed:
    """Parses as the cluster does: unknown fields are an error everywhere but in the deployment spec.

    Raises:
        Unparsable: the cluster could not.
    """
    if "pipelineSpec" in package.spec:
        raise Unparsable(
            Fault(
                "file",
                "a PipelineJob, with the pipeline spec inside",
                "Kubeflow takes the pipeline spec alone, as YAML",
                "Compile it with `maskline kubeflow compile`",
            )
        )
    spec = _message("pipeline spec", package.spec, pb.PipelineSpec())
    deployment = _message(
        "deploymentSpec", package.spec.get("deploymentSpec", {}), pb.PipelineDeploymentConfig(), ignore_unknown=True
    )
    platform = _message("platform spec", package.platform, pb.PlatformSpec())
    if package.platform and "kubernetes" not in platform.platforms:
        raise Unparsable(
            Fault(
                "platform spec",
                f"the platforms {sorted(platform.platforms)}",
                "Kubeflow overlooks a second document without the platform `kubernetes`",
                "Name it kubernetes, or remove the document",
            )
        )
    executors = platform.platforms["kubernetes"].deployment_spec.executors if package.platform else {}
    kubernetes = {
        label: _message(f"platform spec, {label}", json_format.MessageToDict(config), KubernetesExecutorConfig())
        for label, config in executors.items()
    }
    return Parsed(spec, deployment, kubernetes)


def _message(where: str, document: Any, message: Any, ignore_unknown: bool = False) -> Any:
    why = f"the cluster's parser takes no such thing in a {message.DESCRIPTOR.name}"
    remedy = "Correct it, or compile anew with `maskline kubeflow compile`"
    try:
        with foreign(_Unlike, where):
            return json_format.ParseDict(document, message, ignore_unknown_fields=ignore_unknown)
    except _Unlike as error:
        raise Unparsable(Fault(where, cause(error.__cause__ or error), why, remedy)) from error
