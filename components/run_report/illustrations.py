"""The cases that are shown, with their pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.evaluator.per_case import Case
from components.imaging.files.codecs import read_image
from components.overlays import layer, of_record, picture
from components.records.record import Record
from components.records.sources import read_sources
from components.records.splits import TEST
from components.run_report.cases import select_cases
from components.run_report.core import Run
from components.run_report.doubtful import Contradicted, Doubtful
from components.run_report.web import compact, encode
from components.task import Task

_LARGEST = 1024
"""Pixels of the longer side of a picture."""
_SMALL = 512
"""The same where pictures are many."""


@dataclass(frozen=True)
class Pictures:
    """Two of one size, to be laid upon each other."""

    image: bytes
    """PNG, or JPEG where that is too large."""
    layer: bytes
    """PNG with an alpha channel: truth and prediction."""
    opened: int
    """Pixels of the width that it opens in: a whole multiple of its own."""


@dataclass(frozen=True)
class Illustration:
    """A case with its pictures."""

    title: str
    case: Case
    pictures: Pictures


@dataclass(frozen=True)
class DoubtfulIllustration:
    """A doubtful label with its pictures."""

    doubtful: Doubtful
    pictures: Pictures


def illustrations(run: Run, examples: str, evaluation: Path) -> list[Illustration]:
    """Of the cases that `select_cases` chooses of a run, by its records and the folder of its evaluation."""
    chosen = select_cases(run.cases, run.measures[0])
    wanted = {case.id for _, case in chosen}
    records = {record.id: record for record in read_sources(examples, TEST) if record.id in wanted}
    return [
        Illustration(title, case, _pictures(records[case.id], read_image(evaluation / case.prediction), run.task))
        for title, case in chosen
    ]


def doubtful_illustrations(worst: Iterable[Contradicted], task: Task) -> list[DoubtfulIllustration]:
    """Of labels with the answers that contradict them."""
    return [DoubtfulIllustration(each.doubtful, _pictures(each.source, each.predicted, task, _SMALL)) for each in worst]


def _pictures(record: Record, predicted: np.ndarray, task: Task, largest: int = _LARGEST) -> Pictures:
    shown = picture(record.image, largest)
    opened = shown.shape[1] * (largest // max(shown.shape[:2]))
    outlines = layer(record.mask, of_record(record, predicted), task, largest)
    return Pictures(compact(shown), encode(".png", outlines), opened)
