"""Writes augmented shards in Beam: file names go in, files come out."""

from __future__ import annotations

import os
from functools import partial

import apache_beam as beam
import tensorflow as tf

from components.augmentor.core import copies_of
from components.imaging.augmentation.settings import Augmentation
from components.parallel import ordered_map, threads, without_inner_threads
from components.records.tfexample import parse, serialize, shard_writer


class AugmentShard(beam.DoFn):
    """Writes the records of a training shard and their copies."""

    def __init__(self, output: str, settings: Augmentation) -> None:
        self._output = output
        self._settings = settings

    def setup(self) -> None:
        without_inner_threads()

    def process(self, shard: str) -> None:
        name = os.path.basename(shard)  # noqa: PTH119 - may be a URI
        originals = tf.data.TFRecordDataset(shard).as_numpy_iterator()
        with shard_writer(self._output, "train", name) as writer:
            for records in ordered_map(partial(with_copies, settings=self._settings), originals, threads()):
                for record in records:
                    writer.write(record)


def with_copies(serialized: bytes, settings: Augmentation) -> list[bytes]:
    """A serialized record as it is, then its copies."""
    return [serialized, *map(serialize, copies_of(parse(serialized), settings))] if settings.copies else [serialized]
