"""What probabilities are worth: near the foreground, where they are in doubt, and as one confidence for a case."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from components.measures.comparison import Comparison
from components.measures.measure import SHARE, ClassMeasure

_NEAR = 10
"""Rows and columns by which a pixel may lie off what is true or predicted and still be near it: farther away hardly any
is in doubt, and any number of background would make every model look calibrated."""
_BINS = 10
_UNKNOWN = "probabilities are not known or no finite numbers"
_NOTHING_NEAR = f"the class is neither true nor predicted, or {_UNKNOWN}"


@dataclass(frozen=True)
class Near:
    """The pixels near the foreground that are judged."""

    probability: np.ndarray
    """float32 `(n,)`."""
    true: np.ndarray
    """bool `(n,)`."""


@dataclass(frozen=True)
class Sums:
    """Probability of the class summed over pixels that are judged."""

    everywhere: float
    of_truth: float
    of_prediction: float
    true: int
    """Pixels."""
    predicted: int
    judged: int


def near(seen: Comparison) -> Near | None:
    """None without probabilities."""
    if seen.probability is None:
        return None
    box = tuple(
        slice(max(0, side.start - _NEAR), min(length, side.stop + _NEAR))
        for side, length in zip(seen.box, seen.truth.shape, strict=True)
    )
    foreground = (seen.true[box] | seen.positive[box]).view(np.uint8)
    zone = cv2.dilate(foreground, np.ones((2 * _NEAR + 1,) * 2, np.uint8)).view(bool) & seen.judged[box]
    return Near(seen.probability[box][zone], seen.true[box][zone])


def sums(seen: Comparison) -> Sums | None:
    """None without probabilities."""
    probability = seen.probability
    if probability is None:
        return None
    masks = [mask.view(np.uint8) for mask in (seen.judged, seen.true, seen.positive)]
    judged, true, predicted = (cv2.countNonZero(mask) for mask in masks)
    # OpenCV's mean adds up in float64.
    everywhere, of_truth, of_prediction = (
        cv2.mean(probability, mask)[0] * number for mask, number in zip(masks, (judged, true, predicted), strict=True)
    )
    return Sums(everywhere, of_truth, of_prediction, true, predicted, judged)


def brier(found: Near) -> float:
    """The mean of (p - y)^2 over pixels near the foreground, y 1 where the class is and else 0 (Brier 1950)."""
    return float(np.mean((found.probability - found.true) ** 2, dtype=np.float64)) if found.true.size else math.nan


def calibration_error(found: Near) -> float:
    """sum over bins of |sum p - sum y| / n, over the n pixels near the foreground: the expected calibration error.

    Ten bins of probability, of equal width, each with its lower end (Guo et al. 2017, arXiv 1706.04599, of one class).
    """
    if not found.true.size:
        return math.nan
    _, expected, true = binned(found)
    return float(np.abs(expected - true).sum() / found.true.size)


def binned(found: Near) -> np.ndarray:
    """Of ten bins of probability, each with its lower end: the pixels, the sum of their probabilities and how many of
    them are true, float64 `(3, 10)`. Sums of many images are those of all their pixels."""
    bins = np.minimum((found.probability * _BINS).astype(np.int64), _BINS - 1)
    weights = (None, found.probability, found.true)
    return np.stack([np.bincount(bins, each, _BINS).astype(np.float64) for each in weights])


def confidence(found: Sums) -> float:
    """2 sum(p m) / (sum p + sum m), m 1 where the class is predicted and else 0; 0 where nothing is predicted.

    The Dice of the prediction that the model itself expects, without a truth (soft Dice confidence, arXiv 2402.10665).
    """
    return 2 * found.of_prediction / (found.everywhere + found.predicted) if found.predicted else 0.0


BRIER = ClassMeasure(
    name="brier",
    title="Brier score near the foreground",
    higher_is_better=False,
    range=SHARE,
    family="calibration",
    undefined=_NOTHING_NEAR,
    fact=near,
    of=brier,
)
CALIBRATION_ERROR = ClassMeasure(
    name="calibration_error",
    title="calibration error near the foreground",
    higher_is_better=False,
    range=SHARE,
    family="calibration",
    undefined=_NOTHING_NEAR,
    fact=near,
    of=calibration_error,
)
CONFIDENCE = ClassMeasure(
    name="confidence",
    title="soft Dice confidence",
    higher_is_better=True,
    range=SHARE,
    family="calibration",
    undefined=_UNKNOWN,
    fact=sums,
    of=confidence,
)
