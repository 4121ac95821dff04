"""Rules about the graph: versions, names, references, parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipeline.kubeflow.spec.parsed import Fault, Parsed

_RECOMPILE = "Compile anew with `maskline kubeflow compile`"
_SCHEMA = "2.1.0"
_PIPELINE_NAME = re.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_FIELD_NAME = re.compile("[a-zA-Z0-9][-a-zA-Z0-9]*")
_LONGEST_NAME = 128 - len("-driver")
_ROOTS = ("gs://", "minio://", "s3://")
_REFUSED_EXECUTORS = {
    "resolver": "Kubeflow's compiler has not implemented resolvers",
    "custom_job": "custom jobs run on Vertex AI alone",
    None: "an executor is a container or an importer",
}


def schema_version(parsed: Parsed) -> Iterator[Fault]:
    version = parsed.spec.schema_version
    if version != _SCHEMA:
        yield Fault("pipeline", f"schemaVersion {version!r}", f"Kubeflow takes {_SCHEMA} alone", _RECOMPILE)


def pipeline_name(parsed: Parsed) -> Iterator[Fault]:
    name = parsed.spec.pipeline_info.name
    if not _PIPELINE_NAME.fullmatch(name):
        why = "a pipeline's name is of lower-case letters, digits and hyphens, and does not end in a hyphen"
        yield Fault("pipeline", f"the name {name!r}", why, "Rename the recipe's file")


def pipeline_root(parsed: Parsed) -> Iterator[Fault]:
    root = parsed.spec.default_pipeline_root
    if root and not root.startswith(_ROOTS):
        why = f"Kubeflow stores artifacts below {', '.join(_ROOTS)} alone, not on volumes"
        yield Fault("pipeline", f"the pipeline root {root!r}", why, "Set [kubeflow] pipeline_root")


def some_tasks(parsed: Parsed) -> Iterator[Fault]:
    if not parsed.tasks:
        yield Fault("pipeline", "no tasks", "Kubeflow refuses a pipeline without any", _RECOMPILE)


def names(parsed: Parsed) -> Iterator[Fault]:
    """Ids become names in an Argo workflow, with a suffix for the task's driver; executor labels do not."""
    for name in sorted({*parsed.tasks, *parsed.spec.components}):
        if not _FIELD_NAME.fullmatch(name):
            why = "Argo takes letters, digits and hyphens, and a letter or digit first"
            yield Fault(name, f"the id {name!r}", why, "Rename the component: with_id()")
        if len(name) > _LONGEST_NAME:
            why = f"Argo takes {_LONGEST_NAME} beside the suffix of the task's driver"
            yield Fault(name, f"an id of {len(name)} characters", why, "Rename the component: with_id()")
    if "root" in parsed.spec.components:
        yield Fault("root", "a component of this name", "it is Kubeflow's own", "Rename the component: with_id()")


def references(parsed: Parsed) -> Iterator[Fault]:
    """Tasks to components, components to executors, tasks to tasks and their outputs."""
    for name, task in sorted(parsed.tasks.items()):
        component = task.component_ref.name
        if component not in parsed.spec.components:
            yield _unknown(name, "component", component, parsed.spec.components)
            continue
        yield from _executor(parsed, name)
        sources = list(_sources(task))
        upstream = {*task.dependent_tasks, *(producer for producer, _, _ in sources)}
        for producer in sorted(upstream - set(parsed.tasks)):
            yield _unknown(name, "upstream task", producer, parsed.tasks)
        for producer, kind, key in sources:
            outputs = getattr(parsed.component(producer).output_definitions, kind)
            if producer in parsed.tasks and key not in outputs:
                yield _unknown(name, f"output of {producer}", key, outputs)


def _executor(parsed: Parsed, name: str) -> Iterator[Fault]:
    component = parsed.component(name)
    if component.HasField("dag"):
        return
    label = component.executor_label
    if label not in parsed.deployment.executors:
        yield _unknown(name, "executor", label, parsed.deployment.executors)
        return
    kind = parsed.deployment.executors[label].WhichOneof("spec")
    if kind in _REFUSED_EXECUTORS:
        remedy = "Use a component with a container; ChampionResolver stands in for TFX's resolvers"
        yield Fault(name, f"an executor of the kind {kind!r}", _REFUSED_EXECUTORS[kind], remedy)


def _sources(task: pb.PipelineTaskSpec) -> Iterator[tuple[str, str, str]]:
    """The outputs that a task reads: who produces them, `artifacts` or `parameters`, and their key."""
    for artifact in task.inputs.artifacts.values():
        if artifact.WhichOneof("kind") == "task_output_artifact":
            output = artifact.task_output_artifact
            yield output.producer_task, "artifacts", output.output_artifact_key
    for parameter in task.inputs.parameters.values():
        if parameter.WhichOneof("kind") == "task_output_parameter":
            output = parameter.task_output_parameter
            yield output.producer_task, "parameters", output.output_parameter_key


def cycles(parsed: Parsed) -> Iterator[Fault]:
    try:
        TopologicalSorter({name: task.dependent_tasks for name, task in parsed.tasks.items()}).prepare()
    except CycleError as error:
        yield Fault("pipeline", f"tasks in a circle: {' - '.join(error.args[1])}", "none could start", _RECOMPILE)


def runtime_parameters(parsed: Parsed) -> Iterator[Fault]:
    """What whoever starts a run would have to give; a schedule gives nothing."""
    declared = parsed.spec.root.input_definitions.parameters
    for name, parameter in sorted(declared.items()):
        if not (parameter.is_optional or parameter.HasField("default_value")):
            why = "a run without a value for it is refused, and TFX compiles none into the file"
            yield Fault("pipeline", f"the input {name!r} without a default", why, "Give the value at compile time")
        if not parameter.parameter_type:
            yield Fault("pipeline", f"the input {name!r} without a type", "its values are refused", _RECOMPILE)
    for name, task in sorted(parsed.tasks.items()):
        for parameter in task.inputs.parameters.values():
            wanted = parameter.component_input_parameter
            if wanted and wanted not in declared:
                yield _unknown(name, "input of the pipeline", wanted, declared)


def inputs(parsed: Parsed) -> Iterator[Fault]:
    """What a component needs and its task does not get."""
    for name, task in sorted(parsed.tasks.items()):
        wanted = parsed.component(name).input_definitions
        missing = [
            *(key for key, item in wanted.artifacts.items() if not (item.is_optional or key in task.inputs.artifacts)),
            *(
                key
                for key, item in wanted.parameters.items()
                # A default counts for what is optional alone.
                if not (item.is_optional or key in task.inputs.parameters)
            ),
        ]
        for key in sorted(missing):
            yield Fault(name, f"no value for the input {key!r}", "its driver fails without one", _RECOMPILE)
        for key, item in sorted(task.inputs.parameters.items()):
            if _is_empty(item):
                why = "a parameter is a constant, an input of the pipeline or another task's output"
                yield Fault(name, f"an empty value for the input {key!r}", why, _RECOMPILE)


def _is_empty(item: pb.TaskInputsSpec.InputParameterSpec) -> bool:
    kind = item.WhichOneof("kind")
    return kind is None or (kind == "runtime_value" and not item.runtime_value.HasField("constant"))


def _unknown(where: str, what: str, name: str, known: Iterable[str]) -> Fault:
    there = ", ".join(sorted(known)) or "nothing"
    return Fault(where, f"the {what} {name!r}", f"the file has none of this name; it has {there}", _RECOMPILE)


RULES = (
    *(schema_version, pipeline_name, pipeline_root, some_tasks, names),
    *(references, cycles, runtime_parameters, inputs),
)
