"""The chunks of a PNG file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from os import SEEK_END
from typing import IO

from components.imaging.files.unreadable import UnreadableImage

_SIGNATURE_BYTES = 8
_VALUES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Of a pixel, by the kind of its colours."""
_DEFLATED = 9 / 8
"""By which deflate makes noise longer where an encoder knows no better."""
_SPARE = 2**16
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}
"""Chunks by which OpenCV takes frames apart where Pillow sees one image, and breaks over damage."""
_AROUND = 12
"""Bytes of a chunk beside its data: length and kind before, a check sum behind."""


def png_chunks(file: IO[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each chunk before the end, and where in the file its data begin and end.

    Raises:
        UnreadableImage: the file ends before a chunk does.
    """
    end = file.seek(0, SEEK_END)
    position = _SIGNATURE_BYTES
    while position < end:
        file.seek(position)
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IEND":
            return
        yield kind, position + 8, position + 8 + length
        position += _AROUND + length
    raise UnreadableImage("not a whole PNG image: cut short, or the length of a chunk is damaged")


def check_png(content: bytes, width: int, height: int) -> None:
    """To be called before OpenCV decodes it: that makes room for what a chunk claims, up to 4 GB, before it sees that
    the file ends earlier, and inflates all that follows the pixels.

    Raises:
        UnreadableImage: the file ends before a chunk does, or has no pixels, or more data than they can make, or is an
            animation.
    """
    chunks = [*png_chunks(io.BytesIO(content))]
    if any(kind in _ANIMATION for kind, _, _ in chunks):
        raise UnreadableImage("is an animation, expected one image: save one of its frames alone")
    found = sum(end - begin for kind, begin, end in chunks if kind == b"IDAT")
    if not found:  # for which OpenCV goes on to look behind the end
        raise UnreadableImage("not a whole PNG image: has no pixels before its end")
    depth, colours = content[24], content[25]
    # Rows that are interlaced begin twice as often.
    row = 2 + -(-width * depth * _VALUES.get(colours, 4) // 8)
    most = int(_DEFLATED * row * height) + _SPARE
    if found > most:
        raise UnreadableImage(
            f"has {found} bytes of pixels, more than the {most} that {width} x {height} can have: save it anew"
        )
