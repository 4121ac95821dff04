"""The cases that are shown, with their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from components.evaluator.per_case import Case
from components.imaging.files.codecs import read_image
from components.overlays import layer, of_record, picture
from components.records.record import Record
from components.records.sources import read_sources
from components.records.splits import TEST
from components.run_report.cases import select_cases
from components.run_report.core import Run
from components.run_report.web import compact, encode
from components.task import Task

_LARGEST = 1024
"""Pixels of the longer side of a picture."""


@dataclass(frozen=True)
class Illustration:
    """A case with two pictures of one size, to be laid upon each other."""

    title: str
    case: Case
    image: bytes
    """PNG, or JPEG where that is too large."""
    layer: bytes
    """PNG with an alpha channel: truth and prediction."""
    opened: int
    """Pixels of the width that it opens in: a whole multiple of its own."""


def illustrations(run: Run, examples: str, evaluation: Path) -> list[Illustration]:
    """Of the cases that `select_cases` chooses of a run, by its records and the folder of its evaluation."""
    chosen = select_cases(run.cases, run.measures[0])
    wanted = {case.id for _, case in chosen}
    records = {record.id: record for record in read_sources(examples, TEST) if record.id in wanted}
    return [_illustration(title, case, records[case.id], evaluation, run.task) for title, case in chosen]


def _illustration(title: str, case: Case, record: Record, evaluation: Path, task: Task) -> Illustration:
    predicted = of_record(record, read_image(evaluation / case.prediction))
    shown = picture(record.image, _LARGEST)
    opened = shown.shape[1] * (_LARGEST // max(shown.shape[:2]))
    outlines = layer(record.mask, predicted, task, _LARGEST)
    return Illustration(title, case, compact(shown), encode(".png", outlines), opened)
