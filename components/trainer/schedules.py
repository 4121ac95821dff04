"""The learning rate over a training, as a share of its peak.

Each curve goes from progress 0..1 to 0..1, and is asked before each step for the progress at the end of that step: so
the first step of a warm-up is not lost, and the last one is taken at the curve's end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping


def cosine(progress: float) -> float:
    """Half a wave (Loshchilov and Hutter 2017, arXiv 1608.03983), without restarts."""
    return (1 + math.cos(math.pi * progress)) / 2


def polynomial(progress: float) -> float:
    """As nnU-Net has it, with the exponent 0.9."""
    return (1 - progress) ** 0.9


def constant(progress: float) -> float:
    return 1.0


CURVES: Mapping[str, Callable[[float], float]] = {
    "cosine": cosine,
    "polynomial": polynomial,
    "constant": constant,
}
PLATEAU = "plateau"
"""Follows the validation loss, not a curve."""
SCHEDULES = (PLATEAU, *CURVES)
"""What `[training] schedule` may name."""


def rate_factor(schedule: str, warm_up: float, progress: float) -> float:
    """The share of the peak: it rises evenly over the share `warm_up` of the training, and then follows the curve.

    `progress`, that of the whole training, is taken into 0..1.
    """
    progress = min(max(progress, 0.0), 1.0)
    if progress < warm_up:
        return progress / warm_up
    return CURVES[schedule]((progress - warm_up) / (1 - warm_up))
