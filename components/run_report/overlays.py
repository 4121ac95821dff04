"""A case as two pictures: the image, and the image with the outlines of truth and prediction."""

from __future__ import annotations

import cv2
import numpy as np

from components.imaging.truth.classes import IGNORE
from components.task import Task

PREDICTION_RGB = (230, 159, 0)

_GREY = 96
_SIDE = 512
"""Pixels of the longer side that pictures are brought near to."""


def picture(image: np.ndarray) -> np.ndarray:
    """`(h, w, 3)` RGB uint8 of `(H, W)` or `(H, W, 3)`; 16 bit goes from its lowest to its highest value."""
    if image.dtype == np.uint16:
        image = np.interp(image, (image.min(), image.max()), (0, 255)).astype(np.uint8)
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return _fit(image)


def overlay(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray, task: Task) -> np.ndarray:
    """`picture` with outlines; `truth` and `predicted` are class indices `(H, W)` uint8.

    Of one class truth and prediction have a colour each; of several each class has one, its truth a thick line and its
    prediction a thin one. What is not judged is greyed.
    """
    canvas = picture(image)
    unjudged = _shown(truth, IGNORE) > 0
    canvas[unjudged] = canvas[unjudged] // 3 + _GREY
    indices = range(1, len(task.classes) + 1)
    for index in indices:
        _outline(canvas, _shown(truth, index), task.colour(index), 5)
    # A thin line upon a thick one: both stay visible where they coincide, of one colour by the edge.
    for index in indices:
        if task.several:
            _outline(canvas, _shown(predicted, index), (0, 0, 0), 4)
        _outline(canvas, _shown(predicted, index), task.colour(index) if task.several else PREDICTION_RGB, 2)
    return canvas


def _shown(mask: np.ndarray, index: int) -> np.ndarray:
    return _fit((mask == index).astype(np.uint8) * 255)


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
