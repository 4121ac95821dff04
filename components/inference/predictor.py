"""Class probabilities of images by a served model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.imaging.files.codecs import as_float
from components.imaging.geometry.placement import Placement
from components.inference.windows import blended, windows_of
from components.records.record import intensity
from components.records.settings import Derivation

_BATCH = 8
"""Windows that the model sees at once."""

Window = tuple[np.ndarray, tuple[float, float]]
"""float32 `(height, width, C)` in 0..1, with mean and standard deviation of the whole content."""


@dataclass(frozen=True)
class _Plan:
    """The windows of an image."""

    places: list[Placement]
    content: np.ndarray
    """The image at the scale of the windows."""

    def windows(self) -> Iterator[Window]:
        moments = intensity(self.content)
        return ((as_float(place.placed(self.content)), moments) for place in self.places)


def _batches(windows: Iterator[Window]) -> Iterator[list[Window]]:
    """Those before one that fails come before the error."""
    batch: list[Window] = []
    try:
        for window in windows:
            batch.append(window)
            if len(batch) == _BATCH:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


class Predictor:
    """A SavedModel with the derivation that it was made for."""

    def __init__(self, folder: Path, derivation: Derivation) -> None:
        """`folder` is that of the SavedModel."""
        self._model = tf.saved_model.load(str(folder))  # its signatures live as long as it does
        self._derivation = derivation
        self._whole = self._model.signatures["serve_tensor"]
        # Models of tiles from before standardise each tile by itself, as they were trained.
        self._parts = self._model.signatures.get("serve_windows") if derivation.tiles else None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what the model sees at once."""
        height, width = self._whole.structured_input_signature[1]["images"].shape[1:3]
        return height, width

    @property
    def channels(self) -> int:
        """Of its probabilities: 1, of a single class, or one for each class index."""
        return int(self._whole.structured_outputs["probability"].shape[-1])

    def __call__(self, images: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Of each image the probabilities float32 `(H, W, channels)`, in the order of the images.

        Args:
            images: `(H, W)` gray or `(H, W, 3)` RGB of any size, uint8 or uint16, of the model's channels and adjusted
                as records are.
        """
        planned: deque[_Plan] = deque()

        def windows() -> Iterator[Window]:
            for image in images:
                plan = self._plan(image)
                planned.append(plan)
                yield from plan.windows()

        answers = self._answers(windows())
        for first in answers:
            places = planned.popleft().places
            yield blended(chain([first], islice(answers, len(places) - 1)), places)

    def _plan(self, image: np.ndarray) -> _Plan:
        height, width = image.shape[:2]
        places = windows_of(height, width, self.size, self._derivation)
        return _Plan(places, places[0].scaled(image))

    def _answers(self, windows: Iterator[Window]) -> Iterator[np.ndarray]:
        for batch in _batches(windows):
            images, moments = zip(*batch, strict=True)
            given: dict[str, Any] = {"images": tf.constant(np.stack(images))}
            if self._parts is None:
                yield from self._whole(**given)["probability"].numpy()
            else:
                yield from self._parts(**given, moments=tf.constant(moments, tf.float32))["probability"].numpy()
