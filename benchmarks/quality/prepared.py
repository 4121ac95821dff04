"""A data set made ready: records to train on, and sources to measure on, split by group."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.quality.experiments import DATA_SETS, DataSet
from components.errors import UsageError
from components.example_gen.core import Source, read_source
from components.example_gen.groups import members_of
from components.example_gen.listing import list_samples
from components.example_gen.outcome import outcome_of
from components.example_gen.samples import Sample
from components.example_gen.settings import DataSettings
from components.example_gen.unusable import Unusable
from components.records.split_settings import Splits
from components.records.splits import SPLITS, TEST, VALIDATION, Member, assign_splits, fold_split
from components.records.tfexample import serialize, shard_name, shard_writer

DEVELOPMENT = "development"


@dataclass(frozen=True)
class Prepared:
    """What a trial needs of a data set."""

    records: Path
    """With the folders `Split-train` and `Split-eval`."""
    training: int
    """Records of train."""
    sources: Sequence[Source]
    """Of the split that is measured, at the size of their files."""


def data_set(root: Path) -> DataSet:
    """That of a folder, by its name.

    Raises:
        UsageError: there is no such folder, or none of its name is known.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder. Give that of {', '.join(DATA_SETS)}")
    if root.resolve().name not in DATA_SETS:
        raise UsageError(f"{root}: the data sets are {', '.join(DATA_SETS)}, each a folder of that name")
    return DATA_SETS[root.resolve().name]


def prepare(root: Path, known: DataSet, data: DataSettings, split: str, folder: Path) -> Prepared:
    """Derives the records for a split that is measured, as `split_samples` has it, into a folder."""
    samples = split_samples(list_samples(root, data).samples, known, split)
    counts = {name: _write(root, _of(samples, name), data, folder, name) for name in SPLITS[:2]}
    return Prepared(folder, counts["train"], list(sources_of(root, _of(samples, split), data)))


def split_samples(samples: Sequence[Sample], known: DataSet, split: str) -> list[Sample]:
    """The samples with their splits: train, eval and the one that is measured: `development`, `test` or `fold-K`.

    For `development` nothing of the test split is among them. Of folds, which are cut of all there is, the next one is
    for validation.
    """
    if split in (folds := [fold_split(number) for number in range(1, known.folds + 1)]):
        names = {split: split, folds[folds.index(split) + 1 - known.folds]: VALIDATION}
        dealt = assign_splits(_members(samples, known.kind), Splits(), held_out=(), folds=known.folds)
        return [replace(sample, split=names.get(fold, "train")) for sample, fold in zip(samples, dealt, strict=True)]
    drawn = _drawn(samples, known.kind, known.shares, salt="")
    if split == TEST:
        return drawn
    rest = [sample for sample in drawn if sample.split != TEST]
    again = _drawn(rest, known.kind, known.development, salt=DEVELOPMENT)
    return [replace(sample, split=DEVELOPMENT) if sample.split == TEST else sample for sample in again]


def _drawn(samples: Sequence[Sample], kind: str, shares: tuple[int, int, int], salt: str) -> list[Sample]:
    shared = Splits(train=shares[0], eval=shares[1], test=shares[2], salt=salt)
    splits = assign_splits(_members(samples, kind), shared)
    return [replace(sample, split=split) for sample, split in zip(samples, splits, strict=True)]


def _members(samples: Sequence[Sample], kind: str) -> list[Member]:
    return [
        replace(member, split="", stratum=match[0] if (match := re.match(kind, sample.id)) else "")
        for member, sample in zip(members_of(samples, None), samples, strict=True)
    ]


def _of(samples: Sequence[Sample], split: str) -> list[Sample]:
    return [sample for sample in samples if sample.split == split]


def _write(root: Path, samples: Sequence[Sample], data: DataSettings, folder: Path, split: str) -> int:
    """Returns the number of records."""
    written = 0
    with shard_writer(str(folder), split, shard_name(0, 1)) as writer:
        for sample in samples:
            outcome, records = outcome_of(sample, root, data, serialize)
            if outcome.kind:
                _leave_out(sample, outcome.reason)
            for record in records:
                writer.write(record)
            written += len(records)
    return written


def sources_of(root: Path, samples: Sequence[Sample], data: DataSettings) -> Iterator[Source]:
    """Those of samples, less what cannot be used, which is told."""
    for sample in samples:
        try:
            yield read_source(root, sample, data)
        except Unusable as error:
            _leave_out(sample, str(error))


def _leave_out(sample: Sample, reason: str) -> None:
    print(f"{sample.image}: left out: {reason}", file=sys.stderr)
