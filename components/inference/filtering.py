"""Probabilities of an image that are smoothed or sharpened before they become a mask."""

from __future__ import annotations

from typing import Annotated

import cv2
import numpy as np
from pydantic import Field

from components.settings import Section

_REACH = 4
"""Times sigma: from there on the bell is below 0.0004 of its height."""


class Filtering(Section):
    """0 leaves probabilities as they are. What is blurred and sharpened is blurred first."""

    blur: Annotated[float, Field(ge=0, le=100)] = 0
    """Sigma of a Gaussian in pixels of the image."""
    sharpen: Annotated[float, Field(ge=0, le=100)] = 0
    """The K of `sharpened`."""

    def __call__(self, probability: np.ndarray) -> np.ndarray:
        """Of probabilities float32 `(H, W, K)` such as are in 0..1, and of several classes sum to 1."""
        if self.blur:
            probability = blurred(probability, self.blur)
        if self.sharpen:
            probability = sharpened(probability, self.sharpen)
        return normalised(probability) if self.blur or self.sharpen else probability


def blurred(values: np.ndarray, sigma: float) -> np.ndarray:
    """float32 `(H, W, K)` weighed by a Gaussian, each channel by itself; beyond its border an image is mirrored."""
    side = 2 * round(_REACH * sigma) + 1
    return cv2.GaussianBlur(values, (side, side), sigma, borderType=cv2.BORDER_REFLECT_101).reshape(values.shape)


def sharpened(values: np.ndarray, strength: float) -> np.ndarray:
    """float32 `(H, W, K)`: v + K (8 v - the eight around it), a kernel of -K with 1 + 8 K in its middle; beyond its
    border an image is mirrored."""
    kernel = np.full((3, 3), -strength, np.float32)
    kernel[1, 1] = 1 + 8 * strength
    return cv2.filter2D(values, -1, kernel, borderType=cv2.BORDER_REFLECT_101).reshape(values.shape)


def normalised(values: np.ndarray) -> np.ndarray:
    """Cut to 0..1; of several channels so that they sum to 1, of numbers that did before."""
    cut = np.clip(values, 0, 1)
    return cut if cut.shape[-1] == 1 else cut / cut.sum(axis=-1, keepdims=True)
