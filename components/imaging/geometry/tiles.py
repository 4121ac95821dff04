"""Tiles of an image at its own scale, and which of them become records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from components.imaging.geometry.placement import Placement


def tile_placements(
    source_height: int, source_width: int, height: int, width: int, overlap: int, edge: str
) -> list[Placement]:
    """The fewest tiles `(height, width)` that cover an image, row by row. Sizes and overlap in pixels.

    Neighbours share at least `overlap` pixels. By `edge`, sizes that tiles do not fit into evenly are met by:
        overlap: more overlap, spread evenly, so that the last tile ends at the border. An image that is smaller
            than a tile is followed by black.
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
    content_height, rows = _axis(source_height, height, overlap, edge)
    content_width, columns = _axis(source_width, width, overlap, edge)
    return [
        Placement(source_height, source_width, content_height, content_width, -row, -column, height, width)
        for row in rows
        for column in columns
    ]


def _axis(source: int, tile: int, overlap: int, edge: str) -> tuple[int, list[int]]:
    """Along one axis, the size of the content and where the tiles begin in it."""
    stride = tile - overlap
    count = max(1, -((overlap - source) // stride))
    even = overlap + count * stride
    last = (source if edge == "overlap" else even) - tile
    starts = [number * last // max(1, count - 1) for number in range(count)]
    return even if edge == "stretch" else source, starts


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
