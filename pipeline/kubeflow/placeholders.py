"""What Kubeflow's launcher puts into a command line in place of `{{$...}}`.

After getPlaceholders in backend/src/v2/component/launcher_v2.go of kubeflow/pipelines.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipeline.kubeflow.driver import as_text
from pipeline.kubeflow.uris import local_path


def filled(command: Sequence[str], given: pb.ExecutorInput, root: Path) -> list[str]:
    """The command with its placeholders replaced; `root` is where the launcher's local paths begin."""
    values = _placeholders(given, root)
    return [_filled(part, values) for part in command]


def _filled(text: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _placeholders(given: pb.ExecutorInput, root: Path) -> dict[str, str]:
    values = {}
    for side, artifacts in (("inputs", given.inputs.artifacts), ("outputs", given.outputs.artifacts)):
        for name, items in artifacts.items():
            uri = items.artifacts[0].uri
            values[f"{{{{$.{side}.artifacts['{name}'].uri}}}}"] = uri
            values[f"{{{{$.{side}.artifacts['{name}'].path}}}}"] = str(local_path(uri, root))
    for name, value in given.inputs.parameter_values.items():
        values[f"{{{{$.inputs.parameters['{name}']}}}}"] = as_text(value)
    for name, output in given.outputs.parameters.items():
        values[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = output.output_file
    # Last: what the values hold is never taken for a placeholder. The cluster's order is random.
    values["{{$}}"] = json_format.MessageToJson(given, indent=None)
    return values
