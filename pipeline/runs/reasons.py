"""Why a node ran: what differs between an execution and the earlier one most like it, by the metadata store."""

from __future__ import annotations

import json
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration.metadata import Metadata
from tfx.orchestration.portable.mlmd import execution_lib
from tfx.proto.orchestration import pipeline_pb2

_LOOK_BACK = 20
_NAMED = 3
_NAMES = {
    "code_version": "its code or a library has changed",
    "files": "its input files have changed",
    "champion_content": "the champion's files have changed",
    "held_out": "other groups stay in test for the champion",
}
_OF_THE_DRIVER = {"input_fingerprint", "span", "version"}


def why_it_ran(
    handle: Metadata, pipeline: str, node: pipeline_pb2.PipelineNode, execution: metadata_store_pb2.Execution, gone: str
) -> str:
    """One phrase, of a node of which a cached result would have been taken; `gone` where nothing has changed."""
    earlier = _successes_before(handle, pipeline, node, execution.id)
    if not earlier:
        return "no finished run before"
    changes = min((_changes(handle, before, execution) for before in earlier), key=len)
    more = len(changes) - _NAMED
    return (", ".join(changes[:_NAMED]) or gone) + (f" and {more} more" if more > 0 else "")


def _successes_before(
    handle: Metadata, pipeline: str, node: pipeline_pb2.PipelineNode, execution_id: int
) -> list[metadata_store_pb2.Execution]:
    """The latest successful executions of a node, newest first."""
    context = handle.store.get_context_by_type_and_name("node", f"{pipeline}.{node.node_info.id}")
    executions = handle.store.get_executions_by_context(context.id) if context else []
    earlier = [item for item in executions if item.id < execution_id and execution_lib.is_execution_successful(item)]
    return sorted(earlier, key=lambda item: item.id, reverse=True)[:_LOOK_BACK]


def _changes(handle: Metadata, before: metadata_store_pb2.Execution, now: metadata_store_pb2.Execution) -> list[str]:
    old, new = _parameters(before), _parameters(now)
    if old.get("champion_version") != new.get("champion_version"):
        # Another version has other files.
        new["champion_content"] = old.get("champion_content")
    parameters = _changed_parameters(old, new)
    if (code := _NAMES["code_version"]) in parameters:
        # Which parameters there are, too, is a matter of the code.
        parameters = [code, *(change for change in parameters if change != code and "nothing" not in change)]
    return [*parameters, *(f"new {name}" for name in _changed_inputs(handle, before.id, now.id))]


def _parameters(execution: metadata_store_pb2.Execution) -> dict[str, Any]:
    properties = {**execution.properties, **execution.custom_properties}
    return {
        key: _decoded(getattr(value, value.WhichOneof("value")))
        for key, value in properties.items()
        if not execution_lib.is_internal_key(key) and key not in _OF_THE_DRIVER
    }


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


def _changed_parameters(before: Any, now: Any, path: str = "") -> list[str]:
    """Names of the values that differ, sections opened: `min_dice 0.7 -> 0.99`, `code`."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            change
            for key in sorted(before.keys() | now.keys())
            for change in _changed_parameters(before.get(key), now.get(key), key)
        ]
    if before == now:
        return []
    if path in _NAMES:
        return [_NAMES[path]]
    return [f"{path} {_short(before)} -> {_short(now)}"]


def _short(value: Any) -> str:
    text = "nothing" if value in (None, "") else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _changed_inputs(handle: Metadata, before: int, now: int) -> list[str]:
    def ids(execution_id: int) -> dict[str, list[int]]:
        artifacts = execution_lib.get_input_artifacts(handle, execution_id)
        return {key: [artifact.id for artifact in items] for key, items in artifacts.items()}

    old, new = ids(before), ids(now)
    return [name.replace("_", " ") for name in sorted(new) if old.get(name) != new[name]]
