"""What can be written of a prediction, a file or more for each image; a kind of file per function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import BinaryIO

import numpy as np

from components.imaging.annotations.colours import Colour, colour_map, eight_bit, outlined
from components.imaging.annotations.geojson import write_geojson
from components.imaging.annotations.lesions import Lesion
from components.imaging.files.codecs import encode_png
from components.imaging.files.spacing import Spacing
from components.imaging.slides.first_look import reduction
from components.imaging.slides.plane import Plane
from components.imaging.slides.pyramid import Half, mean, nearest, write_pyramid
from components.predictions.answer import Answer
from components.task import Task

Content = bytes | Callable[[BinaryIO], None]
"""Of a file; or what writes one, where memory does not hold it."""
Files = Iterator[tuple[str, Content]]
"""Paths below the output folder, with `/` between their parts, and contents."""


@dataclass(frozen=True)
class Manner:
    """How all that is predicted at once is written."""

    kinds: Sequence[str]
    """By the names that `--write` takes."""
    model: str
    """What names it."""
    colours: Sequence[Colour]
    """Of the classes, from 1 on, in pictures."""
    spacing: Spacing | None
    """Of the pixels of all images, whatever they tell themselves; None: as they tell."""


Writer = Callable[[Answer, Manner], Files]

LARGEST_PNG = 4096
"""Pixels of a side; what is larger becomes a pyramid."""
_LINE = 400
"""Pixels of an image's longer side for each pixel of the width of a line."""
_PLAIN_NAME = r"[\w][\w .-]*"


def mask(answer: Answer, manner: Manner) -> Files:
    """Class indices as they are, at the size of the image."""
    yield _image(f"masks/{answer.given.name}", answer.mask, nearest, answer.spacing)


def probability(answer: Answer, manner: Manner) -> Files:
    """65535 p of each class, 16 bit."""
    for index, folder in enumerate(_folders(answer.task), 1):
        yield _image(f"probability/{folder}{answer.given.name}", answer.plane(index), mean, answer.spacing)


def overlay(answer: Answer, manner: Manner) -> Files:
    """The image with the outlines of what is predicted, 8 bit, of a large one a reduced picture."""
    classes = _looked_at(answer.mask)
    thickness = max(1, round(max(classes.shape) / _LINE))
    picture = outlined(eight_bit(answer.picture), classes, manner.colours, thickness)
    yield f"overlays/{answer.given.name}.png", encode_png(picture)


def colour(answer: Answer, manner: Manner) -> Files:
    """Each class in its colour on black, of a large image a reduced picture."""
    yield f"colours/{answer.given.name}.png", encode_png(colour_map(_looked_at(answer.mask), manner.colours))


def geojson(answer: Answer, manner: Manner) -> Files:
    """Polygons with measurements as QuPath reads them."""
    content = write_geojson(answer.regions, answer.task, measurements(answer.lesions))
    yield f"geojson/{answer.given.name}.geojson", content


def measurements(lesions: Iterable[Lesion]) -> list[dict[str, float | None]]:
    """Of each region, as QuPath names them."""
    return [{"Area px^2": each.area_px, "Mean probability": each.mean_probability} for each in lesions]


def dicom_seg(answer: Answer, manner: Manner) -> Files:
    """A segmentation that refers to the DICOM image; what of it is made up stands in a text beside it."""
    from components.imaging.annotations.dicom_seg import write_seg  # highdicom, which not everybody has

    made = write_seg(answer.dicom, answer.mask.whole(), answer.task, manner.model, version("maskline"), manner.spacing)
    yield f"dicom-seg/{answer.given.name}.dcm", made.content
    if made.invented:
        yield f"dicom-seg/{answer.given.name}.txt", "".join(f"{line}\n" for line in made.invented).encode()


FILES: Mapping[str, Writer] = {
    "probability": probability,
    "overlay": overlay,
    "colour": colour,
    "geojson": geojson,
    "dicom-seg": dicom_seg,
    "mask": mask,
}
"""By the name that `--write` takes."""

_BYTES = {"probability": 1.5, "overlay": 2.0, "colour": 0.05, "geojson": 0.01, "dicom-seg": 0.125, "mask": 0.02}
"""For each pixel of an image: of the first and the fifth for each class."""


def bytes_per_pixel(kinds: list[str], task: Task) -> float:
    """About so many are written for each pixel of an image."""
    each = {"probability": len(task.classes), "dicom-seg": len(task.classes)}
    return sum(_BYTES.get(kind, 0) * each.get(kind, 1) for kind in kinds)


def _image(stem: str, plane: Plane, half: Half, spacing: Spacing | None) -> tuple[str, Content]:
    if max(plane.height, plane.width) <= LARGEST_PNG:
        return f"{stem}.png", encode_png(plane.whole())
    return f"{stem}.ome.tif", partial(write_pyramid, plane=plane, half=half, spacing=spacing)


def _looked_at(mask: Plane) -> np.ndarray:
    """Class indices of a picture of the size of `Answer.picture`."""
    return mask.every(reduction(mask.height, mask.width))


def _folders(task: Task) -> list[str]:
    """For each of several classes one, by its name where that is a name for a folder."""
    if not task.several:
        return [""]
    return [
        f"{name if re.fullmatch(_PLAIN_NAME, name) else f'class-{index}'}/"
        for index, name in enumerate(task.classes, 1)
    ]
