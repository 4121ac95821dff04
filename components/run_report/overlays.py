"""A case as two pictures: the image, and the image with the outlines of truth and prediction."""

from __future__ import annotations

import cv2
import numpy as np

TRUTH_RGB = (86, 180, 233)
PREDICTION_RGB = (230, 159, 0)

_SIDE = 512
"""Pixels of the longer side that pictures are brought near to."""


def picture(image: np.ndarray) -> np.ndarray:
    """`(h, w, 3)` RGB uint8 of `(H, W)` or `(H, W, 3)`; 16 bit goes from its lowest to its highest value."""
    if image.dtype == np.uint16:
        image = np.interp(image, (image.min(), image.max()), (0, 255)).astype(np.uint8)
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    return _fit(image)


def overlay(image: np.ndarray, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """`picture` with outlines; `truth` and `predicted` are `(H, W)`, any value above 0 is foreground."""
    canvas = picture(image)
    # A thin line upon a thick one: both stay visible where they coincide.
    for mask, colour, thickness in ((truth, TRUTH_RGB, 5), (predicted, PREDICTION_RGB, 2)):
        foreground = _fit((mask > 0).astype(np.uint8) * 255)
        contours, _ = cv2.findContours(foreground, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, contours, -1, colour, thickness)
    return canvas


def _fit(pixels: np.ndarray) -> np.ndarray:
    """Small pictures grow by a whole factor, so that pixels stay square; large ones shrink."""
    longest = max(pixels.shape[:2])
    if longest > _SIDE:
        scale = _SIDE / longest
        return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    factor = _SIDE // longest
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
