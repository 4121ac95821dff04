"""The tiles that a TIFF file claims, by its own directory: Pillow leaves out what stands behind a damaged tag, which
libtiff reads."""

from __future__ import annotations

import struct
from typing import IO

from components.imaging.files.unreadable import UnreadableImage

_LARGE = 2**24
"""Pixels: a tile may be larger than a small image."""
_WIDTH, _HEIGHT = 322, 323
_SHORT, _LONG = 3, 4
_BIG = (b"+\0", b"\0+")
_LONG_8 = 16


def check_tiles(file: IO[bytes], size: int) -> None:
    """To be called before a TIFF file of `size` pixels is decoded: decoders make room for a whole tile, whatever of it
    is in the image.

    Raises:
        UnreadableImage: tiles far larger than the image, or whose size is no whole number.
        struct.error: the file ends before its directory begins.
    """
    across, down = _largest(file)
    if across * down > _LARGE + 4 * size:
        raise UnreadableImage(f"has tiles of {across} x {down} pixels for {size} in all: save it anew")


def _largest(file: IO[bytes]) -> tuple[int, int]:
    """Width and height, of several that are told the largest; zeros where none are."""
    file.seek(0)
    head = file.read(16)
    order, is_big = "<" if head.startswith(b"I") else ">", head[2:4] in _BIG
    place, count, entry, value = ("Q", "Q", 20, 12) if is_big else ("I", "H", 12, 8)
    forms = {_SHORT: "H", _LONG: "I"} | ({_LONG_8: "Q"} if is_big else {})
    file.seek(struct.unpack_from(order + place, head, 8 if is_big else 4)[0])
    left = struct.unpack(order + count, file.read(struct.calcsize(order + count)))[0]
    sides = {_WIDTH: 0, _HEIGHT: 0}
    while left and len(content := file.read(entry)) == entry:
        left -= 1
        tag, kind = struct.unpack_from(order + "HH", content)
        if tag in sides and kind not in forms:
            raise UnreadableImage("not a whole TIFF image: the sizes of its tiles are no whole numbers")
        if tag in sides:
            sides[tag] = max(sides[tag], struct.unpack_from(order + forms[kind], content, value)[0])
    return sides[_WIDTH], sides[_HEIGHT]
