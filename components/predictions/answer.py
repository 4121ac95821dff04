"""What is written of an image, whether memory holds what a model says of it or not."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from components.imaging.annotations.lesions import Lesion
from components.imaging.annotations.regions import Regions
from components.imaging.files.spacing import Spacing
from components.imaging.slides.plane import Plane
from components.predictions.inputs import Given
from components.task import Task


class Answer(Protocol):
    @property
    def given(self) -> Given: ...
    @property
    def task(self) -> Task: ...
    @property
    def spacing(self) -> Spacing | None: ...
    @property
    def dicom(self) -> bytes:
        """Its file, where a DICOM segmentation will refer to it."""

    @property
    def mask(self) -> Plane:
        """Class indices, uint8."""

    @property
    def picture(self) -> np.ndarray:
        """The image, `reduced` where it is large."""

    @property
    def regions(self) -> Regions: ...
    @property
    def lesions(self) -> list[Lesion]:
        """Of each region."""

    @property
    def pixels(self) -> dict[str, int]:
        """How many are predicted of each class."""

    @property
    def confidence(self) -> float:
        """The soft Dice confidence, of several classes the mean over those that are predicted; 0 where none is."""

    def plane(self, index: int) -> Plane:
        """The probability of the class of an index, as `in_steps`."""


def in_steps(probability: np.ndarray) -> np.ndarray:
    """uint16: 65,535 p."""
    return np.rint(np.clip(probability, 0, 1) * np.float32(65535)).astype(np.uint16)
