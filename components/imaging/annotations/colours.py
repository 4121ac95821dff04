"""Masks as pictures: each class in its colour, or outlined on the image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import cv2
import numpy as np
from PIL.ImageColor import getrgb

from components.errors import UsageError
from components.imaging.files.codecs import with_channels
from components.imaging.truth.classes import IGNORE, foreground
from components.task import Task

Colour = tuple[int, int, int]
"""RGB, 0 to 255."""
_UNJUDGED = (96, 96, 96)


def colours_of(task: Task, named: str = "") -> list[Colour]:
    """Of the classes of a task, from 1 on.

    Args:
        named: a colour for each class, with commas between them, as HTML names it or as `#rrggbb`; without them each
            class has that of all other pictures.

    Raises:
        UsageError: they are no colours, or not one of each class.
    """
    if not named:
        return [task.colour(index) for index in range(1, len(task.classes) + 1)]
    found = [_colour(name.strip()) for name in named.split(",")]
    if len(found) != len(task.classes):
        classes = " and ".join(filter(None, [", ".join(task.classes[:-1]), task.classes[-1]]))
        these = f"{len(task.classes)} classes" if task.several else "class"
        raise UsageError(
            f"--colours: found {len(found)} for the {these} {classes}, expected one"
            f"{' of each, as in red,green,#ffc800' if task.several else ''}"
        )
    return found


def _colour(name: str) -> Colour:
    with suppress(ValueError):
        found = getrgb(name)
        if len(found) == 3:  # without alpha
            return found
    raise UsageError(f"--colours: found {name!r}, expected a colour as HTML names it, such as green, or #rrggbb")


def hexadecimal(colours: Sequence[Colour]) -> list[str]:
    """`#rrggbb`."""
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour in colours]


def colour_map(mask: np.ndarray, colours: Sequence[Colour]) -> np.ndarray:
    """RGB `(H, W, 3)` uint8 of class indices `(H, W)` uint8: background black, what is not judged grey."""
    table = np.zeros((256, 3), np.uint8)
    table[1 : 1 + len(colours)] = colours
    table[IGNORE] = _UNJUDGED
    return table[mask]


def web_colour(task: Task, index: int) -> str:
    """Of a class index from 1 on, as `#rrggbb`."""
    return f"#{bytes(task.colour(index)).hex()}"


def eight_bit(image: np.ndarray) -> np.ndarray:
    """An image as screens show it, uint8 of the same shape: 16 bit goes from its lowest to its highest value."""
    if image.dtype == np.uint8:
        return image
    return np.interp(image, (image.min(), image.max()), (0, 255)).astype(np.uint8)


def outlined(image: np.ndarray, mask: np.ndarray, colours: Sequence[Colour], thickness: int = 1) -> np.ndarray:
    """RGB `(H, W, 3)` uint8 of an image with the outermost pixels of each region in the colour of its class.

    Args:
        image: gray `(H, W)` or RGB `(H, W, 3)`, uint8.
        mask: class indices `(H, W)` uint8.
        colours: of the classes, from 1 on.
        thickness: of the lines, in pixels from 1 on.
    """
    kernel = np.ones((2 * thickness + 1, 2 * thickness + 1), np.uint8)
    # Beyond the border lies background, so that what is cut off there is outlined as well.
    around = np.pad(mask, thickness)
    meets_others = cv2.dilate(around, kernel) != cv2.erode(around, kernel)
    edge = meets_others[thickness:-thickness, thickness:-thickness] & (foreground(mask) > 0)
    picture = with_channels(image, 3).copy()
    picture[edge] = colour_map(mask, colours)[edge]
    return picture
