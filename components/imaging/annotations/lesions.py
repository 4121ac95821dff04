"""The lesions of a mask as rows of a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Protocol

import numpy as np

from components.imaging.annotations.regions import Regions
from components.imaging.files.spacing import Spacing
from components.task import Task


@dataclass(frozen=True)
class Lesion:
    """A region; lengths in pixels, but for what is told in millimetres. None is what is not known."""

    number: int
    """Counted from 1 within an image."""
    class_name: str
    x: float
    """Of the centroid; the centre of the first pixel is (0, 0)."""
    y: float
    x_mm: float | None
    y_mm: float | None
    area_px: int
    extent_px: int
    """The longest side of the bounding box."""
    left: int
    """First column of the bounding box."""
    top: int
    """First row of it."""
    width: int
    height: int
    mean_probability: float | None
    """Of its class, over its pixels, 0 to 1."""


class Windowed(Protocol):
    """Probabilities of the classes of an image: an array `(H, W, channels)`, or what gives parts of one."""

    def __getitem__(self, window: tuple[slice, slice], /) -> np.ndarray:
        """Rows and columns, float `(h, w, channels)`."""


def lesions_of(
    found: Regions, task: Task, probability: Windowed | None = None, spacing: Spacing | None = None
) -> list[Lesion]:
    """A row for each region, by class.

    Args:
        probability: of the classes, as `Task.predicted` takes it.
        spacing: height and width of a pixel in mm.
    """
    rows = []
    for region in found.each:
        x, y = (round(value, 3) for value in region.centroid)
        across, down = (round(x * spacing[1], 3), round(y * spacing[0], 3)) if spacing else (None, None)
        mean = None
        if probability is not None:
            mean = float(task.of_class(probability[region.window], region.class_index)[region.inside].mean())
        rows.append(
            Lesion(
                number=region.number,
                class_name=task.name(region.class_index),
                x=x,
                y=y,
                x_mm=across,
                y_mm=down,
                area_px=region.area,
                extent_px=max(region.width, region.height),
                left=region.left,
                top=region.top,
                width=region.width,
                height=region.height,
                mean_probability=None if mean is None else round(mean, 4),
            )
        )
    return rows


def write_csv(lesions: Iterable[tuple[str, Lesion]]) -> str:
    """A table with a header; each lesion comes with the name of its image. What is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["image", *(field.name for field in fields(Lesion))], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"image": image, **asdict(lesion)} for image, lesion in lesions)
    return text.getvalue()
