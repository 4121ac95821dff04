"""Masks as pictures: each class in its colour, or outlined on the image."""

from __future__ import annotations

import cv2
import numpy as np

from components.imaging.files.codecs import with_channels
from components.imaging.truth.classes import IGNORE, foreground
from components.task import Task

_UNJUDGED = (96, 96, 96)


def colour_map(mask: np.ndarray, task: Task) -> np.ndarray:
    """RGB `(H, W, 3)` uint8 of class indices `(H, W)` uint8: background black, what is not judged grey."""
    table = np.zeros((256, 3), np.uint8)
    for index in range(1, len(task.classes) + 1):
        table[index] = task.colour(index)
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


def outlined(image: np.ndarray, mask: np.ndarray, task: Task, thickness: int = 1) -> np.ndarray:
    """RGB `(H, W, 3)` uint8 of an image with the outermost pixels of each region in the colour of its class.

    Args:
        image: gray `(H, W)` or RGB `(H, W, 3)`, uint8.
        mask: class indices `(H, W)` uint8.
        thickness: of the lines, in pixels from 1 on.
    """
    kernel = np.ones((2 * thickness + 1, 2 * thickness + 1), np.uint8)
    # Beyond the border lies background, so that what is cut off there is outlined as well.
    around = np.pad(mask, thickness)
    meets_others = cv2.dilate(around, kernel) != cv2.erode(around, kernel)
    edge = meets_others[thickness:-thickness, thickness:-thickness] & (foreground(mask) > 0)
    picture = with_channels(image, 3).copy()
    picture[edge] = colour_map(mask, task)[edge]
    return picture
