"""A case as pictures: the image, and truth and prediction to be laid upon it."""

from __future__ import annotations

import cv2
import numpy as np

from components.imaging.annotations.colours import eight_bit
from components.imaging.files.codecs import with_channels
from components.imaging.truth.classes import IGNORE
from components.records.record import Record
from components.task import Task

PREDICTION_RGB = (230, 159, 0)

_GREY = (144, 144, 144, 170)
"""RGBA of what is not judged."""
_TINT = 89
"""Of 255: how much of a class's colour covers what is filled with it."""
_SIDE = 512
"""Pixels of the longer side that pictures are brought near to."""


def picture(image: np.ndarray, largest: int = _SIDE) -> np.ndarray:
    """`(h, w, 3)` RGB uint8 of `(H, W)` or `(H, W, 3)`; 16 bit goes from its lowest to its highest value.

    Small images grow by a whole factor to at most 512 pixels, so that pixels stay square; those whose longer side is
    above `largest` shrink to it.
    """
    return _fit(with_channels(eight_bit(image), 3), largest)


def layer(truth: np.ndarray, predicted: np.ndarray, task: Task, largest: int = _SIDE) -> np.ndarray:
    """RGBA uint8 of the size of `picture`: truth and prediction, class indices `(H, W)` uint8.

    Of one class both are outlines, each with a colour. Of several each class has a colour: its truth is filled with it,
    its prediction outlined, and where two classes meet the outline is that of the later. What is not judged is greyed.
    """

    def shown(pixels: np.ndarray) -> np.ndarray:
        return _fit(pixels.astype(np.uint8) * 255, largest)

    unjudged = shown(truth == IGNORE) > 0
    canvas = np.zeros((*unjudged.shape, 4), np.uint8)
    canvas[unjudged] = _GREY
    if not task.several:
        # A thin line upon a thick one: both stay visible where they coincide.
        _outline(canvas, shown(truth == 1), task.colour(1), 5)
        _outline(canvas, shown(predicted == 1), PREDICTION_RGB, 2)
        return canvas
    for index in range(1, len(task.classes) + 1):
        canvas[shown(truth == index) > 0] = (*task.colour(index), _TINT)
    for index in range(1, len(task.classes) + 1):
        # With the classes above it, whose outlines come to lie upon the common one, not beside it.
        _outline(canvas, shown(predicted >= index), task.colour(index), 2)
    return canvas


def overlay(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray, task: Task) -> np.ndarray:
    """`layer` laid upon `picture`, RGB uint8."""
    drawn = layer(truth, predicted, task)
    share = drawn[..., 3:].astype(np.float32) / 255
    return np.rint((1 - share) * picture(image) + share * drawn[..., :3]).astype(np.uint8)


def overlay_of(record: Record, predicted: np.ndarray, task: Task) -> np.ndarray:
    """`overlay` of a record as it is judged."""
    return overlay(record.image, record.mask, of_record(record, predicted), task)


def of_record(record: Record, predicted: np.ndarray) -> np.ndarray:
    """A predicted mask at the size of its record: of stretched tiles it has that of the source."""
    height, width = record.mask.shape
    return cv2.resize(predicted, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def _outline(canvas: np.ndarray, pixels: np.ndarray, colour: tuple[int, int, int], thickness: int) -> None:
    contours, _ = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, contours, -1, (*colour, 255), thickness)


def _fit(pixels: np.ndarray, largest: int) -> np.ndarray:
    longest = max(pixels.shape[:2])
    if longest > largest:
        scale = largest / longest
        return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    factor = max(1, _SIDE // longest)
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
