"""What the champion's memory makes of the draw of the test split: the one place where runs, checks and slots look."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from components.example_gen.groups import members_of
from components.example_gen.listing import list_grouped
from components.example_gen.samples import Sample
from components.example_gen.settings import DataSettings
from components.example_gen.spans import OLDER
from components.records.splits import TEST, Memory, recall
from components.seen.names import names_of
from components.serving_dir import champion_version, read_split_report
from components.serving_papers import SplitReport


def held_out(root: Path, data: DataSettings, serving: Path) -> list[str] | None:
    """The groups that are drawn into the test split, where what the champion knows makes them others; else None.

    It is the outcome alone that a run is told, and not the champion: a push does not change it, so what was read of
    the data is reused.

    Args:
        root: the input folder.
        data: the section `[data]` of the config.
        serving: the serving folder.

    Raises:
        UsageError: as `list_grouped`, `champion_version` and `names_of` do; no such test group or site.
    """
    version = champion_version(serving)
    report = read_split_report(serving / version) if version else None
    if report is None:
        return None
    listing, ages = list_grouped(root, data)
    return recall(members_of(listing.samples, ages), data.splits, _memory(report, listing.samples))


def _memory(report: SplitReport, samples: Iterable[Sample]) -> Memory:
    """By the images that the champion's report names: what is a group may have another name now, or another extent.

    What is older than the champion's window may have been learnt by a model before it.
    """
    names = names_of(report)
    groups, own = {}, {}
    for sample in samples:
        groups[names(sample.image)] = own[names(sample.group)] = sample.group
    known = [
        (row.get("split"), groups.get(row.get("source", "")) or own.get(row["group"], row["group"]))
        for row in report["records"]
    ]
    older = {groups.get(source["source"]) for source in report.get("left_out", ()) if source.get("kind") == OLDER}
    tested = {group for split, group in known if split == TEST}
    learnt = {group for split, group in known if split != TEST}
    return Memory(tested - learnt, learnt | {group for group in older if group} - tested)
