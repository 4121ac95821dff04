"""Tiles of an image at its own scale, and which of them become records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from components.imaging.geometry.placement import Placement

_UNITS = 8
"""Of a tile's side, at least."""


def tile_placements(
    source_height: int, source_width: int, height: int, width: int, overlap: int, edge: str
) -> list[Placement]:
    """The fewest tiles `(height, width)` that cover an image, row by row. Sizes and overlap in pixels.

    Neighbours share at least `overlap` pixels, and tiles begin at multiples of a unit: the largest power of two that
    divides the side of a tile, up to an eighth of it. What a network halves again and again it then halves alike in
    all of them. By `edge`, sizes that tiles do not fit into evenly are met by:
        overlap: more overlap, spread evenly. The last tile ends at the border, wherever it then begins. An image that
            is smaller than a tile is followed by black.
        pad: black after the last row and column.
        stretch: resizing up to the next size that tiles fit into.

    Raises:
        ValueError: an overlap that is negative or not smaller than a tile, or an unknown edge.
    """
    if not 0 <= overlap < min(height, width):
        raise ValueError(
            f"tiles of {height} x {width} pixels cannot overlap by {overlap}: expected 0 to {min(height, width) - 1}"
        )
    if edge not in ("overlap", "pad", "stretch"):
        raise ValueError(f"no edge of tiles is called {edge!r}: expected overlap, pad or stretch")
    content_height, rows = tile_axis(source_height, height, overlap, edge)
    content_width, columns = tile_axis(source_width, width, overlap, edge)
    return [
        Placement(source_height, source_width, int(content_height), int(content_width), -row, -column, height, width)
        for row in rows.tolist()
        for column in columns.tolist()
    ]


def tile_axis(source: Any, tile: int, overlap: int, edge: str, ops: ModuleType = np) -> tuple[Any, Any]:
    """Along one axis, the size of the content and where the tiles `(n,)` begin in it; see `tile_placements`.

    Args:
        source: size of the image, a whole number: of Python, or a tensor where `ops` computes with tensors.
        ops: NumPy, or what has its functions.
    """
    # A unit of more would cost tiles, and win nothing: what is halved that often sees more than tiles may overlap by.
    unit = min(tile & -tile, 2 ** (max(1, min(tile // _UNITS, tile - overlap)).bit_length() - 1))
    step = (tile - overlap) // unit * unit
    # The last tile need not begin at a multiple where it ends at the border.
    longest = tile - overlap if edge == "overlap" else step
    left = ops.maximum(0, source - tile)
    steps = ops.minimum(left, 1) + ops.maximum(0, -((longest - left) // step))
    last = left if edge == "overlap" else steps * step
    numbers = ops.arange(steps)
    evenly = -(-numbers * last // ops.maximum(1, steps * unit)) * unit
    begins = ops.append(ops.minimum(evenly, numbers * step), last)
    return tile + last if edge == "stretch" else source, begins


def tile_ids(sample_id: str, tiles: Sequence[Placement]) -> Iterator[str]:
    """`<id>_<row>x<column>` of each of the `tile_placements` of a sample, rows and columns counted from 0."""
    columns = sum(tile.top == tiles[0].top for tile in tiles)
    for number in range(len(tiles)):
        row, column = divmod(number, columns)
        yield f"{sample_id}_{row}x{column}"


def keep_empty(tile_id: str, share: float, salt: str) -> bool:
    """Whether a tile without foreground becomes a record: that `share` of all, by a hash of salt and id alone."""
    digest = hashlib.sha256(f"{salt}/{tile_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64
