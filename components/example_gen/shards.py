"""Writes shards of records in Beam. Elements are lists of paths; pixels never leave the function that reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import cv2
import tensorflow as tf

from components.example_gen.core import Unusable, derive, shard_count
from components.example_gen.samples import Sample
from components.splits import SPLITS, split_of
from components.tfexample import serialize, shard_name


@dataclass(frozen=True)
class Shard:
    """One file of records and the samples that go into it."""

    split: str
    name: str
    samples: tuple[Sample, ...]


def plan_shards(samples: tuple[Sample, ...], data: Mapping[str, Any]) -> list[Shard]:
    """Shards of every split, empty splits included: one file without records."""
    shards = []
    for split in SPLITS:
        members = [sample for sample in samples if split_of(sample.group, data["splits"]) == split]
        count = shard_count(len(members), data)
        shards += [Shard(split, shard_name(i, count), tuple(members[i::count])) for i in range(count)]
    return shards


class WriteShard(beam.DoFn):
    """Derives and writes a shard under a temporary name, then moves it; yields a JSON line per sample."""

    def __init__(self, root: str, output: str, data: Mapping[str, Any]) -> None:
        self._root = root
        self._output = output
        self._data = dict(data)

    def setup(self) -> None:
        # Beam's workers are the parallelism; OpenCV's own threads would fight them.
        cv2.setNumThreads(1)

    def process(self, shard: Shard) -> Iterator[str]:
        path = f"{self._output}/Split-{shard.split}/{shard.name}"
        unfinished = f"{self._output}/unfinished-{shard.split}-{shard.name}"
        with tf.io.TFRecordWriter(unfinished) as writer:
            for sample in shard.samples:
                reason = self._write(writer, sample)
                yield json.dumps({"source": sample.image, "split": shard.split, "reason": reason})
        tf.io.gfile.makedirs(f"{self._output}/Split-{shard.split}")
        tf.io.gfile.rename(unfinished, path, overwrite=True)

    def _write(self, writer: tf.io.TFRecordWriter, sample: Sample) -> str | None:
        try:
            record = derive(Path(self._root), sample, self._data)
        except Unusable as error:
            return str(error)
        writer.write(serialize(record))
        return None
