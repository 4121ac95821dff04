"""Masks of discs, to follow through maps."""

from __future__ import annotations

import numpy as np

from components.imaging.truth.shapes import Ellipse, Shape, rasterized


def disc_mask(height: int, width: int, row: float, column: float, radius: float) -> np.ndarray:
    """`(height, width)` uint8: 1 where a pixel's centre is in the disc."""
    return rasterized(height, width, [Shape(Ellipse(column, row, radius, radius))])


def dots(height: int, width: int, spacing: int = 24) -> np.ndarray:
    """A grid of discs of radius 5, each a class of its own."""
    classes = np.zeros((height, width), np.uint8)
    places = ((row, column) for row in range(15, height - 10, spacing) for column in range(15, width - 10, spacing))
    for number, (row, column) in enumerate(places):
        classes[disc_mask(height, width, row, column, 5) > 0] = number + 1
    return classes
