"""What the first directory of a TIFF file claims, before libtiff believes it. Pillow leaves out what stands behind a
damaged tag."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import IO, NamedTuple

from components.imaging.files.unreadable import UnreadableImage

_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Of a value, by its type: TIFF 6.0, section 2, and BigTIFF."""
_MOST_TAGS = 500
_BIG = (b"+\0", b"\0+")
_LARGE_TILE = 2**24
"""Pixels: a tile may be larger than a small image."""
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_WHOLE = {3: "H", 4: "I", 16: "Q"}


class _Entry(NamedTuple):
    tag: int
    kind: int
    values: int
    value: bytes
    """Itself, or where it is."""


def check_directory(file: IO[bytes], size: int) -> None:
    """To be called before a TIFF file of `size` pixels is decoded: decoders make room for a whole tile, whatever of it
    is in the image, and for the values of all tags.

    Raises:
        UnreadableImage: tiles far larger than the image, or whose size is no whole number; or tags that hold more than
            the file, as only values that lie on each other can.
        struct.error: the file ends before its directory begins.
    """
    order = "<" if file.read(1) == b"I" else ">"
    sides, claimed, tags = {_TILE_WIDTH: 0, _TILE_HEIGHT: 0}, 0, 0
    for entry in _entries(file, order):
        tags += 1
        claimed += _BYTES.get(entry.kind, 1) * entry.values
        if entry.tag in sides:
            sides[entry.tag] = max(sides[entry.tag], _whole(entry, order))
    across, down = sides.values()
    if across * down > _LARGE_TILE + 4 * size:
        raise UnreadableImage(f"has tiles of {across} x {down} pixels for {size} in all: save it anew")
    length = file.seek(0, os.SEEK_END)
    if tags > _MOST_TAGS or claimed > length + 20 * tags:
        raise UnreadableImage(f"has {tags} tags of {claimed} bytes, more than the {length} of the file: save it anew")


def _entries(file: IO[bytes], order: str) -> Iterator[_Entry]:
    file.seek(0)
    head = file.read(16)
    is_big = head[2:4] in _BIG
    place, count, entry = ("Q", "Q", "HHQ8s") if is_big else ("I", "H", "HHI4s")
    file.seek(struct.unpack_from(order + place, head, 8 if is_big else 4)[0])
    left = struct.unpack(order + count, file.read(struct.calcsize(order + count)))[0]
    larger = struct.calcsize(order + entry)
    while left and len(content := file.read(larger)) == larger:
        left -= 1
        yield _Entry(*struct.unpack(order + entry, content))


def _whole(entry: _Entry, order: str) -> int:
    if entry.kind not in _WHOLE or struct.calcsize(_WHOLE[entry.kind]) > len(entry.value):
        raise UnreadableImage("not a whole TIFF image: the sizes of its tiles are no whole numbers")
    [number] = struct.unpack_from(order + _WHOLE[entry.kind], entry.value)
    return int(number)
