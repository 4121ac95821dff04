"""What is to be segmented: from it follow a model's last layer, its loss, what it serves and how it is shown."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from components.imaging.truth.classes import IGNORE, MOST_CLASSES
from components.settings import Section

_COLOURS = ((230, 159, 0), (0, 158, 115), (204, 121, 167), (240, 228, 66), (0, 114, 178), (213, 94, 0))
_ONLY = (86, 180, 233)
"""RGB, Okabe and Ito 2008, safe for colour-blind readers; sky blue is the truth of an only class."""


class Task(Section):
    """Classes that exclude each other: each pixel is background, or one of them, or is not judged."""

    classes: Annotated[list[str], Field(min_length=1, max_length=MOST_CLASSES)] = Field(default=["foreground"])
    """Names of the classes 1, 2, ...; class 0 is background."""
    ignores: bool = False
    """Whether truth may hold pixels of the value `IGNORE`."""

    @property
    def several(self) -> bool:
        """Whether there are classes to be told apart, and not foreground alone."""
        return len(self.classes) > 1

    @property
    def channels(self) -> int:
        """Of a model's probabilities: of one class its own; of several, one for each class index, background first."""
        return 1 + len(self.classes) if self.several else 1

    @property
    def activation(self) -> str:
        """Of a model's last layer, by Keras's name."""
        return "softmax" if self.several else "sigmoid"

    def predicted(self, probability: np.ndarray, threshold: float) -> np.ndarray:
        """Class indices uint8 `(..., H, W)` of probabilities `(..., H, W, channels)`.

        One class is predicted from `threshold` on; of several it is the most probable, of equals the first.
        """
        if self.several:
            return probability.argmax(axis=-1).astype(np.uint8)
        return (probability[..., 0] >= threshold).astype(np.uint8)

    def of_class(self, probability: np.ndarray, index: int) -> np.ndarray:
        """The probabilities `(..., H, W)` of the class of an index, of probabilities `(..., H, W, channels)`."""
        return np.ascontiguousarray(probability[..., index if self.several else 0])

    def name(self, index: int) -> str:
        """Of a class index, of background's and of `IGNORE`; of what is none, its value."""
        names = {IGNORE: "ignore", **dict(enumerate(["background", *self.classes]))}
        return names.get(index, f"value {index}")

    def colour(self, index: int) -> tuple[int, int, int]:
        """RGB 0..255 of a class index from 1 on, wherever truth is shown; from the seventh class on they repeat."""
        return _COLOURS[(index - 1) % len(_COLOURS)] if self.several else _ONLY
