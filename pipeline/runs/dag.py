"""Runs a compiled graph node by node in this process and says of each what happened and why.

The stock LocalDagRunner neither reports nodes nor notices failed ones; the launcher below it is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import compiler, constants
from tfx.orchestration import data_types_utils, metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import Artifact

from components.errors import MasklineError
from pipeline.runs.contents import note
from pipeline.runs.outcome import Output
from pipeline.runs.outputs import explained
from pipeline.runs.reasons import why_it_ran
from pipeline.runs.record import State

ASKED = "asked to run again"


class NodeFailed(MasklineError):
    """A node ended without a result and without an exception of its own."""


@dataclass(frozen=True)
class NodeResult:
    """What happened to a node."""

    id: str
    state: State
    seconds: float
    reason: str
    outputs: dict[str, Output]


class _Why(NamedTuple):
    """What is said of a node that runs though nothing has changed."""

    asked: str
    """Where no cached result is to be used."""
    gone: str
    """Where there is none left."""


def compile_pipeline(pipeline: Pipeline, run_id: str) -> pipeline_pb2.Pipeline:
    """The intermediate representation of a graph, with the run id filled in."""
    compiled = compiler.Compiler().compile(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(compiled, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    return compiled


def needed_for(compiled: pipeline_pb2.Pipeline, node_id: str) -> set[str]:
    """A node and everything upstream of it."""
    return _closure(compiled, node_id, lambda node: node.upstream_nodes)


def following(compiled: pipeline_pb2.Pipeline, node_id: str) -> set[str]:
    """A node and everything downstream of it."""
    return _closure(compiled, node_id, lambda node: node.downstream_nodes)


def run_nodes(
    compiled: pipeline_pb2.Pipeline,
    only: Collection[str],
    uncached: Mapping[str, str],
    gone: Mapping[str, str],
    folders: Collection[Path],
    started: Callable[[str], None],
) -> Iterator[NodeResult]:
    """Runs the nodes `only`, in order; those in `uncached`, for the reason there, even where a cached result exists.

    An exception of a node is raised after its result (state `failed`) has been yielded.

    Args:
        gone: why nodes have no cached result that they would have had.
        folders: where nodes write: one of them is told of where a disk is full.
    """
    deployment = runner_utils.extract_local_deployment_config(compiled)
    config = deployment.metadata_connection_config.database_connection_config
    made: list[Path] = []
    for item in compiled.nodes:
        node = item.pipeline_node
        if node.node_info.id not in only:
            continue
        if node.node_info.id in uncached:
            node.execution_options.caching_options.enable_cache = False
        node_id = node.node_info.id
        started(node_id)
        why = _Why(uncached.get(node_id, ASKED), gone.get(node_id, "no cached result is left"))
        for result in _run_node(compiled, node, deployment, config, why, explained(node_id, folders, made)):
            made += [output.path for output in result.outputs.values()]
            yield result


def _run_node(
    compiled: pipeline_pb2.Pipeline,
    node: pipeline_pb2.PipelineNode,
    deployment: Any,
    config: metadata_store_pb2.ConnectionConfig,
    why: _Why,
    guard: AbstractContextManager[None],
) -> Iterator[NodeResult]:
    node_id = node.node_info.id
    begin = time.monotonic()
    try:
        with guard:
            execution = launcher.Launcher(
                pipeline_node=node,
                mlmd_connection=metadata.Metadata(config),
                pipeline_info=compiled.pipeline_info,
                pipeline_runtime_spec=compiled.runtime_spec,
                executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
                custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
            ).launch()
            state, outputs, reason = _read_back(config, compiled, node, execution, why)
            if state == "failed":
                raise NodeFailed(f"{node_id}: {reason}")
            for output in outputs.values():
                note(output.path, made=state == "ran")
    except BaseException as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        yield NodeResult(node_id, "failed", time.monotonic() - begin, reason, {})
        raise
    yield NodeResult(node_id, state, time.monotonic() - begin, reason, outputs)


def _read_back(
    config: metadata_store_pb2.ConnectionConfig,
    compiled: pipeline_pb2.Pipeline,
    node: pipeline_pb2.PipelineNode,
    info: Any,
    why: _Why,
) -> tuple[State, dict[str, Output], str]:
    """State, outputs and reason of the execution just launched, from the metadata store."""
    state: State
    execution_id = info.execution_id if info else None
    if not execution_id:
        return "failed", {}, "the launcher did not start it"
    with metadata.Metadata(config) as handle:
        [execution] = handle.store.get_executions_by_id([execution_id])
        if execution.last_known_state == metadata_store_pb2.Execution.CACHED:
            state, reason = "cached", "inputs, parameters and code are unchanged"
        elif execution_lib.is_execution_successful(execution):
            cache = node.execution_options.caching_options.enable_cache
            state = "ran"
            reason = why_it_ran(handle, compiled.pipeline_info.id, node, execution, why.gone) if cache else why.asked
        else:
            return "failed", {}, "an input could not be found; the log has the details"
        outputs = execution_lib.get_output_artifacts(handle, execution_id)
    return state, {key: _output(artifacts[0]) for key, artifacts in outputs.items() if artifacts}, reason


def _output(artifact: Artifact) -> Output:
    return Output(Path(artifact.uri), data_types_utils.build_value_dict(artifact.mlmd_artifact.custom_properties))


def _closure(
    compiled: pipeline_pb2.Pipeline,
    node_id: str,
    neighbours: Callable[[pipeline_pb2.PipelineNode], Iterable[str]],
) -> set[str]:
    nodes = {item.pipeline_node.node_info.id: item.pipeline_node for item in compiled.nodes}
    reached: set[str] = set()
    waiting = [node_id]
    while waiting:
        current = waiting.pop()
        if current not in reached:
            reached.add(current)
            waiting.extend(neighbours(nodes[current]))
    return reached
