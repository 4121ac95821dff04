"""Faults planted into the masks of a folder: shifted, swapped for another image's, emptied."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np

from components.imaging.files.codecs import encode_png, read_image

KINDS = ("shifted", "swapped", "emptied")
_SHARE = 0.1
_SHIFT = 1 / 8


def plant(pairs: Path, root: Path, seed: int) -> dict[str, str]:
    """Writes the pairs of `images` and `masks` again, with faults in a tenth of the masks; their kinds by name.

    Of the kinds there are equally many. Shifted are masks by an eighth of the longer side, some way; whatever is
    shifted or emptied has a foreground, and so has what stands in for another.
    """
    shutil.copytree(pairs, root)
    rng = np.random.default_rng(seed)
    masks = {path.stem: read_image(path) for path in sorted((root / "masks").iterdir())}
    marked = [name for name, mask in masks.items() if mask.any()]
    number = round(_SHARE * len(masks))
    chosen = rng.permutation(marked)[:number]
    planted = {str(name): KINDS[turn % len(KINDS)] for turn, name in enumerate(chosen)}
    others = rng.permutation([name for name in marked if name not in planted])
    for other, (name, kind) in zip(others, planted.items(), strict=False):
        wrong = {
            "shifted": lambda mask: _shifted(mask, rng.uniform(0, 2 * np.pi)),
            "swapped": lambda mask, other=other: _sized(masks[str(other)], mask),
            "emptied": np.zeros_like,
        }[kind](masks[name])
        (root / "masks" / f"{name}.png").write_bytes(encode_png(wrong))
    return planted


def _shifted(mask: np.ndarray, angle: float) -> np.ndarray:
    """Comes back in where nothing of it would be left."""
    length = _SHIFT * max(mask.shape)
    way = np.array([[1, 0, length * np.cos(angle)], [0, 1, length * np.sin(angle)]])
    height, width = mask.shape
    moved = cv2.warpAffine(mask, way, (width, height), flags=cv2.INTER_NEAREST)
    return moved if moved.any() else _shifted(mask, angle + np.pi)


def _sized(mask: np.ndarray, like: np.ndarray) -> np.ndarray:
    return cv2.resize(mask, like.shape[::-1], interpolation=cv2.INTER_NEAREST)
