"""Writes augmented shards in Beam: file names go in, files come out."""

from __future__ import annotations

import os
from functools import partial

import apache_beam as beam

from components.augmentor.core import copies_of
from components.augmentor.settings import FoldTraining
from components.imaging.augmentation.settings import Augmentation
from components.imaging.geometry.tiles import keep_empty
from components.imaging.truth.classes import IGNORE
from components.parallel import ordered_map, threads, without_inner_threads
from components.records.tfexample import parse, parse_header, serialize, serialized_records, shard_writer


class AugmentShard(beam.DoFn):
    """Writes the records of a shard, of those without foreground as many as are learnt from, and their copies."""

    def __init__(self, output: str, settings: Augmentation, folds: FoldTraining | None = None) -> None:
        """Without `folds` the shards hold what is learnt from, and no more."""
        self._output = output
        self._settings = settings
        self._folds = folds

    def setup(self) -> None:
        without_inner_threads()

    def process(self, shard: tuple[str, str]) -> None:
        """`shard` is the split that is written, and the file that is read."""
        split, path = shard
        name = os.path.basename(path)  # noqa: PTH119 - may be a URI
        originals = serialized_records(path).as_numpy_iterator()
        if self._folds:
            originals = filter(partial(is_learnt, folds=self._folds), originals)
        with shard_writer(self._output, split, name) as writer:
            for records in ordered_map(partial(with_copies, settings=self._settings), originals, threads()):
                for record in records:
                    writer.write(record)


def is_learnt(serialized: bytes, folds: FoldTraining) -> bool:
    """Whether a record of a fold is learnt from, as `components.example_gen.core` decides it of a train split."""
    record = parse_header(serialized)
    if set(record.classes) == {IGNORE}:
        return False
    return bool(record.foreground) or keep_empty(record.id, folds.keep_empty, folds.salt)


def with_copies(serialized: bytes, settings: Augmentation) -> list[bytes]:
    """A serialized record as it is, then its copies."""
    return [serialized, *map(serialize, copies_of(parse(serialized), settings))] if settings.copies else [serialized]
