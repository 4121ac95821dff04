"""Masks as pictures, with the table of layout `manifest` that `maskline init` reads."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from components.imaging.annotations.colours import colour_map, colours_of, web_colour
from components.imaging.annotations.target import Chunk, Labelled, Target
from components.imaging.files.codecs import encode_png
from components.imaging.files.unreadable import UnreadableImage
from components.imaging.truth.classes import IGNORE, judged
from components.task import Task

MANIFEST, CLASSES = "manifest.csv", "classes.csv"
CLASS_COLUMNS = ("value", "class", "colour")
_COLUMNS = ("image", "mask", "region", "id", "group", "label", "site", "split")


@dataclass(frozen=True)
class _Drawn:
    files: Sequence[Chunk]
    row: Sequence[str]


def draw_masks(image: Labelled, task: Task) -> _Drawn:
    """A PNG of class indices whose palette has their colours, and one of what is judged, where not all is.

    Raises:
        UnreadableImage: a table cannot name the image.
    """
    if "\\" in image.place or image.place != image.place.strip():
        raise UnreadableImage(
            f"a manifest cannot name {image.place!r}: expected no \\, and no blank around it. Rename it"
        )
    inside = judged(image.mask)
    files = [(f"masks/{image.stem}.png", _indexed(np.where(inside, image.mask, np.uint8(0)), task))]
    if not inside.all():
        files.append((f"regions/{image.stem}.png", encode_png(inside.astype(np.uint8) * np.uint8(255))))
    mask, region = files[0][0], files[1][0] if len(files) > 1 else ""
    return _Drawn(files, [image.place, mask, region, *(image.columns.get(each, "") for each in _COLUMNS[3:])])


def join_masks(drawn: Iterable[_Drawn], task: Task) -> Iterator[Chunk]:
    rows = [[str(index), name, web_colour(task, index)] for index, name in enumerate(task.classes, 1)]
    yield CLASSES, b"".join(map(_line, [CLASS_COLUMNS, *rows]))
    yield MANIFEST, _line(_COLUMNS)
    for each in drawn:
        yield from each.files
        yield MANIFEST, _line(each.row)


def _indexed(mask: np.ndarray, task: Task) -> bytes:
    picture = Image.fromarray(mask)
    picture.putpalette(colour_map(np.arange(IGNORE + 1, dtype=np.uint8)[None], colours_of(task)).tobytes())
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def _line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


TARGET = Target(
    name="folders",
    draw=draw_masks,
    join=join_masks,
    note="masks/ has class indices, manifest.csv names images and masks from this folder: maskline init reads it",
    keeps_ignored=True,
)
