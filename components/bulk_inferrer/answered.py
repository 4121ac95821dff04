"""Images with the answers that were kept of them, as they are judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import tee
from pathlib import Path

import numpy as np

from components.bulk_inferrer.answers import MIRRORED, PLAIN, Place
from components.inference.operating_point import OperatingPoint
from components.inference.windows import joined
from components.records.record import Record
from components.records.settings import Derivation
from components.records.sources import at_source_size, read_sources
from components.task import Task


def inference_key(number: int) -> str:
    """The input of a node that is the inference of a split, of those that it reads in their order."""
    return f"inference_{number}"


@dataclass(frozen=True, eq=False)
class Answered:
    """A source with the answer to it."""

    source: Record
    """As `read_sources` has it."""
    truth: np.ndarray
    """Class indices `(H, W)` uint8 at the size that is judged."""
    probability: np.ndarray
    """float32 `(H, W, channels)` there."""
    scale: float
    """How many of its pixels cover the area of one as the model sees it."""


@dataclass(frozen=True)
class Kept:
    """What was answered to the images of a split."""

    examples: str
    inference: Path
    split: str
    task: Task
    derivation: Derivation
    under: str | None = None
    """What the images had been changed by."""

    def by(self, point: OperatingPoint) -> Iterator[Answered]:
        """As an operating point has it, of the model's own answers."""
        place = Place(str(self.inference), self.split, self.under)
        size = (self.derivation.height, self.derivation.width)
        kept = place.read(MIRRORED if point.mirror else PLAIN, size, self.task.channels)
        answers = map(point.answer, kept)
        sources, sized = tee(read_sources(self.examples, self.split))
        sizes = ((each.mask.shape[0], each.mask.shape[1]) for each in sized)
        for source, whole in zip(sources, joined(answers, sizes, self.derivation), strict=True):
            truth, probability = at_source_size(source, whole.probability)
            yield Answered(source, truth, probability, whole.scale * truth.size / source.mask.size)
