"""Run lengths as COCO has them: column by column, in turn of pixels outside and inside, beginning with outside.

Compressed, each length from the fourth on is told by its difference to the last but one before it, in digits of 5 bits,
the least first, two's complement, each a character from `0` on; the sixth bit says that another digit follows
(`rleToString` in pycocotools' `maskApi.c`).
"""

from __future__ import annotations

import numpy as np

from components.foreign import foreign
from components.imaging.truth.shapes import UnclearShape

_BITS = 5
MOST_RUNS = 2**22
"""Of a mask, written as numbers."""
_MOST_DIGITS = 7
"""Of a length: images have fewer than 2 ** 34 pixels."""
_LONGEST = 2**23
"""Characters: more runs than a mask has, and each takes half a hundred bytes to read."""
_MORE = 1 << _BITS
_FIRST = ord("0")


def run_lengths(inside: np.ndarray, corner: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """int64 `(n,)` of an image of a size (height, width) whose pixels are outside but for bool `(h, w)` at a corner.

    Args:
        corner: row and column of the first of these pixels.
    """
    columns = np.pad(inside.T, ((0, 0), (1, 1)))
    column, row = np.nonzero(columns[:, 1:] != columns[:, :-1])
    changes = (corner[1] + column) * size[0] + corner[0] + row
    # What ends at the foot of one column and goes on at the head of the next is one run.
    meeting = np.flatnonzero(changes[1:] == changes[:-1])
    changes = np.delete(changes, np.concatenate([meeting, meeting + 1]))
    lengths = np.diff(changes, prepend=0, append=size[0] * size[1])
    return lengths if lengths[-1] else lengths[:-1]


def numbers(text: str, separator: str | None = None) -> np.ndarray:
    """int64 `(n,)` of whole numbers, as run lengths are told in a text.

    Raises:
        UnclearShape: they are none, or too many.
    """
    parts = text.split(separator, MOST_RUNS)
    if len(parts) > MOST_RUNS:
        raise UnclearShape(f"has more than the {MOST_RUNS} run lengths that are read")
    with foreign(UnclearShape, f"{text[:40]!r} are no whole numbers"):
        return np.array([int(part) for part in parts], np.int64)


def compressed(lengths: np.ndarray) -> str:
    """Of lengths int64 `(n,)`."""
    differences = lengths.copy()
    differences[3:] -= lengths[1:-2]
    place = np.arange(_MOST_DIGITS)
    limits = 1 << (_BITS * (place[:-1] + 1) - 1)
    digits = 1 + ((differences[:, None] >= limits) | (differences[:, None] < -limits)).sum(axis=1, keepdims=True)
    characters = (differences[:, None] >> (_BITS * place)) & (_MORE - 1)
    characters += _FIRST + _MORE * (place < digits - 1)
    return characters[place < digits].astype(np.uint8).tobytes().decode()


def decompressed(text: str) -> np.ndarray:
    """Lengths int64 `(n,)`, of whatever sign and sum.

    Raises:
        UnclearShape: no such text.
    """
    if len(text) > _LONGEST:
        raise UnclearShape(
            f"the compressed run lengths have {len(text)} characters, more than the {_LONGEST} that are read"
        )
    characters = np.frombuffer(text.encode(), np.uint8).astype(np.int64) - _FIRST
    if not characters.size or characters.min() < 0 or characters.max() >= 2 * _MORE or characters[-1] >= _MORE:
        raise UnclearShape(f"the counts {text[:20]!r} are no compressed run lengths")
    starts = np.flatnonzero(np.append(True, characters[:-1] < _MORE))
    digits = np.diff(starts, append=len(characters))
    if digits.max() > _MOST_DIGITS:
        raise UnclearShape("the compressed run lengths have one of more pixels than an image has")
    place = np.arange(len(characters)) - np.repeat(starts, digits)
    lengths = np.add.reduceat((characters & (_MORE - 1)) << (_BITS * place), starts)
    lengths -= (lengths >> (_BITS * digits - 1)) << (_BITS * digits)
    lengths[1::2] = lengths[1::2].cumsum()
    lengths[2::2] = lengths[2::2].cumsum()
    return lengths
