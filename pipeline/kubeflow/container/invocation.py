"""Kubeflow's description of one execution, as the objects that TFX's executors take; and their results back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, MutableMapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2 import compiler_utils
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as tfx_utils
from tfx.orchestration.portable.outputs_utils import tag_output_artifacts_with_version
from tfx.types import Artifact
from tfx.utils.name_utils import get_full_name

from components.artifact_types import own_types
from pipeline.kubeflow.container.uris import local_path, with_uri

Artifacts = dict[str, list[Artifact]]

_MODEL_ID = "current_model_id"


@dataclass(frozen=True)
class Invocation:
    """What an executor is called with. The artifacts' addresses are local paths."""

    inputs: Artifacts
    outputs: Artifacts
    parameters: dict[str, Any]
    output_file: str
    """Where the launcher looks for the results, as the container sees it."""
    uris: dict[str, str]
    """Address by local path."""
    names: dict[int, str]
    """Name of an artifact in Kubeflow by its number in TFX."""

    def all_outputs(self) -> Iterator[Artifact]:
        """The output artifacts, whatever their keys."""
        return chain.from_iterable(self.outputs.values())


def read_invocation(executor_input: str, inputs_spec: str, outputs: Collection[str], root: Path) -> Invocation:
    """From the JSON that Kubeflow fills into the command line.

    `inputs_spec` has the component's inputs, with the types of the artifacts, which Kubeflow's driver does not know any
    more; `outputs` the keys of its output artifacts. Of `executor_input` nothing else is read.
    """
    given = json_format.Parse(executor_input, pipeline_spec_pb2.ExecutorInput(), ignore_unknown_fields=True)
    spec = json_format.Parse(inputs_spec, pipeline_spec_pb2.ComponentInputsSpec(), ignore_unknown_fields=True)
    _keep(given.inputs.artifacts, spec.artifacts)
    _keep(given.inputs.parameter_values, spec.parameters)
    _keep(given.outputs.artifacts, outputs)
    # Titles of artifact types that are not TFX's own are taken for import paths.
    for kind in own_types():
        compiler_utils.TITLE_TO_CLASS_PATH[kind.TYPE_NAME] = get_full_name(kind)
    uris: dict[str, str] = {}
    for key, artifacts in given.inputs.artifacts.items():
        for artifact in artifacts.artifacts:
            artifact.type.CopyFrom(spec.artifacts[key].artifact_type)
            artifact.uri = _localized(artifact.uri, root, uris)
    for artifacts in given.outputs.artifacts.values():
        for artifact in artifacts.artifacts:
            artifact.uri = _localized(artifact.uri, root, uris)
    names: dict[int, str] = {}
    return Invocation(
        inputs=tfx_utils.parse_raw_artifact_dict(given.inputs.artifacts, names),
        outputs=tfx_utils.parse_raw_artifact_dict(given.outputs.artifacts, names),
        parameters=tfx_utils.parse_execution_properties(
            given.inputs.parameter_values, given.inputs.parameters, spec if spec.parameters else None
        ),
        output_file=given.outputs.output_file,
        uris=uris,
        names=names,
    )


def results(invocation: Invocation) -> str:
    """The output artifacts as JSON for the launcher: addresses are Kubeflow's again, properties are metadata."""
    tag_output_artifacts_with_version(invocation.outputs)
    for artifact in invocation.all_outputs():
        # A number in TFX is a name in Kubeflow; as a number in JSON it would lose digits.
        if artifact.get_int_custom_property(_MODEL_ID) in invocation.names:
            tfx_utils.refactor_model_blessing(artifact, invocation.names)
    output = pipeline_spec_pb2.ExecutorOutput()
    for key, artifacts in tfx_utils.translate_executor_output(invocation.outputs, invocation.names).items():
        for artifact in artifacts.artifacts:
            _with_uris(artifact, invocation.uris)
        output.artifacts[key].CopyFrom(artifacts)
    return json_format.MessageToJson(output, sort_keys=True)


def _keep(given: MutableMapping[str, Any], declared: Collection[str]) -> None:
    """Kubeflow's driver adds what is not the component's, such as a log that the launcher writes meanwhile."""
    for key in [key for key in given if key not in declared]:
        del given[key]


def _localized(uri: str, root: Path, uris: dict[str, str]) -> str:
    local = str(local_path(uri, root))
    uris[local] = uri
    return local


def _with_uris(artifact: pipeline_spec_pb2.RuntimeArtifact, uris: dict[str, str]) -> None:
    artifact.uri = with_uri(artifact.uri, uris)
    for key, value in list(artifact.metadata.fields.items()):
        kind = value.WhichOneof("kind")
        if kind == "string_value":
            value.string_value = with_uri(value.string_value, uris)
        elif kind == "null_value":  # Kubeflow's launcher fails on them.
            del artifact.metadata.fields[key]
