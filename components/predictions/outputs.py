"""What can be written of a prediction, a file or more for each image; a kind of file per function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version

import numpy as np

from components.imaging.annotations.colours import colour_map, eight_bit, outlined
from components.imaging.annotations.geojson import write_geojson
from components.imaging.files.codecs import encode_png
from components.predictions.answered import Answered
from components.task import Task

Files = Iterator[tuple[str, bytes]]
"""Paths below the output folder, with `/` between their parts, and contents."""
Writer = Callable[[Answered, str], Files]
"""Of an answer and what names the model."""

_LINE = 400
"""Pixels of an image's longer side for each pixel of the width of a line."""
_PLAIN_NAME = r"[\w][\w .-]*"


def mask(answer: Answered, model: str) -> Files:
    """Class indices as they are, at the size of the image."""
    yield f"masks/{_name(answer)}.png", encode_png(answer.classes)


def probability(answer: Answered, model: str) -> Files:
    """65535 p of each class, 16 bit."""
    task = answer.task
    for index, folder in enumerate(_folders(task), 1):
        scaled = np.rint(np.clip(task.of_class(answer.probability, index), 0, 1) * 65535).astype(np.uint16)
        yield f"probability/{folder}{_name(answer)}.png", encode_png(scaled)


def overlay(answer: Answered, model: str) -> Files:
    """The image with the outlines of what is predicted, 8 bit."""
    thickness = max(1, round(max(answer.classes.shape) / _LINE))
    picture = outlined(eight_bit(answer.loaded.pixels), answer.classes, answer.task, thickness)
    yield f"overlays/{_name(answer)}.png", encode_png(picture)


def colour(answer: Answered, model: str) -> Files:
    """Each class in its colour on black."""
    yield f"colours/{_name(answer)}.png", encode_png(colour_map(answer.classes, answer.task))


def geojson(answer: Answered, model: str) -> Files:
    """Polygons as QuPath reads them."""
    yield f"geojson/{_name(answer)}.geojson", write_geojson(answer.regions, answer.task)


def dicom_seg(answer: Answered, model: str) -> Files:
    """A segmentation that refers to the DICOM image; what of it is made up stands in a text beside it."""
    from components.imaging.annotations.dicom_seg import write_seg  # highdicom, which not everybody has

    made = write_seg(answer.loaded.dicom, answer.classes, answer.task, model, version("maskline"))
    yield f"dicom-seg/{_name(answer)}.dcm", made.content
    if made.invented:
        yield f"dicom-seg/{_name(answer)}.txt", "".join(f"{line}\n" for line in made.invented).encode()


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


def _name(answer: Answered) -> str:
    return answer.loaded.given.name


def _folders(task: Task) -> list[str]:
    """For each of several classes one, by its name where that is a name for a folder."""
    if not task.several:
        return [""]
    return [
        f"{name if re.fullmatch(_PLAIN_NAME, name) else f'class-{index}'}/"
        for index, name in enumerate(task.classes, 1)
    ]
