"""What Kubeflow's launcher puts into a command line in place of `{{$...}}`.

After getPlaceholders and compileCmdAndArgs in backend/src/v2/component/launcher_v2.go of kubeflow/pipelines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipeline.kubeflow.container.uris import local_path
from pipeline.kubeflow.simulator.driver import as_text

_PLACEHOLDER = re.compile(r"\{\{\$.*?\}\}")


def filled(command: Sequence[str], given: pb.ExecutorInput, root: Path) -> list[str]:
    """The command with its placeholders replaced; `root` is where the launcher's local paths begin."""
    values = _placeholders(given, root)
    whole = json_format.MessageToJson(given, indent=None)
    # The whole first, in which placeholders are then replaced as well, as from 2.14 on. What else the values hold is
    # never taken for a placeholder here; on the cluster that is a matter of chance, up to 2.5 for the whole, too.
    parts = (part.replace("{{$}}", whole) for part in command)
    return [_PLACEHOLDER.sub(lambda match: values.get(match[0], match[0]), part) for part in parts]


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
    return values
