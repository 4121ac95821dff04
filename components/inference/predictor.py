"""Class probabilities of images by a SavedModel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import tee
from pathlib import Path

import numpy as np

from components.imaging.files.codecs import as_float
from components.imaging.geometry.placement import Placement
from components.inference.blending import BLENDS
from components.inference.engines.engine import Asked
from components.inference.engines.offered import open_form
from components.inference.engines.registry import TENSORFLOW
from components.inference.mirror import FLIPS
from components.inference.operating_point import tempered
from components.inference.steps import rounded
from components.inference.strips import blended_strips
from components.inference.views import VIEWS, chosen_view
from components.inference.windows import Whole, joined, scale_of, windows_of
from components.records.record import intensity
from components.records.settings import Derivation

Window = tuple[np.ndarray, tuple[float, float]]
"""float32 `(height, width, C)` in 0..1, with mean and standard deviation of the whole content."""
_MOST_AT_ONCE = 2**20
"""Pixels of windows of an image that is not in memory."""


def _nothing() -> None: ...


@dataclass(frozen=True)
class Asking:
    """How a model is asked."""

    form: str = TENSORFLOW
    """Of the model, that answers: as `chosen` names it."""
    device: str | None = None
    """On what TensorFlow computes, as of `SavedModel`."""
    own: bool = False
    """By its own answers, without the mirror and the temperature that are part of its graph."""
    mirror: bool = False
    """Take the mean of the answers to the mirrored forms of a window."""
    temperature: float = 1.0
    """Divide the logits by it."""
    blend: str = "mean"
    """By name, of `BLENDS`."""
    batch: int = 8
    """Windows that the model sees at once."""
    view: str | None = None
    """By name, of `VIEWS`; None: as the model was trained."""

    heed: Callable[[], None] = _nothing
    """Called before each question to the model; what it raises ends the answer."""


_AS_SERVED = Asking()


class Predictor:
    """A SavedModel with the derivation that it was made for."""

    def __init__(self, folder: Path, derivation: Derivation, asking: Asking = _AS_SERVED) -> None:
        """`folder` is that of the SavedModel.

        Raises:
            UsageError: the model's own answers are asked for, and it does not give them; the form that is asked for is
                not installed, or broken; the model has no such view.
        """
        self.view = chosen_view(asking.view, derivation)
        self._engine = open_form(folder, asking.form, asking.own, asking.device)
        self._derivation = derivation
        self._asking = asking

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what the model sees at once."""
        return self._engine.size

    @property
    def channels(self) -> int:
        """Of its probabilities: 1, of a single class, or one for each class index."""
        return self._engine.channels

    def __call__(self, images: Iterable[np.ndarray]) -> Iterator[Whole]:
        """Of each image the answer, `(H, W, channels)`, in the order of the images.

        Args:
            images: `(H, W)` gray or `(H, W, 3)` RGB of any size, uint8 or uint16, of the model's channels and adjusted
                as records are.
        """
        view = VIEWS[self.view]
        looks = view.looks(self._derivation)
        for found in zip(*map(self._look, tee(images, len(looks)), looks), strict=True):
            probability = view.joined(*(each.probability for each in found))
            # Of tiles, however else the model has looked.
            height, width = probability.shape[:2]
            yield Whole(probability, scale_of(windows_of(height, width, self.size, self._derivation)[0]))

    def answers(self, images: Iterable[np.ndarray], mirror: bool = False) -> Iterator[np.ndarray]:
        """Of each window of each image the answer, float32 `(height, width, channels)`, rounded to 16 bit.

        Args:
            images: as of `__call__`.
            mirror: take the mean of the answers to the mirrored forms of a window.
        """
        return self._answers(images, self._derivation, mirror)

    def plain_and_mirrored(self, images: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of each window what `answers` gives without `mirror` and with it, in the time of the latter."""
        windows = (window for image in images for window in self._windows(image, self._derivation))
        for forms in self._forms(windows, FLIPS, self._asking.batch):
            yield from zip(self._told(forms[:1]), self._told(forms), strict=True)

    def strips(
        self, read: Callable[[int, int], np.ndarray], size: tuple[int, int], moments: tuple[float, float], begin: int
    ) -> Iterator[np.ndarray]:
        """The answer to an image that is not in memory from row `begin` on, in strips of rows `(h, W, channels)`.

        The windows of a row are asked about together and no others, so that an answer does not depend on `begin`; at
        once of no more than a megapixel, since activations would take more memory than all else.

        Args:
            read: the rows from one on, so many, over the whole width; values as of the images of `__call__`.
            size: height and width of the image.
            moments: its mean and standard deviation, as `intensity` has them.
            begin: the first row that is wanted.
        """

        def answer(row: Sequence[Placement]) -> Iterator[np.ndarray]:
            (rows, _), _ = row[0].overlap()
            content = read(rows.start, rows.stop - rows.start)
            places = (replace(place, content_height=len(content), top=place.top + rows.start) for place in row)
            windows = ((as_float(place.placed(content)), moments) for place in places)
            return self._answered(windows, self._asking.mirror, batch)

        batch = max(1, min(self._asking.batch, _MOST_AT_ONCE // math.prod(self.size)))
        places = windows_of(*size, self.size, self._derivation)
        return blended_strips(answer, places, BLENDS[self._asking.blend], begin)

    def _look(self, images: Iterable[np.ndarray], derivation: Derivation) -> Iterator[Whole]:
        asked, sized = tee(images)
        sizes = ((image.shape[0], image.shape[1]) for image in sized)
        answers = self._answers(asked, derivation, self._asking.mirror)
        return joined(answers, sizes, derivation, BLENDS[self._asking.blend])

    def _answers(self, images: Iterable[np.ndarray], derivation: Derivation, mirror: bool) -> Iterator[np.ndarray]:
        windows = (window for image in images for window in self._windows(image, derivation))
        return self._answered(windows, mirror, self._asking.batch)

    def _answered(self, given: Iterator[Window], mirror: bool, size: int) -> Iterator[np.ndarray]:
        for forms in self._forms(given, FLIPS if mirror else FLIPS[:1], size):
            yield from self._told(forms)

    def _forms(
        self, given: Iterator[Window], flips: Sequence[tuple[int, ...]], size: int
    ) -> Iterator[list[np.ndarray]]:
        """The answers to the flipped forms of so many windows at once, `(N, height, width, channels)` each."""
        for batch in _batches(given, size):
            windows, moments = (np.stack(each).astype(np.float32) for each in zip(*batch, strict=True))
            self._asking.heed()
            asked = (Asked(np.ascontiguousarray(np.flip(windows, axes)), moments) for axes in flips)
            yield [np.flip(self._engine(each), axes) for each, axes in zip(asked, flips, strict=True)]

    def _told(self, forms: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
        # What is kept of an answer and what is told of it are the same.
        return map(rounded, tempered(np.mean(forms, axis=0, dtype=np.float32), self._asking.temperature))

    def _windows(self, image: np.ndarray, derivation: Derivation) -> Iterator[Window]:
        places = windows_of(image.shape[0], image.shape[1], self.size, derivation)
        content = places[0].scaled(image)
        moments = intensity(content)
        return ((as_float(place.placed(content)), moments) for place in places)


def _batches(windows: Iterator[Window], size: int) -> Iterator[list[Window]]:
    """Those before one that fails come before the error."""
    batch: list[Window] = []
    try:
        for window in windows:
            batch.append(window)
            if len(batch) == size:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch
