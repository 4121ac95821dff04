"""What is wrong with the records of a run: leaks between splits, empty splits, anomalies, too many rejects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from components.splits import SPLITS


@dataclass(frozen=True)
class Entry:
    """Where a record stands and where it comes from."""

    id: str
    group: str
    source: str
    split: str
    sha256: str
    has_foreground: bool

    def __str__(self) -> str:
        return f"{self.source} ({self.split}, group {self.group})"


@dataclass(frozen=True)
class Problem:
    """A reason to stop, with what to do about it."""

    kind: str
    message: str


def find_problems(
    entries: Sequence[Entry],
    rejects: Mapping[str, Any],
    anomalies: Mapping[str, Sequence[str]],
    settings: Mapping[str, Any],
) -> list[Problem]:
    """Everything that stops a run, in the order of its weight.

    Args:
        entries: all records of all splits.
        rejects: the contents of `rejects.json`.
        anomalies: by split, the anomalies found against the schema.
        settings: the `[validation]` section of the config.
    """
    return [
        *_shared(
            entries, "group overlap", "share a group across splits: split the data by group", lambda entry: entry.group
        ),
        *_shared(
            entries,
            "identical pixels",
            "hold the same pixels across splits: remove one, or give both the same group",
            lambda entry: entry.sha256,
        ),
        *_small_splits(entries, settings["min_groups"]),
        *_too_many_rejects(rejects, settings["max_reject_fraction"]),
        *(Problem("anomaly", f"split {split}: {anomaly}") for split in SPLITS for anomaly in anomalies.get(split, ())),
    ]


def split_report(entries: Sequence[Entry], rejects: Mapping[str, Any], problems: Sequence[Problem]) -> dict[str, Any]:
    """Which source, group and hash is in which split, and what was found: the proof that nothing leaks."""
    return {
        "splits": {split: _summary([entry for entry in entries if entry.split == split]) for split in SPLITS},
        "sources": rejects["sources"],
        "rejects": rejects["rejects"],
        "duplicates_within_a_split": [
            [str(entry) for entry in same]
            for same in _sets(entries, lambda entry: (entry.split, entry.sha256))
            if len(same) > 1
        ],
        "problems": [asdict(problem) for problem in problems],
        "records": [asdict(entry) for entry in sorted(entries, key=lambda entry: (entry.split, entry.source))],
    }


def _sets(entries: Iterable[Entry], key: Callable[[Entry], Any]) -> list[list[Entry]]:
    sets: dict[Any, list[Entry]] = defaultdict(list)
    for entry in entries:
        sets[key(entry)].append(entry)
    return list(sets.values())


def _shared(entries: Sequence[Entry], kind: str, verdict: str, key: Callable[[Entry], str]) -> Iterator[Problem]:
    for same in _sets(entries, key):
        by_split = {entry.split: entry for entry in reversed(same)}
        for one, other in combinations(by_split.values(), 2):
            yield Problem(kind, f"{one} and {other} {verdict}")


def _small_splits(entries: Sequence[Entry], min_groups: int) -> Iterator[Problem]:
    advice = "add data, or draw again with another [data.splits] salt"
    for split in SPLITS:
        members = [entry for entry in entries if entry.split == split]
        groups = {entry.group for entry in members}
        if not members:
            yield Problem("empty split", f"split {split} has no record: {advice}")
        elif len(groups) < min_groups:
            yield Problem(
                "small split",
                f"split {split} has {len(groups)} groups, [validation] min_groups asks for {min_groups}: {advice}",
            )
        elif not any(entry.has_foreground for entry in members):
            yield Problem("empty split", f"split {split} has no foreground in any mask, so no Dice: {advice}")


def _too_many_rejects(rejects: Mapping[str, Any], limit: float) -> Iterator[Problem]:
    rejected, sources = len(rejects["rejects"]), rejects["sources"]
    if rejected > limit * sources:
        first = "; ".join(f"{reject['source']}: {reject['reason']}" for reject in rejects["rejects"][:3])
        yield Problem(
            "rejects",
            f"{rejected} of {sources} sources are unusable, [validation] max_reject_fraction allows {limit:.0%}: "
            f"{first}{' …' if rejected > 3 else ''}",
        )


def _summary(entries: Sequence[Entry]) -> dict[str, int]:
    return {
        "records": len(entries),
        "groups": len({entry.group for entry in entries}),
        "with_foreground": sum(entry.has_foreground for entry in entries),
    }
