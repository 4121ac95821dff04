"""The record that flows between the nodes: one image, its mask and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from components.imaging.truth.classes import foreground, judged


@dataclass(frozen=True)
class Record:
    """Pixels and provenance of one training case."""

    image: np.ndarray
    """`(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16."""
    mask: np.ndarray
    """`(H, W)` uint8 class indices, 0 is background, 255 is not judged."""
    id: str
    group: str
    """Patient, pair or slide: never split."""
    source: str
    """Path of the image file relative to the input folder."""
    source_sha256: bytes
    """Of the decoded source pixels."""
    transform: dict[str, Any]
    """How record pixels map back to source pixels."""
    signature: bytes = b""
    """By which near duplicates are found; see `components.imaging.fingerprint`."""
    label: str = ""
    site: str = ""
    """Institute or scanner; empty where it is not known."""
    derived_from: str = ""
    """Id of the source that this record is a tile of, or of the record that it is a copy of."""
    augmentation: dict[str, Any] = field(default_factory=dict)
    """What made an augmented copy of the record that it names; see `components.imaging.augmentation.augment`."""
    spacing: tuple[float, float] | None = None
    """Height and width of a pixel of the source in mm, where they are known."""
    moments: tuple[float, float] | None = None
    """Of a tile: mean and standard deviation of the whole source at the tile's scale, by which it is standardised."""

    @property
    def bit_depth(self) -> int:
        return 8 * self.image.dtype.itemsize

    @property
    def channels(self) -> int:
        return 1 if self.image.ndim == 2 else self.image.shape[2]

    @property
    def intensity(self) -> tuple[float, float]:
        """Of the image: see `intensity`."""
        return intensity(self.image)

    @property
    def classes(self) -> tuple[int, ...]:
        """Values of the mask, background (0) and `IGNORE` included."""
        return tuple(np.flatnonzero(cv2.calcHist([self.mask], [0], None, [256], [0, 256])).tolist())

    @property
    def foreground(self) -> float:
        """Share of foreground in the mask's pixels that are judged; 0 where none is."""
        pixels = cv2.countNonZero(judged(self.mask).view(np.uint8))
        return cv2.countNonZero(foreground(self.mask)) / pixels if pixels else 0.0

    def augmented(self, id: str, image: np.ndarray, mask: np.ndarray, augmentation: dict[str, Any]) -> Record:
        """A copy with other pixels, that names this record as its origin and says how it was made of it."""
        chain = {"kind": "chain", "steps": [self.transform, augmentation["warp"]]}
        return replace(
            self, id=id, image=image, mask=mask, transform=chain, derived_from=self.id, augmentation=augmentation
        )


def intensity(image: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of `(H, W[, C])` uint8 or uint16 over all pixels and channels, scaled to 0..1.

    Pixels that are not judged count: nobody tells a served model which they are.
    """
    mean, std = cv2.meanStdDev(image.reshape(len(image), -1))
    largest = np.iinfo(image.dtype).max
    return mean.item() / largest, std.item() / largest


@dataclass(frozen=True)
class Header:
    """A record without its pixels: attributes of the same names, with the same values."""

    id: str
    group: str
    source: str
    source_sha256: bytes
    transform: dict[str, Any]
    signature: bytes
    label: str
    site: str
    derived_from: str
    bit_depth: int
    channels: int
    intensity: tuple[float, float]
    classes: tuple[int, ...]
    foreground: float
