"""Random warps and changes of values from ranges and probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.imaging.augmentation.fields import Field
from components.imaging.augmentation.intensity import Intensity, Rectangle
from components.imaging.augmentation.lenses import Lens
from components.imaging.augmentation.operations import Barrel, Cutout, Displacement, Operation, Pincushion
from components.imaging.augmentation.settings import Augmentation
from components.imaging.augmentation.warp import Warp

_NUMBERS: Mapping[str, tuple[str, str]] = {
    "gamma": ("gamma", "exponent"),
    "contrast": ("contrast", "factor"),
    "brightness": ("brightness", "offset"),
    "clahe": ("clahe_clip", "clip"),
    "sharpening": ("sharpening", "amount"),
    "blur": ("blur", "sigma"),
    "low_resolution": ("low_resolution", "scale"),
    "noise": ("noise", "sigma"),
}
"""By the name of an operation in the settings: the field of `Intensity`, and the name of its range in the settings."""


def draw_warp(rng: np.random.Generator, settings: Augmentation, shape: Sequence[int]) -> Warp:
    """One joint map for an image of `shape` (height, width, ...) and its mask.

    Numbers are drawn evenly from the ranges. Images that are not square turn by 180 degrees where square ones turn by
    a right angle.
    """
    # Every number is drawn, used or not, and in this order: a changed probability leaves the other draws as they were.
    horizontal, vertical = _happens(rng, settings.horizontal_flip), _happens(rng, settings.vertical_flip)
    turns = (1, 2, 3) if shape[0] == shape[1] else (2,)
    turned, turn = _happens(rng, settings.right_angle), turns[int(rng.random() * len(turns))]
    (degrees,) = _drawn(rng, settings.rotation, degrees=0.0)
    (zoom,) = _drawn(rng, settings.zoom, factor=1.0)
    shear_x, shear_y = _drawn(rng, settings.shear, x=0.0, y=0.0)
    elastic, distortion = _field(rng, settings.elastic), _field(rng, settings.distortion, gradient=True)
    lenses = [_lens(rng, settings.barrel, 1), _lens(rng, settings.pincushion, -1)]
    return Warp(
        horizontal_flip=horizontal,
        vertical_flip=vertical,
        quarter_turns=turn if turned else 0,
        degrees=degrees,
        zoom=zoom,
        shear_x=shear_x,
        shear_y=shear_y,
        elastic=elastic,
        distortion=distortion,
        lenses=tuple(lens for lens in lenses if lens),
        border=settings.border,
        fill=settings.fill,
        interpolation=settings.interpolation,
    )


def draw_intensity(rng: np.random.Generator, settings: Augmentation) -> Intensity:
    """What happens to the values of one copy. Numbers are drawn evenly from the ranges.

    `brightness` has the `gain` of a contrast that comes with it.
    """
    # Every number is drawn, used or not, and the cut-outs, whose count may change, come last: a changed setting of one
    # operation leaves the other draws as they were.
    numbers: dict[str, Any] = {}
    for operation, (name, of_range) in _NUMBERS.items():
        table = getattr(settings, operation)
        chance, number = rng.random(), float(rng.uniform(*getattr(table, of_range)))
        numbers |= {name: number} if chance < table.probability else {}
        if operation == "gamma" and chance < table.probability * table.inverted:
            # By the same number: another one would change all that follow.
            numbers["inverted_gamma"] = numbers.pop("gamma")
    least, largest = settings.brightness.gain
    gain = float(rng.uniform(least, largest))
    if "brightness" in numbers:
        numbers["contrast"] = gain * numbers.get("contrast", 1.0)
    seed = int(rng.integers(2**32))
    cutouts = _cutouts(rng, settings.cutout)
    return Intensity(**numbers, noise_seed=seed if "noise" in numbers else 0, cutouts=cutouts)


def _happens(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def _drawn(rng: np.random.Generator, operation: Operation, **neutral: float) -> list[float]:
    """A number from each range of an operation, in the order named, or the neutral ones if it does not happen."""
    happens = _happens(rng, operation.probability)
    values = [float(rng.uniform(*getattr(operation, name))) for name in neutral]
    return values if happens else list(neutral.values())


def _field(rng: np.random.Generator, operation: Displacement, gradient: bool = False) -> Field | None:
    (amplitude,) = _drawn(rng, operation, amplitude=0.0)
    seed = int(rng.integers(2**32))
    return Field(amplitude, operation.grid, seed, gradient=gradient) if amplitude else None


def _lens(rng: np.random.Generator, operation: Barrel | Pincushion, sign: int) -> Lens | None:
    happens = _happens(rng, operation.probability)
    ranges = np.array((operation.centre, operation.centre, operation.radius, operation.amount))
    x, y, radius, amount = (float(rng.uniform(low, high)) for low, high in ranges)
    return Lens(x, y, radius, sign * amount) if happens and amount else None


def _cutouts(rng: np.random.Generator, operation: Cutout) -> tuple[Rectangle, ...]:
    """Rectangles that lie within the image."""
    happens, shape = _happens(rng, operation.probability), (operation.count, 2)
    least, largest = operation.size
    sizes = rng.uniform(least, largest, shape)
    rectangles = np.hstack((rng.random(shape) * (1 - sizes), sizes)).tolist()
    return tuple(tuple(rectangle) for rectangle in rectangles) if happens else ()
