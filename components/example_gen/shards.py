"""Writes shards of records in Beam. Elements are lists of paths; pixels never leave the function that reads them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import apache_beam as beam

from components.example_gen.core import shard_count
from components.example_gen.outcome import outcome_of
from components.example_gen.samples import Sample
from components.example_gen.settings import DataSettings
from components.parallel import ordered_map, threads, without_inner_threads
from components.records.tfexample import serialize, shard_name, shard_writer


@dataclass(frozen=True)
class Shard:
    """One file of records and the samples that go into it."""

    split: str
    name: str
    samples: tuple[Sample, ...]


def plan_shards(samples: Sequence[Sample], data: DataSettings) -> list[Shard]:
    """Shards of every split, empty splits included: one file without records."""
    shards = []
    for split in data.run_splits:
        members = [sample for sample in samples if sample.split == split]
        count = shard_count(len(members), data)
        shards += [Shard(split, shard_name(i, count), tuple(members[i::count])) for i in range(count)]
    return shards


class WriteShard(beam.DoFn):
    """Derives and writes a shard; yields an `Outcome` per sample as JSON."""

    def __init__(self, root: str, output: str, data: DataSettings) -> None:
        self._root = root
        self._output = output
        self._data = data

    def setup(self) -> None:
        without_inner_threads()
        if not Path(self._root).is_dir():
            raise FileNotFoundError(
                f"{socket.gethostname()}, a worker of Beam, does not see the data folder {self._root}: mount it there "
                "under the same path"
            )

    def process(self, shard: Shard) -> Iterator[str]:
        work = partial(outcome_of, root=Path(self._root), data=self._data, make=serialize)
        with shard_writer(self._output, shard.split, shard.name) as writer:
            for outcome, records in ordered_map(work, shard.samples, threads()):
                for record in records:
                    writer.write(record)
                yield json.dumps(asdict(outcome))
