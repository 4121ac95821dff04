"""Asks a model about shards of records in Beam: file names go in, files come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import apache_beam as beam
import numpy as np

from components.bulk_inferrer.answers import Place, kinds
from components.bulk_inferrer.degradations import DEGRADATIONS
from components.bulk_inferrer.settings import InferrerSettings
from components.inference.predictor import Predictor
from components.inference.worker import WorkerModel
from components.records.sources import shard_sources


class AnswerShard(beam.DoFn):
    """Writes the answers to the images of a shard."""

    def __init__(self, model: str, settings: InferrerSettings, refusals: str) -> None:
        """`model` is the folder of the SavedModel, `refusals` that of `WorkerModel`."""
        self._settings = settings
        self._worker = WorkerModel(partial(Predictor, Path(model), settings.derivation), refusals)

    def process(self, asked: tuple[Place, str]) -> None:
        """`asked` is where the answers go, and the file that is read."""
        self._worker(partial(self._write, *asked))

    def _write(self, place: Place, shard: str, predictor: Predictor) -> None:
        with ExitStack() as files:
            writers = [files.enter_context(place.writer(kind, shard)) for kind in kinds(self._settings.mirror)]
            for answers in self._answers(predictor, self._images(shard, place.under)):
                for write, answer in zip(writers, answers, strict=True):
                    write(answer)

    def _answers(self, predictor: Predictor, images: Iterator[np.ndarray]) -> Iterable[tuple[np.ndarray, ...]]:
        """Of each kind one, to each window."""
        if self._settings.mirror:
            return predictor.plain_and_mirrored(images)
        return ((answer,) for answer in predictor.answers(images))

    def _images(self, shard: str, under: str | None) -> Iterator[np.ndarray]:
        changes = self._settings.robustness.asked
        for source in shard_sources(shard):
            yield DEGRADATIONS[under](source.image, changes[under], source.id) if under else source.image
