"""Truth given as drawings: discs, ellipses and polygons in pixels of the image, filled with a class index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from components.imaging.masks import disc_mask


@dataclass(frozen=True)
class Ellipse:
    """Centre, half-axes and rotation of the first half-axis (degrees, clockwise as seen); a disc has equal half-axes."""

    x: float
    y: float
    radius_x: float
    radius_y: float
    degrees: float = 0.0


@dataclass(frozen=True)
class Polygon:
    """A closed outline, `(x, y)` per corner."""

    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Shape:
    """An outline and the class of what it encloses. Pixel centres have whole coordinates, x to the right, y down."""

    outline: Ellipse | Polygon
    class_index: int = 1


def draw(height: int, width: int, shapes: Iterable[Shape]) -> np.ndarray:
    """`(height, width)` uint8 class indices; later shapes lie over earlier ones, parts outside are cut off."""
    discs = [(shape.outline.y, shape.outline.x, shape.outline.radius_x) for shape in shapes]
    return disc_mask(height, width, discs)
