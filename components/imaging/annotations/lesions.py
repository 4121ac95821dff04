"""The lesions of a mask as rows of a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields

import numpy as np

from components.imaging.annotations.regions import Region, Regions
from components.imaging.files.spacing import Spacing
from components.imaging.slides.plane import TILE, Plane
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


def lesions_of(
    found: Regions, task: Task, probability: Callable[[int], Plane] | None = None, spacing: Spacing | None = None
) -> list[Lesion]:
    """A row for each region, by class.

    Args:
        probability: 65,535 p of the class of an index, uint16.
        spacing: height and width of a pixel in mm.
    """
    means = _means(found, probability) if probability else [None] * len(found.each)
    return [_row(region, task, mean, spacing) for region, mean in zip(found.each, means, strict=True)]


def _row(region: Region, task: Task, mean: float | None, spacing: Spacing | None) -> Lesion:
    x, y = (round(value, 3) for value in region.centroid)
    across, down = (round(x * spacing[1], 3), round(y * spacing[0], 3)) if spacing else (None, None)
    return Lesion(
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
        mean_probability=mean,
    )


def _means(found: Regions, probability: Callable[[int], Plane]) -> list[float]:
    """Of each region: all of a class at once, a band after another, since to unpack one takes longer than to sum it."""
    sums = np.zeros(1 + len(found.each))
    for index in sorted({region.class_index for region in found.each}):
        for number, steps in enumerate(probability(index).bands()):
            rows = slice(number * TILE, (number + 1) * TILE)
            inside = found.mask[rows] == index
            sums += np.bincount(found.numbers[rows][inside], steps[inside], len(sums))
    areas = [region.area for region in found.each]
    return [round(total / area / 65535, 4) for total, area in zip(sums[1:].tolist(), areas, strict=True)]


def write_csv(lesions: Iterable[tuple[str, Lesion]]) -> str:
    """A table with a header; each lesion comes with the name of its image. What is not known is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["image", *(field.name for field in fields(Lesion))], lineterminator="\n")
    writer.writeheader()
    writer.writerows({"image": image, **asdict(lesion)} for image, lesion in lesions)
    return text.getvalue()
