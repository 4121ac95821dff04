"""An image with what a model says of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import tee

import numpy as np

from components.example_gen.samples import Reject
from components.imaging.annotations.lesions import Lesion, lesions_of
from components.imaging.annotations.regions import Regions, regions_of
from components.imaging.files.codecs import (
    LIMITS,
    Limits,
    UnreadableImage,
    decode_image,
    read_content,
    with_header,
)
from components.imaging.files.dicom_mark import is_dicom
from components.imaging.files.spacing import Spacing
from components.imaging.slides.first_look import reduced, reduction
from components.imaging.slides.opened import is_slide, open_slide
from components.imaging.slides.plane import Plane, plane_of
from components.imaging.slides.slide import read_rows
from components.inference.model import Model
from components.inference.operating_point import OperatingPoint
from components.measures.calibration import confidence, sums
from components.measures.comparison import Comparison
from components.predictions.answer import in_steps
from components.predictions.inputs import Given
from components.records.settings import Derivation
from components.task import Task

NO_DICOM = "no DICOM image, which is what a DICOM segmentation refers to"


@dataclass(frozen=True)
class Loaded:
    """An image as it is read."""

    given: Given
    pixels: np.ndarray
    """`(H, W)` or RGB `(H, W, 3)`, uint8 or uint16."""
    spacing: Spacing | None
    dicom: bytes = b""
    """Its file, where a DICOM segmentation will refer to it."""


@dataclass(frozen=True)
class Answered:
    """See `Answer`."""

    loaded: Loaded
    task: Task
    classes: np.ndarray
    """Class indices `(H, W)` uint8."""
    probability: np.ndarray
    """float32 `(H, W, channels)`."""

    @property
    def given(self) -> Given:
        return self.loaded.given

    @property
    def spacing(self) -> Spacing | None:
        return self.loaded.spacing

    @property
    def dicom(self) -> bytes:
        return self.loaded.dicom

    @property
    def mask(self) -> Plane:
        return plane_of(self.classes)

    def plane(self, index: int) -> Plane:
        of_class = plane_of(self.task.of_class(self.probability, index))
        return replace(of_class, dtype=np.dtype(np.uint16), band=lambda number: in_steps(of_class.band(number)))

    @property
    def picture(self) -> np.ndarray:
        return reduced(self.loaded.pixels, reduction(*self.classes.shape))

    @cached_property
    def regions(self) -> Regions:
        return regions_of(self.classes)

    @cached_property
    def lesions(self) -> list[Lesion]:
        return lesions_of(self.regions, self.task, self.plane, self.spacing)

    @property
    def pixels(self) -> dict[str, int]:
        """How many are predicted of each class."""
        counts = np.bincount(self.classes.reshape(-1), minlength=len(self.task.classes) + 1)
        return dict(zip(self.task.classes, counts[1:].tolist(), strict=True))

    @property
    def confidence(self) -> float:
        """The soft Dice confidence, of several classes the mean over those that are predicted; 0 where none is."""
        found = [self._confidence(index) for index, count in enumerate(self.pixels.values(), 1) if count]
        return float(np.mean(found)) if found else 0.0

    def _confidence(self, index: int) -> float:
        # It needs no truth, so that the prediction may stand in its place.
        seen = Comparison(self.classes, self.classes, index, self.task.of_class(self.probability, index))
        summed = sums(seen)
        assert summed is not None
        return confidence(summed)


def load(
    given: Given, derivation: Derivation, needs_dicom: bool, needs_whole: str = "", spacing: Spacing | None = None
) -> Loaded | Reject:
    """The image of a file, as those were read that the model was trained on.

    Args:
        needs_whole: as of `Model`.
        spacing: of its pixels, whatever the file tells.
    """
    try:
        if is_slide(given.path):
            return _load_slide(given, derivation, needs_whole, spacing)
        content = read_content(given.path)
        if needs_dicom and not is_dicom(content):
            raise UnreadableImage(NO_DICOM)
        loaded = decoded(given, content, derivation, spacing)
        return replace(loaded, dicom=content) if needs_dicom else loaded
    except UnreadableImage as error:
        return Reject(str(given.path), "unreadable", str(error))


def decoded(
    given: Given, content: bytes, derivation: Derivation, spacing: Spacing | None = None, limits: Limits = LIMITS
) -> Loaded:
    """As `load`, of the bytes of a file that is no slide.

    Raises:
        UnreadableImage: they are no image, or one beyond the limits.
    """
    pixels, header = with_header(decode_image, content, limits, derivation.dicom_window, derivation.upright)
    return Loaded(given, pixels, spacing or header.spacing(derivation.upright))


def _load_slide(given: Given, derivation: Derivation, needs_whole: str, spacing: Spacing | None) -> Loaded:
    """For a model that must see it whole."""
    with open_slide(given.path, derivation.upright) as slide:
        if slide.height * slide.width > LIMITS.pixels:
            raise UnreadableImage(
                f"has {slide.width} x {slide.height} pixels, more than the {LIMITS.pixels} that are held in memory, "
                f"and {needs_whole}"
            )
        return Loaded(given, read_rows(slide, 0, slide.height), spacing or slide.spacing)


def answered(
    model: Model, images: Iterable[Loaded], point: OperatingPoint | None = None
) -> Iterator[Answered | Reject]:
    """What the model says of each, in their order; `point` as of `Model.predict`."""
    asked, told = tee(images)
    predictions = model.predict((each.pixels for each in asked), point)
    for loaded, found in zip(told, predictions, strict=True):
        if np.isfinite(found.probability).all():
            yield Answered(loaded, model.task, found.classes, found.probability)
        else:
            yield Reject(str(loaded.given.path), "no answer", "the model answers with what is no number")
