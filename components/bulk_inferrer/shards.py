"""Asks a model about shards of records in Beam: file names go in, files come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import apache_beam as beam
import numpy as np
from apache_beam.utils.shared import Shared

from components.bulk_inferrer.answers import Place, kinds
from components.bulk_inferrer.degradations import DEGRADATIONS
from components.bulk_inferrer.settings import InferrerSettings
from components.inference.predictor import Predictor
from components.records.sources import shard_sources


class AnswerShard(beam.DoFn):
    """Writes the answers to the images of a shard."""

    def __init__(self, model: str, settings: InferrerSettings) -> None:
        """`model` is the folder of the SavedModel."""
        self._model = model
        self._settings = settings
        # Between the threads of a worker.
        self._shared = Shared()

    def setup(self) -> None:
        self._predictor = self._shared.acquire(partial(Predictor, Path(self._model), self._settings.derivation))

    def process(self, asked: tuple[Place, str]) -> None:
        """`asked` is where the answers go, and the file that is read."""
        place, shard = asked
        with ExitStack() as files:
            writers = [files.enter_context(place.writer(kind, shard)) for kind in kinds(self._settings.mirror)]
            for answers in self._answers(shard, place.under):
                for write, answer in zip(writers, answers, strict=True):
                    write(answer)

    def _answers(self, shard: str, under: str | None) -> Iterable[tuple[np.ndarray, ...]]:
        """Of each kind one, to each window."""
        images = self._images(shard, under)
        if self._settings.mirror:
            return self._predictor.plain_and_mirrored(images)
        return ((answer,) for answer in self._predictor.answers(images))

    def _images(self, shard: str, under: str | None) -> Iterator[np.ndarray]:
        changes = self._settings.robustness.asked
        for source in shard_sources(shard):
            yield DEGRADATIONS[under](source.image, changes[under], source.id) if under else source.image
