"""The outlines of regions along the edges of their pixels, and back: what is drawn comes back pixel for pixel.

The corners of pixels have whole coordinates, x to the right, y down: the first pixel is the unit square from (0, 0) to
(1, 1). Pixels of a region that touch at corners alone are polygons of their own, which share a point, and where holes
touch at corners they are two: no ring touches itself, which makes each polygon valid by the rules of the Open
Geospatial Consortium (Simple Features, 6.1.11), and of what is built on them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

import numpy as np

from components.imaging.annotations.regions import Regions, check_edges, parts_of

Rings = list[list[list[float]]]
"""A polygon: its outer ring, then its holes, each a list of `[x, y]` that ends where it begins."""


def outlines(found: Regions) -> list[list[Rings]]:
    """Of each region its polygons. Outer rings run clockwise as seen, holes the other way; corners alone are listed.

    Raises:
        UnreadableImage: as of `check_edges`.
    """
    check_edges(found)
    parts = np.pad(parts_of(found.mask), 1)
    starts, owners, turned, following = _edges(parts)
    stride = parts.shape[1]
    flat, numbers = parts.reshape(-1), np.pad(found.numbers, 1).reshape(-1)
    polygons: list[list[Rings]] = [[] for _ in found.each]
    rings_of: dict[int, Rings] = {}
    rows, columns = (_shared(axis) for axis in np.divmod(starts, stride))
    corner = turned.tobytes()
    for ring in _walked(_packed(following)):
        owner = owners[ring[0]]
        part = flat[owner]
        if part not in rings_of:
            # Rings come from above, and the outer one of a part reaches farther up than its holes.
            rings_of[part] = []
            polygons[numbers[owner] - 1].append(rings_of[part])
        points: list[list[float]] = [[columns[edge], rows[edge]] for edge in ring if corner[edge]]
        rings_of[part].append([*points, points[0].copy()])
    return polygons


def _edges(parts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each edge, from above, with its part on its right: where it starts, the pixel on its right, whether it turned
    where it starts, and which edge follows.

    Args:
        parts: numbers `(H + 2, W + 2)`, 0 round the border. A point is numbered as the pixel that it follows, `row *
            (W + 2) + column`: that pixel is upper left of it.
    """
    stride = parts.shape[1]
    flat = parts.reshape(-1)
    # Around a point, clockwise from the upper right; who leaves it east, south, west or north has one on the left and
    # the next one on the right.
    around = np.array([1, stride + 1, stride, 0])
    steps = np.array([1, stride, -1, -stride])
    lines = np.flatnonzero(parts[:-1] != parts[1:])
    rows, columns = np.nonzero(parts[:, :-1] != parts[:, 1:])
    walls = rows * stride + columns
    sides = [lines[flat[lines + stride] > 0] - 1, walls[flat[walls] > 0] - stride, lines[flat[lines] > 0]]
    sides.append(walls[flat[walls + 1] > 0])
    keys = np.sort(np.concatenate([4 * side + direction for direction, side in enumerate(sides)]))
    starts, directions = keys >> 2, keys & 3
    ends = starts + steps[directions]
    owners = starts + around[(directions + 1) % 4]
    left = flat[ends + around[directions]] == flat[owners]
    right = flat[owners + steps[directions]] == flat[owners]
    # Left before right: where two pixels of a part touch at a corner, what lies between them is held apart.
    turn = np.where(left, 3, np.where(right, 0, 1))
    following = np.searchsorted(keys, 4 * ends + (directions + turn) % 4)
    turned = np.zeros(len(keys), bool)
    turned[following] = turn != 0
    return starts, owners, turned, following


def _packed(values: np.ndarray) -> array[int]:
    """As quick to index as a list, and a quarter of its size."""
    return array("q", values.astype(np.int64).tobytes())


def _shared(values: np.ndarray) -> list[int]:
    """Whole numbers from 0 on, of equal ones the same object: each of their own takes 32 bytes."""
    found: list[int] = np.arange(values.max(initial=0) + 1).astype(object)[values].tolist()
    return found


def _walked(following: Sequence[int]) -> Iterator[list[int]]:
    walked = bytearray(len(following))
    for first in range(len(following)):
        ring = []
        edge = first
        while not walked[edge]:
            walked[edge] = True
            ring.append(edge)
            edge = following[edge]
        if ring:
            yield ring
