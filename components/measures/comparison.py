"""Truth and prediction of one class in one image, and what is found out about them once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import cv2
import numpy as np

from components.imaging.truth.classes import judged

Fact = TypeVar("Fact")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What all measures of a class in a case are of. What truth leaves unjudged is neither true nor predicted."""

    truth: np.ndarray
    """`(H, W)` uint8 class indices, 255 is not judged."""
    predicted: np.ndarray
    """`(H, W)` class indices."""
    index: int = 1
    """Of the class."""
    probability: np.ndarray | None = None
    """float32 `(H, W)` in 0..1, of the class; None: not known."""
    pixel_size: tuple[float, float] | None = (1.0, 1.0)
    """Height and width of a pixel in the unit of distances; None: not known."""
    tolerance: float = 2.0
    """Distance up to which surfaces agree, in that unit."""
    _facts: dict[Callable[[Comparison], Any], Any] = field(default_factory=dict, repr=False)

    @cached_property
    def judged(self) -> np.ndarray:
        """Where truth says anything, bool `(H, W)`."""
        return judged(self.truth)

    @cached_property
    def true(self) -> np.ndarray:
        """Where the class is, bool `(H, W)`."""
        return self.truth == self.index

    @cached_property
    def positive(self) -> np.ndarray:
        """Where the class is predicted and truth says anything, bool `(H, W)`."""
        positive: np.ndarray = (self.predicted == self.index) & self.judged
        return positive

    @cached_property
    def box(self) -> tuple[slice, slice]:
        """The rows and columns in which the class is true or predicted; empty where it is neither."""
        left, top, width, height = cv2.boundingRect((self.true | self.positive).view(np.uint8))
        return slice(top, top + height), slice(left, left + width)

    def fact(self, kind: Callable[[Comparison], Fact]) -> Fact:
        """What `kind` finds out, found out once."""
        if kind not in self._facts:
            self._facts[kind] = kind(self)
        found: Fact = self._facts[kind]
        return found
