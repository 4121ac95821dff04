"""Augmentation of an image and its mask: the same functions make copies for the records and samples for training.

What is drawn depends on seed, record, copy and epoch, and on the version of NumPy, which may change how it draws. The
pixels made of it are the same bit for bit whatever the order, the threads and the workers, on one kind of processor
with one set of library versions. On others they may differ by rounding: OpenCV and NumPy choose their code by the
processor (SIMD width, Intel's IPP), and rotations, lenses and gamma go through the sines and powers of the C library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from components.imaging.augmentation.intensity import Intensity
from components.imaging.augmentation.sampling import draw_intensity, draw_warp
from components.imaging.augmentation.settings import Augmentation
from components.imaging.augmentation.warp import Warp
from components.imaging.truth.classes import foreground

_TRIES = 4


@dataclass(frozen=True)
class AugmentationDraw:
    """Everything that happens to one copy: the pixels move once, then the image's intensities change."""

    warp: Warp
    intensity: Intensity

    def apply(self, image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`(H, W[, C])` uint8 or uint16 and its `(H, W)` classes, of the same sizes and types afterwards.

        Raises:
            ValueError: sizes differ, or one or three quarter turns of an image that is not square.
        """
        warped, classes = self.warp.apply(image, mask)
        return self.intensity.apply(warped), classes

    def as_json(self) -> dict[str, Any]:
        """What the record keeps: with the source's pixels, enough to build the copy again.

        Bit for bit on the same kind of processor with the same library versions, see the module.
        """
        return {"warp": self.warp.as_json(), "intensity": self.intensity.as_json()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The augmentation that gave `as_json`."""
        return cls(Warp.from_json(values["warp"]), Intensity.from_json(values["intensity"]))


def generator(seed: int, record_id: str, copy: int, epoch: int = 0) -> np.random.Generator:
    """The random numbers of one copy: the same bits whatever the order, the worker or the machine.

    NumPy promises that of the bits alone; what `Generator` makes of them may change with its version.
    """
    digest = hashlib.sha256(f"{seed}/{epoch}/{copy}/{record_id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def draw(rng: np.random.Generator, settings: Augmentation, shape: Sequence[int]) -> AugmentationDraw:
    """What happens to an image of `shape` (height, width, ...); `settings` is the `[augmentation]` section."""
    return AugmentationDraw(draw_warp(rng, settings, shape), draw_intensity(rng, settings))


def draws(rng: np.random.Generator, settings: Augmentation, shape: Sequence[int]) -> Iterator[AugmentationDraw]:
    """What may happen to an image, to be tried in turn until the mask keeps foreground: the last moves nothing.

    Maps that shrink much or move a lesion out of the image would make a healthy image of it, and nobody would see.
    """
    for _ in range(_TRIES):
        yield draw(rng, settings, shape)
    yield replace(draw(rng, settings, shape), warp=Warp())


def keeps_foreground(mask: np.ndarray, classes: np.ndarray) -> bool:
    """Whether `classes`, made of `mask`, still have foreground, if that has any."""
    return bool(foreground(classes).any() or not foreground(mask).any())


def augmented(
    image: np.ndarray, mask: np.ndarray, rng: np.random.Generator, settings: Augmentation
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """An image and its mask after a random augmentation, and its parameters.

    These are `AugmentationDraw.as_json`, and `field_scale`: what is left of the amplitudes of its fields where they
    could fold, 1 elsewhere. A mask with foreground keeps some, see `draws`.
    """
    for drawn in draws(rng, settings, image.shape):
        changed, classes = drawn.apply(image, mask)
        if keeps_foreground(mask, classes):
            break
    return changed, classes, {**drawn.as_json(), "field_scale": drawn.warp.field_scale(*mask.shape)}
