"""What is asked of an image: the hashes and signatures that a copy of it would have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from components.imaging.files.codecs import pixel_sha256
from components.imaging.fingerprint import signature

_GAMMAS = (0.5, 0.7, 1.4, 2.0)
"""Tried on the image: one takes back most of what a copy's gamma did, by which the borders of its content move."""
_ENOUGH = 512
"""Pixels of a side that are enough for a signature."""
_LARGEST = np.iinfo(np.uint16).max


@dataclass(frozen=True)
class Query:
    """An image, as it may be known."""

    hashes: tuple[str, ...]
    """SHA-256 of its pixels, hexadecimal, first as they are, then flipped and turned by right angles."""
    signatures: tuple[bytes, ...]
    """First of the image as it is, then at other gammas."""

    @property
    def is_blank(self) -> bool:
        """Whether it has too little detail for changed copies to be known by."""
        return not any(map(any, self.signatures))


def query_of(pixels: np.ndarray) -> Query:
    """The query of an image `(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16."""
    hashes = tuple(pixel_sha256(turned).hex() for turned in _turns(pixels))
    return Query(hashes, (signature(pixels), *map(signature, _brightened(pixels))))


def _turns(pixels: np.ndarray) -> Iterator[np.ndarray]:
    for mirrored in (pixels, pixels[:, ::-1]):
        for turns in range(4):
            yield np.rot90(mirrored, turns)


def _brightened(pixels: np.ndarray) -> Iterator[np.ndarray]:
    """The image at each gamma, of 16 bits: a dark one of 8 bits would lose its levels."""
    height, width = pixels.shape[:2]
    if max(height, width) > _ENOUGH:
        size = (min(width, _ENOUGH), min(height, _ENOUGH))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    shares = pixels / max(1, int(pixels.max()))
    for gamma in _GAMMAS:
        yield np.rint(_LARGEST * shares**gamma).astype(np.uint16)
