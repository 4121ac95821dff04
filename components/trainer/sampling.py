"""Which records an epoch sees, in which order, and around what its windows lie: by draws from (seed, epoch) alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from components.imaging.augmentation.augment import generator
from components.task import Task

_LOG = logging.getLogger("maskline.trainer")

Balance = Literal["none", "classes", "labels"]

BY_SHARE, ANY_CLASS = -1, 0
"""Around what a window lies, beside the index of a class: foreground by `foreground_share`, or of any class."""


@dataclass(frozen=True)
class Sampling:
    """What `[training]` says of it."""

    oversample_foreground: float = 0.0
    balance: Balance = "none"
    per_record: int = 1
    task: Task = field(default_factory=Task)


@dataclass(frozen=True)
class Facts:
    """What is known of each record, in the order of the records."""

    classes: Sequence[Sequence[int]]
    """Foreground classes of its truth; what is not judged is none."""
    labels: Sequence[str]


class Draws(NamedTuple):
    """The samples of an epoch in their order, each `(S,)`."""

    records: np.ndarray
    """Their numbers, int64."""
    visits: np.ndarray
    """How many samples of the epoch were of the same record before, int64."""
    around: np.ndarray
    """Around what their windows lie, int64: the index of a class, `ANY_CLASS` or `BY_SHARE`."""


class _Group(NamedTuple):
    """Records that are drawn from alike."""

    name: str
    around: int
    records: np.ndarray


def certain(batch: int, share: float) -> int:
    """Of a batch of samples the number drawn for their foreground: all but batch * (1 - share), rounded.

    So counts nnU-Net (`nnUNetDataLoader`): a share of 0.33 is 1 of 2 and of 3, 3 of 8, none of 1.
    """
    return batch - round(batch * (1 - share))


class Plan:
    """The samples of every epoch.

    Of each batch `certain` samples are of records with foreground, in places of their own in each batch; the others are
    of all records. Either are drawn from the groups of `balance` equally, and within a group each record as often as
    the others, to one: without groups, and where nothing is drawn for its foreground, each `per_record` times.
    """

    def __init__(self, facts: Facts, sampling: Sampling, batch_size: int, seed: int) -> None:
        self._sampling, self._batch_size, self._seed = sampling, batch_size, seed
        self._groups = list(_groups(facts, sampling))
        self._with_foreground = [group for group in _within(self._groups, _has_foreground(facts)) if group.records.size]
        self.samples = len(facts.labels) * sampling.per_record
        for warning in self._warnings():
            _LOG.warning("%s", warning)

    @property
    def share(self) -> float:
        """Of each batch, what is drawn for its foreground, before it is rounded; 0 where no record has any."""
        return self._sampling.oversample_foreground if self._with_foreground else 0.0

    def epoch(self, number: int) -> Draws:
        """Epochs count from 0."""
        rng = generator(self._seed, "", 0, number)
        drawn = np.empty((self.samples, 2), np.int64)
        for_foreground = self._for_foreground(rng)
        drawn[for_foreground] = _drawn(self._with_foreground, for_foreground.sum(), rng)
        drawn[~for_foreground] = _drawn(self._groups, (~for_foreground).sum(), rng)
        drawn[~for_foreground, 1] = BY_SHARE
        return Draws(drawn[:, 0], _visits(drawn[:, 0]), drawn[:, 1])

    def as_json(self) -> dict[str, Any]:
        """Of an epoch: its samples, and of a whole batch those for their foreground; of each group its records."""
        groups = {group.name: group.records.size for group in self._groups if self._sampling.balance != "none"}
        return {
            "samples": self.samples,
            "foreground_per_batch": certain(self._batch_size, self.share),
            "balanced": groups,
        }

    def _for_foreground(self, rng: np.random.Generator) -> np.ndarray:
        """Which samples are drawn for their foreground, bool `(S,)`."""
        marked = np.zeros(self.samples, bool)
        for begin in range(0, self.samples, self._batch_size):
            size = min(self._batch_size, self.samples - begin)
            marked[begin + rng.permutation(size)[: certain(size, self.share)]] = True
        return marked

    def _warnings(self) -> Iterator[str]:
        asked, balance = self._sampling.oversample_foreground, self._sampling.balance
        if asked and not self._with_foreground:
            yield (
                f"[training] oversample_foreground = {asked:g}: no training record has foreground, so all are drawn "
                "alike"
            )
        if balance != "none" and len(self._groups) == 1:
            only = self._groups[0].name
            yield f"[training] balance = {balance!r}: all training records are of one kind, {only!r}: there is no other"


def _groups(facts: Facts, sampling: Sampling) -> Iterator[_Group]:
    if sampling.balance == "none":
        yield _Group("all", ANY_CLASS, np.arange(len(facts.labels)))
    elif sampling.balance == "labels":
        labels = np.array(facts.labels)
        for label in sorted(set(facts.labels)):
            yield _Group(label or "no label", ANY_CLASS, np.flatnonzero(labels == label))
    else:
        for index in sorted({index for classes in facts.classes for index in classes}):
            having = [number for number, classes in enumerate(facts.classes) if index in classes]
            yield _Group(sampling.task.name(index), index, np.array(having))
        without = np.flatnonzero(~_has_foreground(facts))
        if without.size:
            yield _Group("no class", ANY_CLASS, without)


def _has_foreground(facts: Facts) -> np.ndarray:
    return np.array([bool(classes) for classes in facts.classes])


def _within(groups: Sequence[_Group], chosen: np.ndarray) -> Iterator[_Group]:
    return (group._replace(records=group.records[chosen[group.records]]) for group in groups)


def _drawn(groups: Sequence[_Group], count: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of records and around what their windows lie, int64 `(count, 2)`, in any order."""
    # Where they do not come out even, other groups have one more in each epoch.
    shares = (count + rng.permutation(len(groups))) // max(len(groups), 1)
    drawn = [
        np.column_stack((_in_turn(group.records, share, rng), np.full(share, group.around)))
        for group, share in zip(groups, shares, strict=True)
    ]
    return rng.permutation(np.concatenate(drawn)) if drawn else np.empty((0, 2), np.int64)


def _in_turn(records: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Each record as often as the others, to one."""
    rounds = -(-count // records.size)
    return np.concatenate([records[:0], *(rng.permutation(records) for _ in range(rounds))])[:count]


def _visits(records: np.ndarray) -> np.ndarray:
    order = np.argsort(records, kind="stable")
    counts = np.unique(records, return_counts=True)[1]
    visits = np.empty_like(records)
    visits[order] = np.arange(records.size) - np.repeat(counts.cumsum() - counts, counts)
    return visits
