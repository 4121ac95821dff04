"""The chunks of a PNG file."""

from __future__ import annotations

from collections.abc import Iterator

from components.imaging.files.unreadable import UnreadableImage

_SIGNATURE_BYTES = 8
_AROUND = 12
"""Bytes of a chunk beside its data: length and kind before, a check sum behind."""


def png_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The kind of each chunk before the end, and where in the file its data begin and end.

    Raises:
        UnreadableImage: the file ends before a chunk does.
    """
    position = _SIGNATURE_BYTES
    while position < len(content) and (kind := content[position + 4 : position + 8]) != b"IEND":
        length = int.from_bytes(content[position : position + 4], "big")
        yield kind, position + 8, position + 8 + length
        position += _AROUND + length
    if position >= len(content):
        raise UnreadableImage("not a whole PNG image: cut short, or the length of a chunk is damaged")
