"""Artifact I/O of RunReport."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils

from components.run_report.settings import ReportSettings
from components.run_report.written import write_report


class Executor(BaseExecutor):
    """Gathers what the nodes have left behind, and writes `report.html`, `report.json` and `doubtful.csv`."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        inputs = {name: artifact_utils.get_single_instance(given) for name, given in input_dict.items() if given}
        settings = ReportSettings.model_validate_json(exec_properties["settings"])
        write_report(inputs, settings, Path(artifact_utils.get_single_uri(output_dict["report"])))
