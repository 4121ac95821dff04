"""What every engine is to those who ask it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

IMAGES, MOMENTS, PROBABILITY = "images", "moments", "probability"
"""What windows, what belongs to them, and the answer are called in every signature."""


class Asked(NamedTuple):
    """Windows that are asked about together."""

    images: np.ndarray
    """float32 `(N, H, W, C)` in 0..1."""
    moments: np.ndarray
    """float32 `(N, 2)`: mean and standard deviation of the whole image of which each is a part. Models of tiles alone
    take them."""


class Engine(Protocol):
    """Answers windows; mirrors, temperature, blending and post-processing are not its own."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a window."""
        ...

    @property
    def channels(self) -> int:
        """Of the probabilities: 1, of a single class, or one for each class index."""
        ...

    def __call__(self, asked: Asked) -> np.ndarray:
        """Probabilities float32 `(N, H, W, channels)`."""
        ...
