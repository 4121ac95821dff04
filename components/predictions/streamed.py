"""What is made of the answer to a slide, which lies on the disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from components.imaging.annotations.lesions import Lesion, lesions_of
from components.imaging.annotations.regions import Regions, regions_of
from components.imaging.files.codecs import read_image
from components.imaging.files.spacing import Spacing
from components.imaging.slides.plane import Plane
from components.measures.calibration import Sums, confidence
from components.predictions.inputs import Given
from components.task import Task


@dataclass(frozen=True)
class Streamed:
    """See `Answer`."""

    given: Given
    task: Task
    spacing: Spacing | None
    mask: Plane
    planes: Sequence[Plane]
    """Of each channel of the probabilities."""
    picture_path: Path
    dicom: bytes = b""

    def plane(self, index: int) -> Plane:
        return self.planes[index if self.task.several else 0]

    @property
    def picture(self) -> np.ndarray:
        return read_image(self.picture_path)

    @cached_property
    def regions(self) -> Regions:
        return regions_of(self.mask.whole())

    @cached_property
    def lesions(self) -> list[Lesion]:
        return lesions_of(self.regions, self.task, self.plane, self.spacing)

    @property
    def pixels(self) -> dict[str, int]:
        return {name: self._sums[index].predicted for index, name in enumerate(self.task.classes, 1)}

    @property
    def confidence(self) -> float:
        found = [confidence(sums) for sums in self._sums.values() if sums.predicted]
        return float(np.mean(found)) if found else 0.0

    @cached_property
    def _sums(self) -> dict[int, Sums]:
        """Of each class, in whole numbers until the last."""
        return {index: self._summed(index) for index in range(1, len(self.task.classes) + 1)}

    def _summed(self, index: int) -> Sums:
        everywhere = of_prediction = predicted = 0
        for classes, steps in zip(self.mask.bands(), self.plane(index).bands(), strict=True):
            inside = classes == index
            everywhere += int(steps.sum(dtype=np.uint64))
            of_prediction += int(steps.sum(dtype=np.uint64, where=inside))
            predicted += int(np.count_nonzero(inside))
        share = of_prediction / 65535
        return Sums(everywhere / 65535, share, share, predicted, predicted, self.mask.height * self.mask.width)
