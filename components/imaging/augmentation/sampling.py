"""Random warps and changes of values from ranges and probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.imaging.augmentation.fields import Field
from components.imaging.augmentation.intensity import Intensity, Rectangle
from components.imaging.augmentation.lenses import Lens
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

_NO_LENS = {"x": 0.0, "y": 0.0, "radius": 0.0, "amount": 0.0}


def draw_warp(rng: np.random.Generator, settings: Mapping[str, Any], shape: Sequence[int]) -> Warp:
    """One joint map for an image of `shape` (height, width, ...) and its mask.

    `settings` has `horizontal_flip`, `vertical_flip` and `right_angle` (probabilities), `rotation`, `zoom`, `shear`,
    `elastic`, `distortion`, `barrel` and `pincushion` (a probability each, and ranges `(low, high)` that are drawn
    from evenly), `border`, `fill` and `interpolation` (see `Warp`). Images that are not square turn by 180 degrees
    where square ones turn by a right angle.
    """
    # Every number is drawn, used or not, and in this order: a changed probability leaves the other draws as they were.
    horizontal, vertical = _happens(rng, settings["horizontal_flip"]), _happens(rng, settings["vertical_flip"])
    turns = (1, 2, 3) if shape[0] == shape[1] else (2,)
    turned, turn = _happens(rng, settings["right_angle"]), turns[int(rng.random() * len(turns))]
    (degrees,) = _drawn(rng, settings["rotation"], degrees=0.0)
    (zoom,) = _drawn(rng, settings["zoom"], factor=1.0)
    shear_x, shear_y = _drawn(rng, settings["shear"], x=0.0, y=0.0)
    elastic, distortion = (_field(rng, settings, name) for name in ("elastic", "distortion"))
    lenses = [_lens(rng, settings["barrel"], 1), _lens(rng, settings["pincushion"], -1)]
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
        border=settings["border"],
        fill=settings["fill"],
        interpolation=settings["interpolation"],
    )


def draw_intensity(rng: np.random.Generator, settings: Mapping[str, Any]) -> Intensity:
    """What happens to the values of one copy.

    `settings` has a table for each operation, with its `probability` and the range `(low, high)` that its number is
    drawn from evenly: `exponent` of `gamma`, `factor` of `contrast`, `offset` of `brightness`, `clip` of `clahe`,
    `amount` of `sharpening`, `sigma` of `blur` and of `noise`, `scale` of `low_resolution` (see `Intensity` for their
    meaning). `brightness` also has the range `gain` of a contrast that comes with it. `cutout` has the `count` of
    rectangles and the range `size` of each of their sides.
    """
    # Every number is drawn, used or not, and the cut-outs, whose count may change, come last: a changed setting of one
    # operation leaves the other draws as they were.
    numbers: dict[str, Any] = {}
    for operation, (name, of_range) in _NUMBERS.items():
        table = settings[operation]
        happens, number = _happens(rng, table["probability"]), float(rng.uniform(*table[of_range]))
        numbers |= {name: number} if happens else {}
    gain = float(rng.uniform(*settings["brightness"]["gain"]))
    if "brightness" in numbers:
        numbers["contrast"] = gain * numbers.get("contrast", 1.0)
    seed = int(rng.integers(2**32))
    cutouts = _cutouts(rng, settings["cutout"])
    return Intensity(**numbers, noise_seed=seed if "noise" in numbers else 0, cutouts=cutouts)


def _happens(rng: np.random.Generator, probability: float) -> bool:
    return bool(rng.random() < probability)


def _drawn(rng: np.random.Generator, operation: Mapping[str, Any], **neutral: float) -> list[float]:
    """A number from each range of an operation, in the order named, or the neutral ones if it does not happen."""
    happens = _happens(rng, operation["probability"])
    values = [float(rng.uniform(*operation[name])) for name in neutral]
    return values if happens else list(neutral.values())


def _field(rng: np.random.Generator, settings: Mapping[str, Any], name: str) -> Field | None:
    (amplitude,) = _drawn(rng, settings[name], amplitude=0.0)
    seed = int(rng.integers(2**32))
    return Field(amplitude, settings[name]["grid"], seed, gradient=name == "distortion") if amplitude else None


def _lens(rng: np.random.Generator, operation: Mapping[str, Any], sign: int) -> Lens | None:
    x, y, radius, amount = _drawn(rng, {**operation, "x": operation["centre"], "y": operation["centre"]}, **_NO_LENS)
    return Lens(x, y, radius, sign * amount) if amount else None


def _cutouts(rng: np.random.Generator, settings: Mapping[str, Any]) -> tuple[Rectangle, ...]:
    """Rectangles that lie within the image."""
    happens, shape = _happens(rng, settings["probability"]), (settings["count"], 2)
    least, largest = settings["size"]
    sizes = rng.uniform(least, largest, shape)
    rectangles = np.hstack((rng.random(shape) * (1 - sizes), sizes)).tolist()
    return tuple(tuple(rectangle) for rectangle in rectangles) if happens else ()
