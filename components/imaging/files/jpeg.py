"""The segments of a JPEG stream, also of JPEG-LS, before its first scan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

SCAN, _END = b"\xff\xda", b"\xff\xd9"
_START = b"\xff\xd8"
_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""ISO/IEC 10918-1 B.1.1.3, and of JPEG-LS ISO/IEC 14495-1 C.1.1."""
_ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})


class Segment(NamedTuple):
    """A marker, and where its length stands."""

    marker: int
    position: int


class Size(NamedTuple):
    """Of an image, and how many values a pixel has."""

    width: int
    height: int
    samples: int


def segments(stream: bytes) -> Iterator[Segment]:
    """Those before the first scan, which is the last that comes; bytes between them are passed over, as decoders do."""
    position = 2
    while stream.startswith(_START) and 0 <= (position := stream.find(b"\xff", position)) < len(stream) - 3:
        marker = stream[position + 1]
        if marker == 0xFF:
            position += 1
        elif marker in _ALONE:
            position += 2
        else:
            yield Segment(marker, position + 2)
            if marker == SCAN[1]:
                return
            position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")


def sizes(stream: bytes) -> Iterator[Size]:
    """Of each frame that begins before the first scan."""
    for marker, at in segments(stream):
        if marker in _FRAMES:
            yield Size(
                int.from_bytes(stream[at + 5 : at + 7], "big"),
                int.from_bytes(stream[at + 3 : at + 5], "big"),
                stream[at + 7] if at + 7 < len(stream) else 0,
            )


def scans(stream: bytes) -> int:
    """How many there are up to the end of the image, behind which anything may stand."""
    first = next((at - 2 for marker, at in segments(stream) if marker == SCAN[1]), 0)
    end = stream.find(_END, first)
    return stream.count(SCAN, first, end if end > 0 else len(stream))
