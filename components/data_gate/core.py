"""What the gate says of the records of a run, as the split report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.data_gate.drift import RECIPE, Feature, compare, drift
from components.data_gate.entries import Entry
from components.data_gate.findings import Finding
from components.data_gate.leaks import Search, find_leaks, torn_images
from components.data_gate.learnt import learnt_by_champion
from components.data_gate.masks import mask_summary, without_background
from components.data_gate.orientation import orientation_summary
from components.data_gate.quality import find_faults, find_oddities
from components.data_gate.settings import GateSettings
from components.example_gen.settings import DataSettings
from components.imaging.truth.settings import Mask
from components.seen.names import AS_THEY_ARE, Names, names_of
from components.serving_dir import data_section, read_split_report
from components.task import Task


@dataclass(frozen=True)
class Champion:
    """The served version, and the data that it was made of."""

    version: str
    records: Sequence[Mapping[str, Any]]
    """The rows of their split report."""
    data: Mapping[str, Any]
    """The section `[data]` of its config."""
    names: Names = AS_THEY_ARE
    """As its split report writes them."""


def read_champion(folder: Path, version: str) -> Champion:
    """The champion by the folder of its version; one that was pushed without a report has no records."""
    report = read_split_report(folder)
    if report is None:
        return Champion(version, [], data_section(folder))
    return Champion(version, report["records"], data_section(folder), names_of(report))


def split_report(
    entries: Sequence[Entry],
    account: Mapping[str, Any],
    anomalies: Mapping[str, Sequence[str]],
    settings: GateSettings,
    search: Search,
    data: DataSettings,
    champion: Champion | None = None,
) -> dict[str, Any]:
    """Which source, group and hash is in which split, and what was found: the proof that nothing leaks.

    A run stops where there are `problems`; each has a message for people.

    Args:
        entries: all records of all splits.
        account: the contents of `account.json`.
        anomalies: by split, the anomalies found against the schema.
        settings: the `[validation]` section of the config, and `warm_start` of `[training]`.
        search: finds near duplicates.
        data: the section `[data]` of the config, and the folds.
    """
    rows = [entry.row() for entry in sorted(entries, key=lambda entry: (entry.split, entry.source, entry.id))]
    features = _features(champion, rows, data, settings.max_drift) if champion else []
    found = [
        *find_leaks(entries, search, data.run_splits),
        # Another rule says what belongs together.
        *(torn_images(entries) if data.groups.by == "layout" else ()),
        *find_faults(entries, account, anomalies, settings, data),
        *(drift(features, champion.version, settings.max_drift) if champion else ()),
        *(_learnt(entries, champion, settings) if champion else ()),
        *find_oddities(entries, account, data),
    ]
    without = without_background(account["truth"])
    return {
        "splits": {
            split: _summary([entry for entry in entries if entry.split == split], data.task, without)
            for split in data.run_splits
        },
        "masks": mask_summary(account["truth"]),
        "orientation": orientation_summary(account["turns"]),
        "data_fingerprint": account["data_fingerprint"],
        "sources": account["sources"],
        "rejects": account["rejects"],
        "left_out": account["left_out"],
        "without_records": account["without_records"],
        "problems": [item.as_json() for item in found if item.stops],
        "notes": [item.as_json() for item in found if not item.stops],
        "drift": _drift(champion, features),
        "records": rows,
    }


def _learnt(entries: Sequence[Entry], champion: Champion, settings: GateSettings) -> Iterator[Finding]:
    return learnt_by_champion(
        entries, champion.records, champion.version, champion.names, warm_start=settings.warm_start
    )


def _features(
    champion: Champion, rows: Sequence[Mapping[str, Any]], data: DataSettings, max_drift: float
) -> list[Feature]:
    ours = data.model_dump(mode="json", include=set(RECIPE))
    # Keys that there were not yet when it was pushed had their defaults.
    mask = {**Mask().model_dump(mode="json"), **champion.data.get("mask", {})}
    theirs = {"regions": "", **champion.data, "mask": mask}
    same_recipe = all(theirs.get(key) == ours[key] for key in ours)
    return compare(champion.records, rows, max_drift, same_recipe)


def _summary(entries: Sequence[Entry], task: Task, without: Set[str]) -> dict[str, Any]:
    """Counts of a split; `classes` and `labels` count the records that have them, classes by their names.

    Of sources `without` background, what a record adds around them is none.
    """
    classes = Counter(value for entry in entries for value in entry.classes if value or entry.source not in without)
    labels = Counter(entry.label for entry in entries if entry.label)
    return {
        "records": len(entries),
        "groups": len({entry.group for entry in entries}),
        "with_foreground": sum(entry.foreground > 0 for entry in entries),
        "classes": {task.name(index): classes[index] for index in sorted(classes)},
        "labels": {label: labels[label] for label in sorted(labels)},
    }


def _drift(champion: Champion | None, features: Sequence[Feature]) -> dict[str, Any] | None:
    if champion is None:
        return None
    return {"champion": champion.version, "features": [asdict(feature) for feature in features]}
