"""Writes augmented shards in Beam: file names go in, files come out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

import apache_beam as beam
import cv2
import tensorflow as tf

from components.augmentor.core import with_copies
from components.tfexample import parse, serialize


class AugmentShard(beam.DoFn):
    """Writes the records of a shard and their copies under a temporary name, then moves it; yields the count."""

    def __init__(self, output: str, settings: Mapping[str, Any]) -> None:
        self._output = output
        self._settings = dict(settings)

    def setup(self) -> None:
        # Beam's workers are the parallelism; OpenCV's own threads would fight them.
        cv2.setNumThreads(1)

    def process(self, shard: str) -> Iterator[int]:
        name = os.path.basename(shard)  # noqa: PTH119 - may be a URI
        unfinished = f"{self._output}/unfinished-{name}"
        count = 0
        with tf.io.TFRecordWriter(unfinished) as writer:
            for serialized in tf.data.TFRecordDataset(shard).as_numpy_iterator():
                for record in with_copies(parse(serialized), self._settings):
                    writer.write(serialize(record))
                    count += 1
        tf.io.gfile.makedirs(f"{self._output}/Split-train")
        tf.io.gfile.rename(unfinished, f"{self._output}/Split-train/{name}", overwrite=True)
        yield count
