"""Masks without what is known to be no finding: holes, specks, all but the largest region."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np

_ROWS = 512
"""At once, of which numbers are copied."""
_CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


class Postprocessing(Protocol):
    """See `OperatingPoint`."""

    @property
    def fill_holes(self) -> bool: ...
    @property
    def least_region(self) -> int: ...
    @property
    def largest(self) -> bool: ...


def postprocessed(mask: np.ndarray, asked: Postprocessing, scale: float = 1.0) -> np.ndarray:
    """Class indices uint8 `(H, W)`: first holes are filled, then regions (with their diagonals) are chosen.

    `scale` is how many pixels of the mask cover the area of one in which `least_region` is given.
    """
    if asked.fill_holes:
        mask = _filled(mask)
    if asked.least_region > 1 or asked.largest:
        mask = _chosen(mask, asked.least_region * scale, asked.largest)
    return mask


def _filled(mask: np.ndarray) -> np.ndarray:
    """Background that no diagonal leads out of, and that one class alone surrounds, becomes that class."""
    count, labels = cv2.connectedComponents((mask == 0).view(np.uint8), connectivity=4)
    highest, lowest = np.zeros(count, np.uint8), np.full(count, 255, np.uint8)
    for around, extreme, beside in (
        (cv2.dilate(mask, _CROSS), np.maximum, highest),
        (cv2.erode(np.where(mask == 0, np.uint8(255), mask), _CROSS), np.minimum, lowest),
    ):
        touching = (mask == 0) & (cv2.dilate(mask, _CROSS) > 0)
        extreme.at(beside, labels[touching], around[touching])
    encloses = highest == lowest
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        encloses[edge] = False
    encloses[0] = False  # what is no background
    fill = np.where(encloses, highest, 0).astype(np.uint8)
    return np.maximum(mask, fill[labels])


def _chosen(mask: np.ndarray, least: float, largest: bool) -> np.ndarray:
    """Without the regions of less than `least` pixels and, of `largest`, than the largest of their class."""
    kept = mask.copy()
    for index in np.unique(mask[mask > 0]):
        member = (mask == index).view(np.uint8)
        count, labels = cv2.connectedComponents(member, connectivity=8)
        # Not by OpenCV's statistics: of noise they take some 300 bytes for each region.
        areas = np.zeros(count, np.int64)
        for row in range(0, len(labels), _ROWS):
            areas += np.bincount(labels[row : row + _ROWS].reshape(-1), minlength=count)
        small = areas < max(least, areas[1:].max() if largest else 0)
        small[0] = False
        kept[small[labels]] = 0
    return kept
