"""Label maps as text: of each row of pixels a row of whole numbers, between them spaces, commas, semicolons or tabs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components.imaging.files.unreadable import UnreadableImage, check_size
from components.reading import opened

SUFFIXES = frozenset({".txt", ".csv"})
_HEAD = 2**16
"""Bytes by which a file is known; a row is shorter."""
_SEPARATORS = b" ,;\t\r\n"
_LETTERS = b"0123456789" + _SEPARATORS
_BLANKS = bytes.maketrans(b",;\t\r", b"    ")
_LARGEST = 65535


def is_label_text(content: bytes) -> bool:
    """Whether bytes begin as a label map does: with numbers, and nothing but numbers."""
    head = content[:_HEAD]
    return bool(head.strip(_SEPARATORS)) and not head.translate(None, _LETTERS)


def holds_labels(path: Path) -> bool:
    """Whether a file begins as a table of at least two rows and columns does, of whole numbers alone.

    Raises:
        OSError: it cannot be read.
    """
    with opened(path) as file:
        head = file.read(_HEAD)
    whole = head if len(head) < _HEAD else head[: head.rfind(b"\n") + 1]
    lengths = _lengths(whole)
    return is_label_text(head) and len(lengths) > 1 and len({*lengths}) == 1 and lengths[0] > 1


def decode_label_text(content: bytes, max_pixels: int) -> np.ndarray:
    """`(H, W)` uint8, or uint16 where a number is above 255.

    Raises:
        UnreadableImage: too many numbers, something else than numbers, rows of different lengths, or above 65535.
    """
    if content.translate(None, _LETTERS):
        raise UnreadableImage("has something other than whole numbers: a label map has one for each pixel")
    lengths = _lengths(content)
    if len({*lengths}) != 1:
        raise UnreadableImage(f"has rows of {min(lengths)} to {max(lengths)} numbers, expected as many in each")
    check_size(lengths[0], len(lengths), max_pixels)
    numbers = np.fromstring(content.translate(_BLANKS), np.int64, sep=" ")
    if numbers.max() > _LARGEST:
        raise UnreadableImage(f"has the number {numbers.max()}, expected 0 to {_LARGEST}")
    return numbers.reshape(len(lengths), -1).astype(np.uint8 if numbers.max() < 256 else np.uint16)


def _lengths(content: bytes) -> list[int]:
    """How many numbers each row has, of those that have any."""
    counts = (len(line.split()) for line in content.translate(_BLANKS).split(b"\n"))
    return [count for count in counts if count]
