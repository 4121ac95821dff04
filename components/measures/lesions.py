"""Lesions found and made up, per image: regions of pixels of the class that touch at sides or corners.

A lesion is found where at least one of its pixels is predicted. What is predicted and touches no lesion is a false
positive. (Rule of the least overlap; a stricter one would ask discs, which enclose lesions, for their margins.)
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

_NO_LESION = "the truth has no lesion of the class"


@dataclass(frozen=True)
class Lesions:
    """The lesions of the truth, the regions of the prediction, and which of them overlap."""

    areas: np.ndarray
    """Of each lesion, in pixels."""
    region_areas: np.ndarray
    """Of each region that is predicted."""
    pairs: np.ndarray
    """Indices of a lesion and a region that overlap, `(k, 2)`."""
    shared: np.ndarray
    """Pixels that they have in common, `(k,)`."""
    centres: np.ndarray
    """Whether the centre of each lesion is predicted, bool."""

    @property
    def false_regions(self) -> int:
        """Regions that touch no lesion."""
        return len(self.region_areas) - len(np.unique(self.pairs[:, 1]))


def lesions(seen: Comparison) -> Lesions:
    """Of one class in one image."""
    true, positive = seen.true[seen.box], seen.positive[seen.box]
    if not true.size:
        none = np.zeros(0, np.int64)
        return Lesions(none, none, none.reshape(0, 2), none, none.astype(bool))
    labels, areas, centroids = _regions(true)
    regions, region_areas, _ = _regions(positive)
    both = true & positive
    at = labels[both] - 1, regions[both] - 1
    # Pixels of the same two are added up.
    overlap = scipy.sparse.csr_array((np.ones(len(at[0]), np.int64), at), shape=(len(areas), len(region_areas))).tocoo()
    centres = [bool(positive[_centre(labels, number, at)]) for number, at in enumerate(centroids, 1)]
    pairs = np.stack([overlap.row, overlap.col], axis=1)
    return Lesions(areas, region_areas, pairs, overlap.data, np.array(centres, bool))


def lesion_sensitivity(found: Lesions) -> float:
    """The share of lesions that are found; NaN where there is none."""
    return len(np.unique(found.pairs[:, 0])) / len(found.areas) if len(found.areas) else math.nan


def false_positives(found: Lesions) -> float:
    """How many regions are predicted that touch no lesion."""
    return float(found.false_regions)


def lesion_dice(found: Lesions) -> float:
    """The sum over lesions of their Dice with all regions that touch them, per lesion and false positive.

    A lesion that is not found has 0, as has a false positive; 1 where there is neither (after the lesion-wise Dice of
    the BraTS challenge of 2023, without its dilation).
    """
    number = len(found.areas) + found.false_regions
    if not number:
        return 1.0
    lesion, region = found.pairs.T
    touching = np.bincount(lesion, found.region_areas[region], len(found.areas))
    return float((2 * np.bincount(lesion, found.shared, len(found.areas)) / (found.areas + touching)).sum() / number)


def centre_hit(found: Lesions) -> float:
    """The share of lesions whose centre is predicted: their centroid, or their pixel next to it; NaN without any."""
    return float(found.centres.mean()) if len(found.centres) else math.nan


def _regions(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The number of the region, from 1, of each pixel of a bool `(H, W)`, their areas and centroids `(x, y)`."""
    _, labels, stats, centroids = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    return labels, stats[1:, cv2.CC_STAT_AREA].astype(np.int64), centroids[1:]


def _centre(labels: np.ndarray, number: int, centroid: np.ndarray) -> tuple[int, int]:
    """Row and column; of what is no disc, such as a sickle, the centroid may lie outside."""
    column, row = np.rint(centroid).astype(int)
    if labels[row, column] == number:
        return row, column
    rows, columns = np.nonzero(labels == number)
    nearest = np.hypot(rows - centroid[1], columns - centroid[0]).argmin()
    return rows[nearest], columns[nearest]


LESION_SENSITIVITY = ClassMeasure(
    name="lesion_sensitivity",
    title="lesions found",
    higher_is_better=True,
    range=SHARE,
    family="lesions",
    undefined=_NO_LESION,
    fact=lesions,
    of=lesion_sensitivity,
)
FALSE_POSITIVES = ClassMeasure(
    name="false_positives",
    title="false positives per image",
    higher_is_better=False,
    family="lesions",
    fact=lesions,
    of=false_positives,
)
LESION_DICE = ClassMeasure(
    name="lesion_dice",
    title="lesion-wise Dice",
    higher_is_better=True,
    range=SHARE,
    family="lesions",
    undefined=BY_EMPTY_MASKS,
    fact=lesions,
    of=lesion_dice,
    by_empty_masks=True,
)
CENTRE_HIT = ClassMeasure(
    name="centre_hit",
    title="lesion centres hit",
    higher_is_better=True,
    range=SHARE,
    family="lesions",
    undefined=_NO_LESION,
    fact=lesions,
    of=centre_hit,
)
