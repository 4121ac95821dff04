"""The measures of a case of 4096 px: distances of surfaces against the package `surface-distance`, and all of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from functools import partial
from statistics import median

import numpy as np
import surface_distance

from benchmarks._timing import processor_seconds, ratio
from components.measures.all import class_measures
from components.measures.comparison import Comparison
from components.measures.surface import hd95, surface_dice, surfaces
from components.parallel import without_inner_threads

_SIZE, _ROUNDS = 4096, 7


def measure() -> Iterator[str]:
    """Yields processor times of one thread, and ratios of them."""
    without_inner_threads()
    lesion, found = _blob(2000, 2000, 150), _blob(2010, 1990, 160)
    cases = {
        "a lesion": (lesion, found),
        "the same, false positives in two corners": (lesion, found | _blob(100, 4000, 40) | _blob(4000, 100, 40)),
        "a breast": (_blob(2000, 2000, 1700), _blob(2010, 1990, 1720)),
    }
    for name, pair in cases.items():
        ours, theirs = partial(_distances, *pair), partial(_by_the_package, *pair)
        milliseconds = 1000 * median(processor_seconds(ours) for _ in range(_ROUNDS))
        than = ratio(theirs, ours, 3, processor_seconds)
        yield f"{name}: hd95 and surface_dice in {milliseconds:.0f} ms; that of the package over ours: {than}"
        everything = 1000 * median(processor_seconds(partial(_all, *pair)) for _ in range(3))
        yield f"{name}: every measure in {everything:.0f} ms"


def _blob(row: float, column: float, radius: float) -> np.ndarray:
    """A wavy disc, bool."""
    rows, columns = np.ogrid[:_SIZE, :_SIZE]
    angle = np.arctan2(rows - row, columns - column)
    wavy = radius * (1 + 0.1 * np.sin(9 * angle) + 0.03 * np.sin(40 * angle))
    inside: np.ndarray = np.hypot(rows - row, columns - column) < wavy
    return inside


def _distances(true: np.ndarray, positive: np.ndarray) -> None:
    found = surfaces(Comparison(true.view(np.uint8), positive.view(np.uint8)))
    assert found is not None
    assert not math.isnan(hd95(found) + surface_dice(found))


def _by_the_package(true: np.ndarray, positive: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = surface_distance.compute_surface_distances(true, positive, (1.0, 1.0))
    surface_distance.compute_robust_hausdorff(found, 95)
    surface_distance.compute_surface_dice_at_tolerance(found, 2.0)


def _all(true: np.ndarray, positive: np.ndarray) -> None:
    seen = Comparison(true.view(np.uint8), positive.view(np.uint8), 1, positive * np.float32(0.9))
    for each in class_measures():
        each.value(seen, "skip")
