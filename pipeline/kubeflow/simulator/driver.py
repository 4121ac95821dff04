"""What Kubeflow's driver does before a step: inputs resolved, outputs provided for, the key of the cache.

After resolveInputs and provisionOutputs in backend/src/v2/driver and GenerateCacheKey in backend/src/v2/cacheutils of
kubeflow/pipelines, 2.4.1 to 2.17.0; what differs among them is in `Backend`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from google.protobuf import json_format
from google.protobuf.struct_pb2 import Value
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from components.errors import UsageError
from components.foreign import foreign
from pipeline.kubeflow.container.uris import local_path
from pipeline.kubeflow.simulator.backend import LOGS, Backend
from pipeline.kubeflow.simulator.tasks import Task

OUTPUT_FILE = "/tmp/kfp_outputs/output_metadata.json"
_PARAMETER_FILES = "/tmp/kfp/outputs"
_TYPES = {
    pb.ParameterType.NUMBER_DOUBLE: "number_value",
    pb.ParameterType.NUMBER_INTEGER: "number_value",
    pb.ParameterType.BOOLEAN: "bool_value",
    pb.ParameterType.LIST: "list_value",
    pb.ParameterType.STRUCT: "struct_value",
}

Values = Mapping[str, Value]


@dataclass(frozen=True)
class Finished:
    """What the steps after it see of a step."""

    parameters: Values
    artifacts: Mapping[str, pb.RuntimeArtifact]


@dataclass(frozen=True)
class RunContext:
    """What belongs to the run as a whole."""

    id: str
    name: str
    root: str
    """Address of the folder of this run."""
    parameters: Values


def executor_input(
    task: Task, context: RunContext, finished: Mapping[str, Finished], backend: Backend
) -> pb.ExecutorInput:
    """What the step is told: values, and where artifacts are and are to be. Default values are the launcher's matter.

    Raises:
        UsageError: a parameter has no value or one of another type.
    """
    result = pb.ExecutorInput()
    for key, item in task.spec.inputs.parameters.items():
        value = _checked(task, key, _parameter(task, key, item, context, finished))
        result.inputs.parameter_values[key].CopyFrom(value)
    for key, item in task.spec.inputs.artifacts.items():
        source = item.task_output_artifact
        artifact = finished[source.producer_task].artifacts[source.output_artifact_key]
        result.inputs.artifacts[key].artifacts.append(artifact)
    result.outputs.CopyFrom(_outputs(task, f"{context.root}/{task.name}/{uuid4()}", backend))
    return result


def _outputs(task: Task, root: str, backend: Backend) -> pb.ExecutorInput.Outputs:
    """Artifacts below the address `root` and files for the parameters, which nothing but this task writes."""
    result = pb.ExecutorInput.Outputs(output_file=OUTPUT_FILE)
    if backend.knows_task_root:
        result.output_file = str(local_path(root, Path("/")) / Path(OUTPUT_FILE).name)
    specs = dict(task.component.output_definitions.artifacts)
    if backend.publishes_logs:
        specs[LOGS] = pb.ComponentOutputsSpec.ArtifactSpec(artifact_type={"schema_title": "system.Artifact"})
    for key, spec in specs.items():
        output = result.artifacts[key].artifacts.add(uri=f"{root}/{key}", type=spec.artifact_type)
        if backend.knows_task_root:
            output.name = key
        if spec.HasField("metadata"):
            output.metadata.CopyFrom(spec.metadata)
    for key in task.component.output_definitions.parameters:
        result.parameters[key].output_file = f"{_PARAMETER_FILES}/{key}"
    return result


def run_parameters(spec: pb.ComponentInputsSpec, given: Mapping[str, str]) -> dict[str, Value]:
    """Values for the parameters of a run, from text; JSON where they are not strings.

    Raises:
        UsageError: one is missing, unknown, or not of its type.
    """
    for name in given.keys() - spec.parameters.keys():
        raise UsageError(f"{name}: no such parameter. The pipeline has {', '.join(sorted(spec.parameters)) or 'none'}")
    values = {}
    for name, item in spec.parameters.items():
        if name in given:
            values[name] = from_text(name, given[name], item.parameter_type)
        elif item.HasField("default_value"):
            values[name] = item.default_value
        elif not item.is_optional:
            raise UsageError(f"{name}: the pipeline needs a value for this parameter: --parameter {name}=VALUE")
    return values


def fingerprint(task: Task, given: pb.ExecutorInput, backend: Backend) -> str:
    """The key of Kubeflow's cache; addresses of outputs, defaults of parameters and the environment are no part of it.

    A task's own `cachingOptions.cacheKey` is overlooked, as these releases do. On the newest commit that
    was read the environment counts.
    """
    outputs = given.outputs.artifacts.items()
    specs = task.component.output_definitions.parameters
    key = {
        "inputArtifactNames": {
            name: {"artifactNames": [artifact.name for artifact in items.artifacts]}
            for name, items in given.inputs.artifacts.items()
        },
        "inputParameterValues": {name: _plain(value) for name, value in given.inputs.parameter_values.items()},
        "outputArtifactsSpec": {name: _without_uri(items.artifacts[0]) for name, items in outputs if items.artifacts},
        "outputParametersSpec": {
            name: pb.ParameterType.ParameterTypeEnum.Name(specs[name].parameter_type)
            for name in given.outputs.parameters
        },
        "containerSpec": {
            "image": task.container.image,
            "cmdArgs": [*task.container.command, *task.container.args],
            "pvcNames": sorted(task.volumes) if backend.caches_by_volumes else [],
        },
    }
    return digest(key)


def digest(key: dict[str, Any]) -> str:
    """SHA-256 of a cache key as Kubeflow writes it: JSON in Go's form, without what is empty."""
    text = json.dumps(_as_go(_without_empty(key)), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return hashlib.sha256(text.encode()).hexdigest()


def _without_empty(key: dict[str, Any]) -> dict[str, Any]:
    """Empty fields of a message are left out; empty values of a map are not."""
    container = {name: value for name, value in key["containerSpec"].items() if value}
    return {name: value for name, value in {**key, "containerSpec": container}.items() if value}


def _as_go(value: Any) -> Any:
    """Whole numbers have no decimal point."""
    if isinstance(value, dict):
        return {name: _as_go(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_go(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _parameter(task: Task, key: str, item: Any, context: RunContext, finished: Mapping[str, Finished]) -> Value:
    kind = item.WhichOneof("kind")
    if kind == "component_input_parameter":
        if item.component_input_parameter not in context.parameters:
            raise UsageError(f"{task.name}: {key}: no value for the parameter {item.component_input_parameter!r}")
        return context.parameters[item.component_input_parameter]
    if kind == "task_output_parameter":
        source = item.task_output_parameter
        return finished[source.producer_task].parameters[source.output_parameter_key]
    if kind == "runtime_value":
        return _constant(task, item.runtime_value.constant, context)
    raise UsageError(f"{task.name}: {key}: a parameter of the kind {kind!r} is not simulated. Use a cluster")


def _constant(task: Task, value: Value, context: RunContext) -> Value:
    """What the driver puts in place of a constant, if the constant is nothing but one of these."""
    special = {
        "{{$.pipeline_job_name}}": context.name,
        "{{$.pipeline_job_resource_name}}": context.name,
        "{{$.pipeline_job_uuid}}": context.id,
        "{{$.pipeline_task_name}}": task.name,
    }
    text = value.string_value
    return Value(string_value=special[text]) if text in special else value


def _checked(task: Task, key: str, value: Value) -> Value:
    expected = task.component.input_definitions.parameters[key].parameter_type
    kind = value.WhichOneof("kind")
    if expected == pb.ParameterType.STRING:
        return value if kind == "string_value" else Value(string_value=as_text(value))
    if kind != _TYPES.get(expected, kind):
        name = pb.ParameterType.ParameterTypeEnum.Name(expected)
        raise UsageError(f"{task.name}: {key}: found {as_text(value)}, expected {name}")
    return value


def as_text(value: Value) -> str:
    """A value as the launcher puts it into a command line."""
    plain = _as_go(_plain(value))
    return plain if isinstance(plain, str) else json.dumps(plain, separators=(",", ":"), ensure_ascii=False)


def from_text(name: str, text: str, kind: int) -> Value:
    """A value of the parameter type `kind` from text: JSON, unless the type is a string.

    Of an output parameter, the launcher takes more for a truth value: `True`, `t`, `1`.

    Raises:
        UsageError: it is not of that type.
    """
    if kind == pb.ParameterType.STRING:
        return Value(string_value=text)
    with foreign(UsageError, f"{name}: found {text!r}, expected JSON of the parameter's type"):
        value = json_format.Parse(text, Value())
    if value.WhichOneof("kind") != _TYPES.get(kind):
        expected = pb.ParameterType.ParameterTypeEnum.Name(kind)
        raise UsageError(f"{name}: found {text!r}, expected {expected}")
    return value


def _without_uri(artifact: pb.RuntimeArtifact) -> Any:
    return {key: value for key, value in _plain(artifact).items() if key != "uri"}


def _plain(message: Any) -> Any:
    return json_format.MessageToDict(message)
