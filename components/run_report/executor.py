"""Artifact I/O of RunReport."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils

from components.artifacts import DOUBTFUL_FILE, REPORT_FILE, SHEET_FILE
from components.files import write_json, write_text
from components.run_report.doubtful import write_doubtful
from components.run_report.gather import gathered, looked_at
from components.run_report.illustrations import doubtful_illustrations, illustrations
from components.run_report.page import render
from components.run_report.settings import ReportSettings
from components.run_report.sheet.topics import as_json


class Executor(BaseExecutor):
    """Gathers what the nodes have left behind, and writes `report.html`, `report.json` and `doubtful.csv`."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        inputs = {name: artifact_utils.get_single_instance(given) for name, given in input_dict.items() if given}
        settings = ReportSettings.model_validate_json(exec_properties["settings"])
        doubtful, worst, not_compared = looked_at(inputs, settings)
        run = replace(gathered(inputs, settings), doubtful=doubtful, not_compared=not_compared)
        shown = illustrations(run, inputs["examples"].uri, Path(inputs["evaluation"].uri))
        written = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        folder = Path(artifact_utils.get_single_uri(output_dict["report"]))
        write_json(folder / SHEET_FILE, as_json(run, written))
        write_doubtful(folder / DOUBTFUL_FILE, doubtful)
        write_text(folder / REPORT_FILE, render(run, shown, doubtful_illustrations(worst, run.task), written))
