"""Distances between the outlines of a predicted and a true class, per image.

An outline runs between the pixels: an element lies at each corner that pixels of the class and others share, and has
the length of the line that marching squares draw there. What lies outside of the image, or is not judged, is not the
class (Nikolov et al. 2018, arXiv 1809.04430). DeepMind's package `surface-distance` gives the same numbers from maps of
the distances in the whole box of both, which take seconds where a tree of the elements takes a fraction of one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import scipy

from components.measures.comparison import Comparison
from components.measures.measure import SHARE, ClassMeasure
from components.measures.overlap import BY_EMPTY_MASKS

_CORNERS = np.array([[8, 4], [2, 1]], np.float32)
"""What each of the four pixels around a corner adds to its code; 0 and 15 are within or outside."""
_ALL = 15
_FIRST, _LAST = np.array([1]), np.array([_ALL - 1])
_MOST_IN_TREE = 200_000
"""Elements of one outline; more, such as of noise, are faster looked up in a map of the box."""
_ONE_IS_EMPTY = "the class is not both true and predicted, or the size of the image's pixels is not known"


@dataclass(frozen=True)
class Outline:
    """The elements of an outline."""

    corners: np.ndarray
    """int32 `(n, 2)`: row and column."""
    lengths: np.ndarray
    """float64 `(n,)`, in the unit of the pixels' size."""


@dataclass(frozen=True)
class Surfaces:
    """How far the elements of each of two outlines are from the other, nearest first; both are empty, or neither is."""

    of_truth: tuple[np.ndarray, np.ndarray]
    """Distances and lengths, float64 `(n,)`."""
    of_prediction: tuple[np.ndarray, np.ndarray]
    tolerance: float
    nothing: bool
    """Whether the class is neither true nor predicted."""


def surfaces(seen: Comparison) -> Surfaces | None:
    """None where the size of pixels is not known."""
    if seen.pixel_size is None:
        return None
    true, positive = seen.true[seen.box], seen.positive[seen.box]
    if not (true.any() and positive.any()):
        none = np.zeros(0), np.zeros(0)
        return Surfaces(none, none, seen.tolerance, nothing=not true.size)
    one, other = _outline(true, seen.pixel_size), _outline(positive, seen.pixel_size)
    return Surfaces(
        _nearest_first(_distances(one, other, seen.pixel_size), one.lengths),
        _nearest_first(_distances(other, one, seen.pixel_size), other.lengths),
        seen.tolerance,
        nothing=False,
    )


def hd95(found: Surfaces) -> float:
    """The greater of the two distances within which 95 % of an outline lie from the other; NaN if one is empty."""
    if not found.of_truth[0].size:
        return math.nan
    return max(_quantile(*found.of_truth), _quantile(*found.of_prediction))


def surface_dice(found: Surfaces) -> float:
    """The share of both outlines that is within the tolerance of the other; 1 if both are empty, 0 if one is."""
    if not found.of_truth[0].size:
        return float(found.nothing)
    both = found.of_truth, found.of_prediction
    near = sum(lengths[distances <= found.tolerance].sum() for distances, lengths in both)
    return float(near / sum(lengths.sum() for _, lengths in both))


def average_distance(found: Surfaces) -> float:
    """The mean distance to the other outline over both outlines; NaN if one is empty."""
    if not found.of_truth[0].size:
        return math.nan
    both = found.of_truth, found.of_prediction
    return float(sum(distances @ lengths for distances, lengths in both) / sum(lengths.sum() for _, lengths in both))


def _outline(mask: np.ndarray, pixel_size: tuple[float, float]) -> Outline:
    """Of a bool `(H, W)` that is true somewhere; corner (0, 0) is the upper left one of the first pixel."""
    framed = np.pad(mask.view(np.uint8), 1)
    codes = cv2.filter2D(framed, cv2.CV_8U, _CORNERS, anchor=(1, 1), borderType=cv2.BORDER_CONSTANT)[1:, 1:]
    points = cv2.findNonZero(cv2.inRange(codes, _FIRST, _LAST))[:, 0, ::-1]
    return Outline(points, _lengths(*pixel_size)[codes[points[:, 0], points[:, 1]]])


def _lengths(height: float, width: float) -> np.ndarray:
    """The length of the line at a corner by its code: along a side, across one pixel's corner, or across two."""
    across = math.hypot(height, width) / 2
    lengths = np.full(_ALL + 1, across)
    lengths[[0b0011, 0b1100]] = width
    lengths[[0b0101, 0b1010]] = height
    lengths[[0b0110, 0b1001]] = 2 * across
    return lengths


def _distances(one: Outline, other: Outline, pixel_size: tuple[float, float]) -> np.ndarray:
    """Of each element of `one` that to the nearest of `other`, float64 `(n,)`."""
    if max(len(one.corners), len(other.corners)) <= _MOST_IN_TREE:
        distances: np.ndarray = scipy.spatial.KDTree(other.corners * pixel_size).query(one.corners * pixel_size)[0]
        return distances
    away = np.ones(np.maximum(one.corners.max(axis=0), other.corners.max(axis=0)) + 1, bool)
    away[tuple(other.corners.T)] = False
    mapped: np.ndarray = scipy.ndimage.distance_transform_edt(away, sampling=pixel_size)[tuple(one.corners.T)]
    return mapped


def _nearest_first(distances: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = distances.argsort(kind="stable")
    return distances[order], lengths[order]


def _quantile(distances: np.ndarray, lengths: np.ndarray) -> float:
    """The least distance within which 95 % of the length lie."""
    within = np.cumsum(lengths) / lengths.sum()
    return float(distances[min(int(np.searchsorted(within, 0.95)), len(distances) - 1)])


HD95 = ClassMeasure(
    name="hd95",
    title="Hausdorff distance, 95 %",
    unit="px",
    higher_is_better=False,
    family="surface",
    undefined=_ONE_IS_EMPTY,
    fact=surfaces,
    of=hd95,
)
SURFACE_DICE = ClassMeasure(
    name="surface_dice",
    title="surface Dice",
    higher_is_better=True,
    range=SHARE,
    family="surface",
    undefined=f"{BY_EMPTY_MASKS}; or the size of the image's pixels is not known",
    fact=surfaces,
    of=surface_dice,
    by_empty_masks=True,
)
AVERAGE_DISTANCE = ClassMeasure(
    name="average_surface_distance",
    title="average surface distance",
    unit="px",
    higher_is_better=False,
    family="surface",
    undefined=_ONE_IS_EMPTY,
    fact=surfaces,
    of=average_distance,
)
