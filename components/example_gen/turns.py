"""The orientations that an image and its masks carry, and whether they tell how the two lie on each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from components.imaging.files.orientation import UPRIGHT, swaps_sides, turn_name, turned, turned_back


@dataclass(frozen=True)
class Turns:
    """The orientations, 1 to 8 as in EXIF, of an image and of the files of its truth."""

    image: int = UPRIGHT
    masks: Mapping[str, int] = field(default_factory=dict)
    """By path, of masks and of a region; a drawing carries none."""

    @property
    def carried(self) -> bool:
        """Whether any of them has one."""
        return {self.image, *self.masks.values()} != {UPRIGHT}

    @property
    def agree(self) -> bool:
        return {self.image} == set(self.masks.values() or [UPRIGHT])

    def __str__(self) -> str:
        masks = " and ".join(sorted({turn_name(turn) for turn in self.masks.values() or [UPRIGHT]}))
        return f"the image {turn_name(self.image)}, its mask {masks}"


def why_unclear(image: int, truth: Mapping[str, tuple[int, np.ndarray]]) -> str:
    """Why it cannot be told how an image and its truth lie on each other; empty where it can.

    Args:
        image: its orientation.
        truth: by path, or "" of a drawing, orientation and class indices `(H, W)`, turned upright as the image was.
    """
    for path, (turn, classes) in truth.items():
        if _is_unclear(image, turn, classes, has_size=bool(path)):
            whose = f"its mask {path} {turn_name(turn)}" if path else "its outlines none"
            return (
                f"they carry different orientations, the image {turn_name(image)}, {whose}: they lie on each other in "
                'one way upright, in another as stored. Set [data] orientation = "apply" if the truth was drawn on '
                'what viewers show, or "ignore" if on the pixels as stored'
            )
    return ""


def _is_unclear(image: int, mask: int, classes: np.ndarray, *, has_size: bool) -> bool:
    """Not where both carry the same, where their sizes would differ as stored, or where the truth would be the same."""
    height, width = classes.shape
    if image == mask or (has_size and height != width and swaps_sides(image) != swaps_sides(mask)):
        return False
    return classes.min() != classes.max() and not np.array_equal(turned(turned_back(classes, mask), image), classes)


def advice_on_sizes(image: tuple[Sequence[int], int], mask: tuple[Sequence[int], int], *, upright: bool) -> str:
    """What to do where an image and its mask differ in size because of what they carry; empty where it is not that.

    Args:
        image: height and width as read, and the orientation.
        mask: as well.
        upright: whether orientations were applied.
    """
    if _sides(*image) != _sides(*mask):
        return ""
    done, other, meant = (
        ("each was turned by its own", "as stored", "ignore") if upright else ("none was applied", "upright", "apply")
    )
    return (
        f". They carry different orientations, the image {turn_name(image[1])}, its mask {turn_name(mask[1])}; {done}. "
        f'They have one size {other}: set [data] orientation = "{meant}"'
    )


def _sides(shape: Sequence[int], orientation: int) -> tuple[int, ...]:
    """Height and width without a turn of those that have it, and with it of those that do not."""
    return tuple(shape[::-1] if swaps_sides(orientation) else shape)
