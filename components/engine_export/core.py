"""A model converted to a faster engine, and whether its masks are as good."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, tee
from pathlib import Path
from statistics import median

import numpy as np

from components.errors import UsageError
from components.foreign import foreign
from components.imaging.files.codecs import as_float
from components.inference.engines.engine import Asked, Engine
from components.inference.engines.frozen import frozen
from components.inference.engines.offered import Verdict, form_folder, keep_verdict, open_form
from components.inference.engines.registry import TENSORFLOW, engine_module, form_named
from components.inference.operating_point import OperatingPoint
from components.inference.predictor import Asking, Predictor
from components.measures.agreement import MARGIN, agreement
from components.measures.comparison import Comparison
from components.measures.measure import EmptyMasks
from components.measures.overlap import DICE
from components.records.record import Record
from components.records.settings import Derivation
from components.records.sources import at_source_size, read_sources
from components.records.tfexample import parse, read_split, record_count
from components.serving_dir import content_sha256
from components.task import Task

_SAMPLES = 64
"""Windows by which int8 finds its ranges, at most."""
_ROUNDS, _BATCH = 3, 4


@dataclass(frozen=True)
class Served:
    """A model as it is served."""

    folder: Path
    task: Task
    derivation: Derivation
    point: OperatingPoint

    def predictor(self, form: str) -> Predictor:
        """That asks a form of the model, by its own answers, for the same masks."""
        return Predictor(
            self.folder,
            self.derivation,
            Asking(form=form, own=True, mirror=self.point.mirror, temperature=self.point.temperature),
        )


@dataclass(frozen=True)
class Cases:
    """Records by which a form is made and judged."""

    examples: str
    learnt: Sequence[str]
    """Splits that were trained on: of these are samples."""
    judged: Sequence[str]
    """Splits that were not, or that no sample is of."""
    empty_masks: EmptyMasks


def add_form(served: Served, engine: str, precision: str, cases: Cases, margin: float = MARGIN) -> Verdict:
    """Converts a model within its folder and measures the form; it is kept where it agrees, the verdict always.

    Args:
        served: the model.
        engine: of `ENGINES`.
        precision: in which it computes.
        cases: what the form is made and judged by.
        margin: by how much the mean Dice may change.

    Raises:
        UsageError: there is no such engine, it is not installed, or the model cannot be converted to it.
    """
    form, module = form_named(engine, precision), engine_module(engine, converts=True)
    samples, folder = _samples(cases), form_folder(served.folder, form)
    if not samples:
        raise UsageError(f"{cases.examples}: holds no training records, by which {form} could be made")
    shutil.rmtree(folder, ignore_errors=True)
    with foreign(UsageError, f"{served.folder}: cannot be converted to {form}"):
        module.convert(frozen(served.folder), folder, precision, samples)
    return judge_form(served, engine, precision, cases, samples, margin)


def judge_form(
    served: Served, engine: str, precision: str, cases: Cases, samples: Sequence[Asked], margin: float
) -> Verdict:
    """As `add_form`, of what lies in its folder already."""
    form = form_named(engine, precision)
    folder = form_folder(served.folder, form)
    verdict = Verdict(
        engine=engine,
        precision=precision,
        offered=False,
        reason="not measured yet",
        processor_time=1.0,
        sha256=content_sha256(folder),
        measured={},
    )
    keep_verdict(served.folder, form, verdict)
    changes, groups, largest = _changes(served, form, cases)
    found = agreement(changes, groups, margin)
    told = {"measure": DICE.name, "splits": [*cases.judged], "largest_change_of_probability": largest}
    told |= {
        **found.numbers(),
        "made_by": {"splits": [*cases.learnt], "windows": sum(len(each.images) for each in samples)},
    }
    time_taken = _processor_time(served, form, samples[:_BATCH])
    verdict |= {"offered": found.agrees, "reason": found.reason, "processor_time": time_taken, "measured": told}
    if not found.agrees:
        shutil.rmtree(folder)
    keep_verdict(served.folder, form, verdict)
    return verdict


def _samples(cases: Cases) -> list[Asked]:
    """Windows of records that were trained on, evenly chosen, one at a time."""
    count = sum(record_count(cases.examples, split) for split in cases.learnt)
    records = (each for split in cases.learnt for each in read_split(cases.examples, split))
    return [_window(parse(each)) for each in islice(records, 0, None, max(1, -(-count // _SAMPLES)))]


def _window(record: Record) -> Asked:
    image = as_float(record.image)
    return Asked(image.reshape(1, *image.shape[:2], -1), np.array([record.moments or record.intensity], np.float32))


def _changes(served: Served, form: str, cases: Cases) -> tuple[np.ndarray, list[str], float]:
    """Of Dice by the form, float64 `(classes, cases)`; the groups of the cases; the largest change of a probability."""
    rows, groups, largest = [], [], 0.0
    for source, truth, before, after, scale in _answered(served, form, cases):
        masks = (served.point.mask(each, served.task, scale) for each in (before, after))
        old, new = (_dices(truth, mask, served.task, cases.empty_masks) for mask in masks)
        rows.append(new - old)
        groups.append(source.group)
        # What is no number is as wrong as can be.
        largest = max(largest, float(np.nan_to_num(np.abs(after - before), nan=1.0).max()))
    return np.array(rows, np.float64).reshape(len(rows), len(served.task.classes)).T, groups, largest


def _answered(
    served: Served, form: str, cases: Cases
) -> Iterator[tuple[Record, np.ndarray, np.ndarray, np.ndarray, float]]:
    """Of each source its truth and both probabilities at the size that is judged, and the scale of `Answered`."""
    sources = (source for split in cases.judged for source in read_sources(cases.examples, split))
    told, *asked = tee(sources, 3)
    answers = [
        served.predictor(name)(source.image for source in images)
        for name, images in zip((TENSORFLOW, form), asked, strict=True)
    ]
    for source, before, after in zip(told, *answers, strict=True):
        truth, old = at_source_size(source, before.probability)
        _, new = at_source_size(source, after.probability)
        yield source, truth, old, new, before.scale * truth.size / source.mask.size


def _dices(truth: np.ndarray, mask: np.ndarray, task: Task, empty_masks: EmptyMasks) -> np.ndarray:
    """Of each class, NaN where undefined."""
    indices = range(1, len(task.classes) + 1)
    return np.array([DICE.value(Comparison(truth, mask, index), empty_masks) for index in indices])


def _processor_time(served: Served, form: str, samples: Sequence[Asked]) -> float:
    """Of an answer by the form, over that of TensorFlow, taken in turn."""
    batch = Asked(*map(np.concatenate, zip(*samples, strict=True)))
    pair = [open_form(served.folder, name, own=True) for name in (form, TENSORFLOW)]
    for engine in pair:
        engine(batch)  # what is done once
    return median(_seconds(pair[0], batch) / _seconds(pair[1], batch) for _ in range(_ROUNDS))


def _seconds(engine: Engine, batch: Asked) -> float:
    """Of all threads of this process."""
    begin = time.process_time()
    engine(batch)
    return time.process_time() - begin
