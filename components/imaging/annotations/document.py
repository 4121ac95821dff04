"""What a document of annotations tells of its images, whatever its format, and what a format is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.foreign import foreign
from components.imaging.annotations.named import class_index
from components.imaging.files.unreadable import check_size
from components.imaging.truth.compound import Cut
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import Polygon, UnclearShape
from components.task import Task

MOST_PIXELS = 2**27
"""Of a mask within a document, which is unpacked to be read."""


@dataclass(frozen=True)
class Piece:
    """Something drawn on an image."""

    record: str
    """Which one of the document it is, for people: `annotation 5`."""
    label: str
    """The name of its class; empty where it has none."""
    outline: Outline


@dataclass(frozen=True)
class MaskFile:
    """A file whose foreground is what a piece encloses, at its image's size or another of the same aspect."""

    record: str
    label: str
    file: str


@dataclass(frozen=True)
class AnnotatedImage:
    """An image of a document, and what is drawn on it, the uppermost last."""

    file: str
    """As the document names it: a path or a name, often without suffix."""
    pieces: tuple[Piece, ...]
    size: tuple[int, int] | None = None
    """Height and width, where the document tells them."""
    fault: str = ""
    """Why what is drawn on it cannot be told, with the record; there are no pieces then."""
    otherwise: str = ""
    """Another name, where there is no file of the first."""
    goes_on: bool = False
    """Whether the name of the file goes on after that, from an underscore on."""
    least_parts: int = 1
    """How many parts at the end of its path must be those of the file: more than one where all have the same name."""
    masks: tuple[MaskFile, ...] = ()
    """In place of pieces."""
    beside: tuple[str, ...] = ()
    """Other files that belong to it and are no images of their own, such as crops."""
    group: str = ""
    """Patient, where the document tells one."""


@dataclass(frozen=True)
class Format:
    """A format, as `components.imaging.annotations.registry` lists it and `[data] format` names it."""

    name: str
    title: str
    """What people call a document of it."""
    told: Callable[[Any], bool]
    """Whether content, see `components.imaging.annotations.content`, is a document of it; whole or not."""
    read: Callable[[Any, str], list[AnnotatedImage]]
    """The images of such content; the second argument is the path of its file, with `/`, without suffix.

    Raises:
        UnclearShape: as a whole it cannot be read.
    """


def annotated(
    file: str,
    records: Iterable[tuple[str, Any]],
    read: Callable[[Any], tuple[str, Outline]],
    size: tuple[int, int] | None = None,
    **more: Any,
) -> AnnotatedImage:
    """An image of records, each with what people know it by and what `read` makes a label and an outline of.

    One that cannot be read is a fault of the image: its truth would lack a part.
    """
    if size and min(size) < 1:
        return AnnotatedImage(file, (), fault=f"the document tells an image of {size[1]} x {size[0]} pixels", **more)
    pieces = []
    for record, part in records:
        try:
            with foreign(UnclearShape, "cannot be read"):
                label, outline = read(part)
        except UnclearShape as error:
            return AnnotatedImage(file, (), fault=f"{record}: {error}", **more)
        pieces.append(Piece(record, label.strip(), outline))
    return AnnotatedImage(file, tuple(pieces), size, **more)


def polygon(points: Iterable[Iterable[float]], *, even_odd: bool = False) -> Polygon:
    """Of corners for which the first pixel is the square from (0, 0) to (1, 1)."""
    return Polygon(tuple((x - 0.5, y - 0.5) for x, y, *_ in points), even_odd)


def rectangle(
    left: float, top: float, width: float, height: float, degrees: float = 0.0, about: tuple[float, float] = (0.0, 0.0)
) -> Polygon:
    """Turned clockwise as seen about a point; corners as of `polygon`."""
    if not degrees:
        about = 0.0, 0.0
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    turned = [(x - about[0], y - about[1]) for x, y in corners]
    return polygon([(about[0] + x * cos - y * sin, about[1] + x * sin + y * cos) for x, y in turned])


def area(rings: Sequence[Iterable[Iterable[float]]]) -> Outline:
    """Of an outer ring and the holes in it, whichever way they run; corners as of `polygon`.

    Raises:
        UnclearShape: a ring encloses nothing, or there is none.
    """
    outer, *holes = [polygon(ring) for ring in rings] or [Polygon(())]
    return Cut(outer, tuple(holes)) if holes else outer


def mask_of(image: AnnotatedImage, task: Task, max_pixels: int) -> np.ndarray:
    """Class indices `(H, W)` uint8 of an image whose size is told; later pieces lie over earlier ones.

    Raises:
        TooManyPixels: the document claims more than `max_pixels`.
        UnclearShape: the fault of the image; a piece of a class that the task has not, or that covers no pixel.
    """
    if image.fault or image.size is None:
        raise UnclearShape(image.fault or f"the size of {image.file} is not told")
    height, width = image.size
    check_size(width, height, max_pixels)
    mask = np.zeros((height, width), np.uint8)
    for piece in image.pieces:
        try:
            if not piece.outline.fill(mask, class_index(piece.label, task)):
                raise UnclearShape(f"covers no pixel of an image of {width} x {height} pixels")
        except UnclearShape as error:
            raise UnclearShape(f"{piece.record}: {error}") from error
    return mask
