"""The files of a report, from the artifacts of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from tfx.types import Artifact

from components.artifacts import CASES_FILE, DOUBTFUL_FILE, REPORT_FILE, SHEET_FILE
from components.evaluator.per_case import write_cases
from components.files import write_json, write_text
from components.run_report.anonymous import Shown, anonymous, hiding_of
from components.run_report.doubtful import write_doubtful
from components.run_report.gather import gathered, looked_at
from components.run_report.illustrations import doubtful_illustrations, illustrations
from components.run_report.page import render
from components.run_report.settings import ReportSettings
from components.run_report.sheet.topics import as_json
from components.seen.hiding import Hiding
from components.seen.names import Names


def write_report(
    inputs: Mapping[str, Artifact], settings: ReportSettings, folder: Path, names: Names | None = None
) -> Hiding | None:
    """Writes `report.html`, `report.json` and `doubtful.csv`; with `names` by ids, and `per_case.csv` beside them.

    Returns:
        What was hidden by `names`.

    Raises:
        UsageError: a file of the run cannot be read, or has another shape.
    """
    doubtful, worst, not_compared = looked_at(inputs, settings)
    run = replace(gathered(inputs, settings), doubtful=doubtful, not_compared=not_compared)
    pictures = illustrations(run, inputs["examples"].uri, Path(inputs["evaluation"].uri))
    shown = Shown(run, pictures, doubtful_illustrations(worst, run.task))
    hiding = hiding_of(run, names) if names else None
    if hiding:
        shown = anonymous(shown, hiding)
        write_cases(folder / CASES_FILE, shown.run.cases)
    written = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    write_json(folder / SHEET_FILE, as_json(shown.run, written))
    write_doubtful(folder / DOUBTFUL_FILE, shown.run.doubtful)
    write_text(folder / REPORT_FILE, render(shown.run, shown.illustrations, shown.doubted, written))
    return hiding
