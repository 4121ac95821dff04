"""Whether the masks of an answer are those that were judged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from components.inference.operating_point import OperatingPoint
from components.inference.postprocess import postprocessed
from components.task import Task


class Tolerance(NamedTuple):
    """What may differ between an answer and the one that was judged."""

    near: float
    """A pixel may be of another class where its probability is no further from the decision than this."""
    share: float
    """Of the foreground of both masks: other pixels that may differ."""


TOLERANCES = {
    # Answers that are judged are kept in 16 bits; other batches, processors and engines add in another order; a
    # temperature stretches that tenfold at most.
    "float32": Tolerance(0.005, 0.0),
    # Steep edges move: the exporter has measured that Dice does not.
    "bfloat16": Tolerance(0.1, 0.02),
    "int8": Tolerance(0.1, 0.02),
}
"""By the precision of what answers."""


class Compared(NamedTuple):
    """Pixels of masks."""

    strays: int
    """Differ, and no answer within the tolerance explains it."""
    foreground: int
    """Of either mask."""


def compared(
    probability: np.ndarray, judged: np.ndarray, task: Task, point: OperatingPoint, scale: float, near: float
) -> Compared:
    """The masks of probabilities `(H, W, channels)`, by an operating point, beside the one `(H, W)` that was judged.

    Pixels near to the decision take the class that was judged before regions are filled and chosen: one of them can
    make a whole region too small.
    """
    found = task.predicted(probability, point.threshold)
    given = np.where(_lacks(probability, judged, task, point.threshold) <= near, judged, found)
    strays = np.count_nonzero(postprocessed(given, point, scale) != judged)
    return Compared(strays, np.count_nonzero((found > 0) | (judged > 0)))


def sentence(found: Iterable[Compared], tolerance: Tolerance) -> tuple[bool, str]:
    """Whether masks agree, and how they differ."""
    strays, foreground = map(sum, zip(*found, strict=True))
    allowed = int(tolerance.share * foreground)
    return strays <= allowed, (
        f"{strays} pixels differ that are further than {tolerance.near:g} from the decision, allowed {allowed} of "
        f"{foreground} in the foreground"
    )


def _lacks(probability: np.ndarray, judged: np.ndarray, task: Task, threshold: float) -> np.ndarray:
    """By how much each probability must change for the class that was judged: `(H, W)`, 0 and below: by nothing."""
    if task.several:
        own = np.take_along_axis(probability, judged[..., None].astype(np.intp), axis=-1)[..., 0]
        return (probability.max(axis=-1) - own) / 2
    beyond = probability[..., 0] - threshold
    return np.where(judged > 0, -beyond, beyond)
