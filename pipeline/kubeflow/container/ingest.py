"""What TFX's driver does for a file-based ExampleGen; on open-source Kubeflow nobody runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.components.example_gen import utils
from tfx.components.example_gen.driver import update_output_artifact
from tfx.proto import example_gen_pb2
from tfx.types import Artifact
from tfx.types.standard_component_specs import INPUT_BASE_KEY, INPUT_CONFIG_KEY
from tfx.utils import proto_utils

from components.errors import MasklineError
from components.example_gen.driver import Processor
from components.example_gen.listing import fingerprint
from components.example_gen.settings import DataSettings


class DataChanged(MasklineError):
    """The input files are not those that the run was submitted for."""


def is_file_based(parameters: dict[str, Any]) -> bool:
    """Whether the parameters are those of a file-based ExampleGen."""
    return INPUT_BASE_KEY in parameters and INPUT_CONFIG_KEY in parameters


def with_span(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters with span, version and fingerprint of the input files, and patterns that name that span.

    Raises:
        DataChanged: the files are others than those whose fingerprint `files` is, by which the result is reused.
    """
    _check_unchanged(parameters)
    config = proto_utils.json_to_proto(parameters[INPUT_CONFIG_KEY], example_gen_pb2.Input())
    processor = Processor(parameters[INPUT_BASE_KEY], config.splits)
    span, version = processor.resolve_span_and_version()
    for split in config.splits:
        split.pattern = processor.get_pattern_for_span_version(split.pattern, span, version)
    return {
        **parameters,
        INPUT_CONFIG_KEY: proto_utils.proto_to_json(config),
        utils.SPAN_PROPERTY_NAME: span,
        utils.VERSION_PROPERTY_NAME: version,
        utils.FINGERPRINT_PROPERTY_NAME: processor.get_input_fingerprint(span, version),
    }


def _check_unchanged(parameters: dict[str, Any]) -> None:
    promised = parameters.get("files")
    if not promised:
        return
    data = DataSettings.model_validate_json(parameters["settings"])
    found = fingerprint(Path(parameters[INPUT_BASE_KEY]), data)
    if found != promised:
        raise DataChanged(
            f"{parameters[INPUT_BASE_KEY]}: the files have the fingerprint {found}, the run was submitted for "
            f"{promised}: they have changed since, or are copies with other times. Submit it again"
        )


def record_span(parameters: dict[str, Any], examples: Artifact) -> None:
    """Puts span, version and fingerprint onto the artifact, as the driver would have done."""
    update_output_artifact(parameters, examples.mlmd_artifact)
