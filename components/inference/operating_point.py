"""How a model's answers become masks: what is chosen on validation, stored with the model, and the same wherever it is
served."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from components.inference.postprocess import postprocessed
from components.settings import Section
from components.task import Task

Threshold = Annotated[float, Field(gt=0, lt=1)]
Temperature = Annotated[float, Field(ge=0.1, le=10)]
Pixels = Annotated[int, Field(ge=0, le=2**31)]

OWN = "answer_windows"
"""The signature of a served model that answers windows as the model itself does, whatever point is in its graph."""


class OperatingPoint(Section):
    """Its defaults leave answers as they are."""

    mirror: bool = False
    """A window's answer is the mean of those of its four mirrored forms."""
    temperature: Temperature = 1.0
    """By which the logits of a window are divided."""
    threshold: Threshold = 0.5
    """Probability from which a pixel is predicted foreground; of several classes the most probable is predicted."""
    fill_holes: bool = False
    """Background that a region encloses becomes part of it, where the region's class alone surrounds it."""
    least_region: Pixels = 0
    """Smaller regions become background: area in pixels at the scale at which the model sees the image."""
    largest: bool = False
    """Of each class only its largest region is kept."""

    @property
    def postprocesses(self) -> bool:
        """Whether it changes a mask."""
        return self.fill_holes or self.largest or self.least_region > 1

    def answer(self, probability: np.ndarray) -> np.ndarray:
        """The answer to a window, of the model's own: probabilities float32 `(..., channels)`, of one class its own."""
        return tempered(probability, self.temperature)

    def mask(self, probability: np.ndarray, task: Task, scale: float = 1.0) -> np.ndarray:
        """Class indices uint8 `(H, W)` of the probabilities `(H, W, channels)` of an image.

        `scale` is how many of its pixels cover the area of one as the model sees it.
        """
        return postprocessed(task.predicted(probability, self.threshold), self, scale)


def tempered(probability: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities float32 `(..., channels)` of logits divided by `temperature`: p^(1/T), normalised.

    Above 1 it makes them less sure (Guo et al. 2017, arXiv 1706.04599).
    """
    if temperature == 1:
        return probability
    powers = probability ** np.float32(1 / temperature)
    if probability.shape[-1] == 1:
        return powers / (powers + (1 - probability) ** np.float32(1 / temperature))
    return powers / powers.sum(axis=-1, keepdims=True)
