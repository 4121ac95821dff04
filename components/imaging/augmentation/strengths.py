"""What `[augmentation] strength` stands for: tables of the section, each of which the section may change.

`standard` are the operations of nnU-Net's default trainer for two dimensions (`nnUNetTrainer.get_training_transforms`
and batchgeneratorsv2), with their probabilities and ranges, as near as the operations here come:
- it blurs and coarsens each channel of a chosen sample by half a chance: here all channels, by the product;
- its noise is of images with a standard deviation of 1, its blur in pixels: here both are relative, for images with a
  standard deviation of a fifth of the span of values, and of 256 pixels;
- its gamma on inverted images (0.1) and on others (0.3) may meet: here one of the two happens;
- it turns by 15 degrees at the most where a patch is more than 1.5 times as long as wide, and gamma keeps the moments;
- its contrast is about the mean, and both that and brightness act on what is standardised already: here, on values that
  are standardised afterwards, little of them is left.
`strong` is after its variant `nnUNetTrainerDA5` (right angles, rotation of twice as many, contrast, sharpening, blank
rectangles), with elastic deformation and CLAHE, which that lacks. Its rectangles are smaller, so that small lesions are
seldom hidden; its contrasts are less and brightness only lifts: here values are cut off at black and at white, where a
dim nucleus or a lesion in bright tissue would end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LIGHT: Mapping[str, Any] = {
    "horizontal_flip": 0.5,
    "rotation": {"probability": 0.5, "degrees": [-10.0, 10.0]},
    "zoom": {"probability": 0.5, "factor": [0.9, 1.1]},
}
_STANDARD: Mapping[str, Any] = {
    "horizontal_flip": 0.5,
    "vertical_flip": 0.5,
    "rotation": {"probability": 0.2, "degrees": [-180.0, 180.0]},
    "zoom": {"probability": 0.2, "factor": [0.7, 1.4]},
    "gamma": {"probability": 0.4, "exponent": [0.7, 1.5], "inverted": 0.25},
    "contrast": {"probability": 0.15, "factor": [0.75, 1.25]},
    "brightness": {"probability": 0.15, "gain": [0.75, 1.25], "offset": [0.0, 0.0]},
    "blur": {"probability": 0.1, "sigma": [0.002, 0.004]},
    "low_resolution": {"probability": 0.125, "scale": [0.5, 1.0]},
    "noise": {"probability": 0.1, "sigma": [0.0, 0.02]},
}
_STRONG: Mapping[str, Any] = {
    **_STANDARD,
    "right_angle": 0.5,
    "rotation": {"probability": 0.4, "degrees": [-180.0, 180.0]},
    "zoom": {"probability": 0.3, "factor": [0.7, 1.4]},
    "elastic": {"probability": 0.3, "amplitude": [0.002, 0.006], "grid": 6},
    "contrast": {"probability": 0.2, "factor": [0.65, 1.35]},
    "brightness": {"probability": 0.2, "gain": [0.9, 1.1], "offset": [0.0, 0.1]},
    "clahe": {"probability": 0.2, "clip": [1.0, 4.0]},
    "sharpening": {"probability": 0.2, "amount": [0.1, 1.0]},
    "blur": {"probability": 0.2, "sigma": [0.002, 0.006]},
    "low_resolution": {"probability": 0.2, "scale": [0.4, 1.0]},
    "noise": {"probability": 0.2, "sigma": [0.0, 0.04]},
    "cutout": {"probability": 0.3, "count": 4, "size": [0.02, 0.08]},
}
STRENGTHS: Mapping[str, Mapping[str, Any]] = {"light": _LIGHT, "standard": _STANDARD, "strong": _STRONG}


def strengthened(section: Mapping[str, Any]) -> dict[str, Any]:
    """The section `[augmentation]` with what its `strength` says of all that it does not say itself.

    A table that leaves out keys of an operation has those of the strength, unless it has numbers of older systems.
    Every record is augmented in every epoch anew where the section says nothing else.
    """
    name = section.get("strength")
    stands_for = STRENGTHS.get(name, {}) if isinstance(name, str) else {}
    if not stands_for:
        return dict(section)
    merged = {key: _completed(section[key], table) if key in section else table for key, table in stands_for.items()}
    return {"online": not section.get("copies"), **section, **merged}


def _completed(given: Any, table: Any) -> Any:
    if isinstance(given, dict) and isinstance(table, dict) and given.keys() <= table.keys():
        return {**table, **given}
    return given
