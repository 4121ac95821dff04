"""Writes shards of records in Beam. Elements are lists of paths; pixels never leave the function that reads them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam
import cv2
import tensorflow as tf

from components.example_gen.core import Unusable, derive, read_source, shard_count, views
from components.example_gen.samples import Sample
from components.parallel import ordered_map
from components.splits import SPLITS
from components.tfexample import serialize, shard_name


@dataclass(frozen=True)
class Shard:
    """One file of records and the samples that go into it."""

    split: str
    name: str
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a sample."""

    source: str
    split: str
    records: int = 0
    empty_tiles_dropped: int = 0
    inflation: float | None = None
    kind: str = ""
    """Of the fault that made the sample a reject; empty for none."""
    reason: str = ""


def plan_shards(samples: Sequence[Sample], data: Mapping[str, Any]) -> list[Shard]:
    """Shards of every split, empty splits included: one file without records."""
    shards = []
    for split in SPLITS:
        members = [sample for sample in samples if sample.split == split]
        count = shard_count(len(members), data)
        shards += [Shard(split, shard_name(i, count), tuple(members[i::count])) for i in range(count)]
    return shards


class WriteShard(beam.DoFn):
    """Derives and writes a shard under a temporary name, then moves it; yields an `Outcome` per sample as JSON."""

    def __init__(self, root: str, output: str, data: Mapping[str, Any], threads: int) -> None:
        self._root = root
        self._output = output
        self._data = dict(data)
        self._threads = threads

    def setup(self) -> None:
        # The threads here are the parallelism; OpenCV's own would fight them.
        cv2.setNumThreads(1)

    def process(self, shard: Shard) -> Iterator[str]:
        path = f"{self._output}/Split-{shard.split}/{shard.name}"
        unfinished = f"{self._output}/unfinished-{shard.split}-{shard.name}"
        work = partial(serialized_records, Path(self._root), data=self._data, split=shard.split)
        with tf.io.TFRecordWriter(unfinished) as writer:
            for outcome, records in ordered_map(work, shard.samples, self._threads):
                for record in records:
                    writer.write(record)
                yield json.dumps(asdict(outcome))
        tf.io.gfile.makedirs(f"{self._output}/Split-{shard.split}")
        tf.io.gfile.rename(unfinished, path, overwrite=True)


def serialized_records(
    root: Path, sample: Sample, data: Mapping[str, Any], split: str
) -> tuple[Outcome, list[bytes]]:
    """The records of a sample as tf.Examples, none for a reject."""
    try:
        source = read_source(root, sample, data)
        planned = views(source, data)
        records = [serialize(record) for record in derive(source, planned, data, split)]
    except Unusable as error:
        return Outcome(sample.image, split, kind=error.kind, reason=str(error)), []
    dropped = len(planned) - len(records)
    return Outcome(sample.image, split, len(records), dropped, source.inflation), records
