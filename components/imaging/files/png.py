"""The chunks of a PNG file."""

from __future__ import annotations

from collections.abc import Iterator
from os import SEEK_END
from typing import IO

from components.imaging.files.unreadable import UnreadableImage

_SIGNATURE_BYTES = 8
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
