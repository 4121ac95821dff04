"""Label Studio's run lengths of brush strokes, and back: bits, of which runs of equal bytes and bytes one by one are
made.

First come 32 bits with the number of bytes, 5 with the bits of a byte less one, and four times 4 with the bits of a
length less one. Then, until all bytes are there: a bit that says whether one byte follows for all of the run or one for
each, 2 bits that choose the length of the length, the length less one, and the bytes. They are the red, green, blue and
alpha of each pixel, row by row, of which alpha tells what is painted.
"""

from __future__ import annotations

import numpy as np

from components.imaging.annotations.document import MOST_PIXELS
from components.imaging.files.unreadable import check_size
from components.imaging.truth.shapes import UnclearShape

_CHANNELS = 4
_BYTE = 8
_WIDTHS = np.array([3, 4, 8, 16])
"""Bits of the lengths, of which each run takes the first that holds it, as Label Studio does."""
_LONGEST = 1 << int(_WIDTHS[-1])
_OPAQUE = 128


class _Bits:
    def __init__(self, content: np.ndarray) -> None:
        self._bytes = content.tobytes()
        self._place = 0

    def number(self, width: int) -> int:
        first, last = self._next(width)
        whole = int.from_bytes(self._bytes[first // _BYTE : -(-last // _BYTE)])
        return whole >> -last % _BYTE & (1 << width) - 1

    def numbers(self, count: int, width: int) -> np.ndarray:
        """The next `count` numbers `(count,)` of a width in bits, the most significant one first."""
        first, last = self._next(count * width)
        content = np.frombuffer(self._bytes[first // _BYTE : -(-last // _BYTE)], np.uint8)
        bits = np.unpackbits(content)[first % _BYTE :][: count * width]
        return bits.reshape(count, width) @ (1 << np.arange(width)[::-1])

    def _next(self, bits: int) -> tuple[int, int]:
        """The place of the first, and that after the last."""
        first, self._place = self._place, self._place + bits
        if self._place > len(self._bytes) * _BYTE:
            raise UnclearShape("the run lengths of the brush are cut short")
        return first, self._place


def painted_pixels(content: np.ndarray, height: int, width: int) -> np.ndarray:
    """Which pixels are painted, bool `(height, width)`.

    Args:
        content: uint8 `(n,)`.

    Raises:
        UnreadableImage: an image of too many pixels.
        UnclearShape: no such run lengths, or those of an image of another size.
    """
    check_size(width, height, MOST_PIXELS)
    bits = _Bits(content)
    count = bits.number(32)
    if count != height * width * _CHANNELS:
        raise UnclearShape(
            f"the run lengths of the brush tell {count} values, expected {width} x {height} x {_CHANNELS}"
        )
    byte_width = bits.number(5) + 1
    widths = [bits.number(4) + 1 for _ in range(4)]
    values = np.zeros(count, np.uint8)
    place = 0
    while place < count:
        equal = bits.number(1)
        length = min(bits.number(widths[bits.number(2)]) + 1, count - place)
        values[place : place + length] = bits.number(byte_width) if equal else bits.numbers(length, byte_width)
        place += length
    return values.reshape(height, width, _CHANNELS)[..., -1] >= _OPAQUE


def run_lengths(inside: np.ndarray) -> np.ndarray:
    """What `painted_pixels` reads, uint8 `(n,)`, of the pixels that are painted, bool `(H, W)`.

    A painted pixel is white and opaque, the others are black and transparent, as Label Studio's own converter has them.
    """
    painted = inside.reshape(-1)
    starts = np.flatnonzero(np.append(True, painted[1:] != painted[:-1]))
    whole = np.diff(starts, append=painted.size) * _CHANNELS
    # A run that is longer than can be told is several.
    parts = -(-whole // _LONGEST)
    lengths = np.full(parts.sum(), _LONGEST)
    lengths[parts.cumsum() - 1] = whole - (parts - 1) * _LONGEST
    values = np.repeat(painted[starts], parts) * 255
    chosen = np.searchsorted(1 << _WIDTHS, lengths)
    widths = _WIDTHS[chosen]
    codes = (((1 << 2 | chosen) << widths | lengths - 1) << _BYTE) | values
    sizes = 1 + 2 + widths + _BYTE
    place = np.arange(sizes.max())
    bits = (codes[:, None] >> np.maximum(sizes[:, None] - 1 - place, 0)) & 1
    head = [(painted.size * _CHANNELS, 32), (_BYTE - 1, 5), *((width - 1, 4) for width in _WIDTHS)]
    header = "".join(f"{value:0{width}b}" for value, width in head)
    return np.packbits(np.concatenate([np.array([*header], np.uint8), bits[place < sizes[:, None]].astype(np.uint8)]))
