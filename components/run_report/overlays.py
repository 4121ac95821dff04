"""A case as two pictures: the image, and the image with truth and prediction."""

from __future__ import annotations

import cv2
import numpy as np

from components.imaging.annotations.colours import eight_bit
from components.imaging.files.codecs import with_channels
from components.imaging.truth.classes import IGNORE
from components.task import Task

PREDICTION_RGB = (230, 159, 0)

_GREY = 96
_TINT = 0.35
"""Share of a class's colour where truth is filled."""
_SIDE = 512
"""Pixels of the longer side that pictures are brought near to."""


def picture(image: np.ndarray) -> np.ndarray:
    """`(h, w, 3)` RGB uint8 of `(H, W)` or `(H, W, 3)`; 16 bit goes from its lowest to its highest value."""
    return _fit(with_channels(eight_bit(image), 3))


def overlay(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray, task: Task) -> np.ndarray:
    """`picture` with truth and prediction, class indices `(H, W)` uint8.

    Of one class both are outlines, each with a colour. Of several each class has a colour: its truth is filled with it,
    its prediction outlined, and where two classes meet the outline is that of the later. What is not judged is greyed.
    """
    canvas = picture(image)
    unjudged = _shown(truth == IGNORE) > 0
    canvas[unjudged] = canvas[unjudged] // 3 + _GREY
    if not task.several:
        # A thin line upon a thick one: both stay visible where they coincide.
        _outline(canvas, _shown(truth == 1), task.colour(1), 5)
        _outline(canvas, _shown(predicted == 1), PREDICTION_RGB, 2)
        return canvas
    for index in range(1, len(task.classes) + 1):
        _fill(canvas, _shown(truth == index), task.colour(index))
    for index in range(1, len(task.classes) + 1):
        # With the classes above it, whose outlines come to lie upon the common one, not beside it.
        _outline(canvas, _shown(predicted >= index), task.colour(index), 2)
    return canvas


def _shown(pixels: np.ndarray) -> np.ndarray:
    return _fit(pixels.astype(np.uint8) * 255)


def _fill(canvas: np.ndarray, pixels: np.ndarray, colour: tuple[int, int, int]) -> None:
    inside = pixels > 0
    canvas[inside] = ((1 - _TINT) * canvas[inside] + _TINT * np.array(colour)).astype(np.uint8)


def _outline(canvas: np.ndarray, pixels: np.ndarray, colour: tuple[int, int, int], thickness: int) -> None:
    contours, _ = cv2.findContours(pixels, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, contours, -1, colour, thickness)


def _fit(pixels: np.ndarray) -> np.ndarray:
    """Small pictures grow by a whole factor, so that pixels stay square; large ones shrink."""
    longest = max(pixels.shape[:2])
    if longest > _SIDE:
        scale = _SIDE / longest
        return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    factor = _SIDE // longest
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
