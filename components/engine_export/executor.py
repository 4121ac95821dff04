"""Artifact I/O of EngineExporter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.components.util import model_utils
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.artifacts import MADE_ANEW
from components.engine_export.core import export_forms
from components.engine_export.measured import Cases, Served
from components.engine_export.settings import ExporterSettings
from components.inference.stored import stored_point


class Executor(BaseExecutor):
    """Writes the forms that are offered, and every verdict; of a model that is not blessed there are none."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = ExporterSettings.model_validate_json(exec_properties["settings"])
        model = Path(path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"])))
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        blessed = model_utils.is_model_blessed(artifact_utils.get_single_instance(input_dict["model_blessing"]))
        export_forms(
            Served(model, settings.task, settings.derivation, stored_point(model, MADE_ANEW)),
            settings.engines if blessed else [],
            Cases(examples, settings.learnt, settings.judged, settings.empty_masks),
            Path(artifact_utils.get_single_uri(output_dict["engines"])),
        )
