"""A form of a model beside the model itself: what becomes of its masks, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import tee
from pathlib import Path
from statistics import median

import numpy as np

from components.artifacts import MADE_ANEW
from components.inference.engines.engine import Asked, Engine
from components.inference.engines.offered import open_form
from components.inference.engines.registry import TENSORFLOW
from components.inference.engines.tensorflow import PROCESSOR
from components.inference.operating_point import OperatingPoint
from components.inference.predictor import Asking, Predictor
from components.measures.comparison import Comparison
from components.measures.measure import EmptyMasks
from components.measures.overlap import DICE
from components.records.record import Record
from components.records.settings import Derivation
from components.records.sources import at_source_size, read_sources
from components.state import broken_named
from components.task import Task

_ROUNDS = 3


@dataclass(frozen=True)
class Served:
    """A model as it is served."""

    folder: Path
    task: Task
    derivation: Derivation
    point: OperatingPoint

    def predictor(self, form: str) -> Predictor:
        """That asks a form of the model as `opened` does, for the same masks."""
        point = self.point
        asking = Asking(form=form, device=PROCESSOR, own=True, mirror=point.mirror, temperature=point.temperature)
        return Predictor(self.folder, self.derivation, asking)

    def opened(self, form: str) -> Engine:
        """A form of the model, by its own answers, on the processor: faster engines compute there, and are compared
        with TensorFlow there."""
        return open_form(self.folder, form, own=True, device=PROCESSOR)


@dataclass(frozen=True)
class Cases:
    """Records by which a form is made and judged."""

    examples: str
    learnt: Sequence[str]
    """Splits that were trained on: of these are samples."""
    judged: Sequence[str]
    """Splits that were not, or that no sample is of."""
    empty_masks: EmptyMasks

    def sources(self) -> Iterator[Record]:
        """Of the splits that judge, as `read_sources`.

        Raises:
            BrokenState: they cannot be read.
        """
        with self.readable():
            yield from (source for split in self.judged for source in read_sources(self.examples, split))

    def readable(self) -> AbstractContextManager[None]:
        """Within it they are read: what they are not is named."""
        return broken_named(Path(self.examples), MADE_ANEW, MemoryError)


def changes(served: Served, form: str, cases: Cases) -> tuple[np.ndarray, list[str], float]:
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
    told, *asked = tee(cases.sources(), 3)
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


def processor_time(served: Served, form: str, samples: Sequence[Asked]) -> float:
    """Of an answer by the form, over that of TensorFlow, taken in turn."""
    batch = Asked(*map(np.concatenate, zip(*samples, strict=True)))
    pair = [served.opened(name) for name in (form, TENSORFLOW)]
    for engine in pair:
        engine(batch)  # what is done once
    return median(_seconds(pair[0], batch) / _seconds(pair[1], batch) for _ in range(_ROUNDS))


def _seconds(engine: Engine, batch: Asked) -> float:
    """Of all threads of this process."""
    begin = time.process_time()
    engine(batch)
    return time.process_time() - begin
