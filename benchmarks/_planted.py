"""Faults planted into masks: shifted, swapped for another image's, emptied; and slighter ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from components.imaging.files.codecs import encode_png, read_image

Mask = np.ndarray
"""`(H, W)` uint8."""
Fault = Callable[[Mask, Mask, Generator], Mask]
"""Of a mask and that of another image."""
_SHARE = 0.1


def shifted(mask: Mask, share: float, angle: float) -> Mask:
    """By a share of the longer side; the other way where nothing of it would be left."""
    height, width = mask.shape
    rows, columns = (share * max(mask.shape) * part for part in (np.sin(angle), np.cos(angle)))
    way = np.array([[1, 0, columns], [0, 1, rows]])
    moved = cv2.warpAffine(mask, way, (width, height), flags=cv2.INTER_NEAREST)
    return moved if moved.any() else shifted(mask, share, angle + np.pi)


def halved(mask: Mask, rng: Generator) -> Mask:
    """Without half of its regions, rounded up."""
    number, regions = cv2.connectedComponents(mask)
    return np.where(np.isin(regions, 1 + rng.permutation(number - 1)[: number // 2]), 0, mask).astype(np.uint8)


def _sized(mask: Mask, like: Mask) -> Mask:
    return cv2.resize(mask, like.shape[::-1], interpolation=cv2.INTER_NEAREST)


FAULTS: Mapping[str, Fault] = {
    "shifted": lambda mask, other, rng: shifted(mask, 1 / 8, rng.uniform(0, 2 * np.pi)),
    "swapped": lambda mask, other, rng: _sized(other, mask),
    "emptied": lambda mask, other, rng: np.zeros_like(mask),
}
SLIGHT: Mapping[str, Fault] = {
    "shifted by a sixteenth": lambda mask, other, rng: shifted(mask, 1 / 16, rng.uniform(0, 2 * np.pi)),
    "halved": lambda mask, other, rng: halved(mask, rng),
}


def faulty(
    masks: Mapping[str, np.ndarray], faults: Mapping[str, Fault], seed: int
) -> dict[str, tuple[str, np.ndarray]]:
    """A tenth of the masks, by name, of those that mark anything: which fault, and the mask with it.

    Of each fault there are equally many. What stands in for another is one of the others that mark anything.
    """
    rng, number = np.random.default_rng(seed), round(_SHARE * len(masks))
    names = [str(name) for name in rng.permutation([name for name, mask in masks.items() if mask.any()])]
    chosen, kinds = names[:number], [*faults]
    turns = ((name, kinds[turn % len(kinds)]) for turn, name in enumerate(chosen))
    others = (masks[name] for name in names[number:])
    return {name: (kind, faults[kind](masks[name], next(others), rng)) for name, kind in turns}


def plant(pairs: Path, root: Path, seed: int) -> dict[str, str]:
    """Copies the folders `images` and `masks`, with faults in a tenth of the masks; which, by the name of the image."""
    for folder in ("images", "masks"):
        shutil.copytree(pairs / folder, root / folder)
    masks = {path.stem: read_image(path) for path in sorted((root / "masks").iterdir())}
    planted = faulty(masks, FAULTS, seed)
    for name, (_, mask) in planted.items():
        (root / "masks" / f"{name}.png").write_bytes(encode_png(mask))
    return {name: kind for name, (kind, _) in planted.items()}
