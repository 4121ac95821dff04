"""What is wrong with the records of a run, or worth a look, apart from leaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.data_gate.entries import Entry
from components.data_gate.findings import Finding, finding
from components.data_gate.masks import full_masks, upside_down
from components.data_gate.names import ungrouped
from components.data_gate.orientation import turned_images
from components.data_gate.settings import Validation
from components.example_gen.settings import DataSettings
from components.imaging.truth.classes import IGNORE
from components.task import Task

_MORE_DATA = (
    "Add data, or change the shares in [data.splits] or the number of [folds]. What the champion has learnt is not "
    "drawn into test: where that leaves too little, delete CHAMPION.json."
)


def find_faults(
    entries: Sequence[Entry],
    account: Mapping[str, Any],
    anomalies: Mapping[str, Sequence[str]],
    settings: Validation,
    data: DataSettings,
) -> Iterator[Finding]:
    """What stops a run."""
    # The cause before its consequence.
    yield from _too_many_rejects(account, settings.max_reject_fraction)
    yield from _small_splits(entries, settings.min_groups, data.run_splits)
    yield from finding(
        "cut off",
        "images with shapes that reach beyond them, of which the rest is drawn",
        "Look at some. If shapes are shifted or of another scale, their document is of another edition of the images.",
        (f"{source}: {count}" for source, count in account.get("cut_off", {}).items()),
        stops=False,
    )
    yield from full_masks(account["truth"], stops=True)
    yield from upside_down(account["truth"], data, settings.mostly_foreground)
    yield from _unknown_classes(entries, data.task)
    yield from finding(
        "anomaly",
        "values outside the schema",
        "The records in split_report.json have the values: mend or remove the files with the extreme ones.",
        (f"split {split}: {anomaly}" for split in data.run_splits for anomaly in anomalies.get(split, ())),
        stops=True,
    )


def find_oddities(entries: Sequence[Entry], account: Mapping[str, Any], data: DataSettings) -> Iterator[Finding]:
    """What is allowed, and yet often a mistake."""
    yield from ungrouped(entries)
    yield from _mixed_bit_depths(entries)
    yield from finding(
        "empty masks",
        "no foreground",
        "Right for cases without a finding. If these have one, mend the masks, or [data.mask] threshold or colours.",
        (str(entry) for entry in entries if entry.foreground == 0),
        stops=False,
    )
    yield from finding(
        "lesions lost",
        "regions of the masks that no record shows",
        "Raise [data] height and width, or choose another [data] fit, if these are lesions and not specks.",
        (f"{source}: {count}" for source, count in account["lesions_lost"].items()),
        stops=False,
    )
    yield from full_masks(account["truth"], stops=False)
    yield from turned_images(account["turns"], upright=data.upright)
    yield from _missing_classes(entries, data)
    yield from _lossy_masks(account["lossy_masks"])
    yield from _stray_pixels(account.get("stray_pixels"))
    yield from finding(
        "left out",
        "not used, as the config asks",
        "To use them, change what [data] selects, such as labels or spans.",
        (f"{source['source']}: {source['reason']}" for source in account["left_out"]),
        stops=False,
    )
    yield from finding(
        "empty tiles dropped",
        "training tiles without foreground that were not kept",
        "To keep more of them, raise [data.tiles] keep_empty.",
        ["in split train"][: account["empty_tiles_dropped"]],
        count=account["empty_tiles_dropped"],
        stops=False,
    )


def _small_splits(entries: Sequence[Entry], min_groups: int, splits: Sequence[str]) -> Iterator[Finding]:
    members = {split: [entry for entry in entries if entry.split == split] for split in splits}
    groups = {split: len({entry.group for entry in found}) for split, found in members.items()}
    yield from finding(
        "empty split",
        "nothing to train or to measure on",
        _MORE_DATA,
        (f"split {split} has no record" for split in splits if not members[split]),
        stops=True,
    )
    yield from finding(
        "small split",
        f"fewer groups (patients) than [validation] min_groups = {min_groups}",
        _MORE_DATA,
        (f"split {split} has {groups[split]}" for split in splits if 0 < groups[split] < min_groups),
        stops=True,
    )
    yield from finding(
        "no foreground",
        "no lesion to learn or to measure",
        f"Look at the masks and at [data.mask]. If they are right: {_MORE_DATA[0].lower()}{_MORE_DATA[1:]}",
        (
            f"split {split} has no foreground in any mask"
            for split in splits
            if members[split] and not any(entry.foreground for entry in members[split])
        ),
        stops=True,
    )


def _unknown_classes(entries: Sequence[Entry], task: Task) -> Iterator[Finding]:
    known = {*range(len(task.classes) + 1), *([IGNORE] if task.ignores else [])}
    return finding(
        "unknown classes",
        f"values of masks that are none of {len(known)} known",
        "Name all classes in [data] classes, or what is not judged in [data.mask] ignore.",
        (f"{entry}: {', '.join(map(str, unknown))}" for entry in entries if (unknown := {*entry.classes} - known)),
        stops=True,
    )


def _too_many_rejects(account: Mapping[str, Any], limit: float) -> Iterator[Finding]:
    # What is left out on request would hide the faults of what is used.
    rejects, sources = account["rejects"], account["sources"] - len(account["left_out"])
    if len(rejects) > limit * sources:
        yield from finding(
            "rejects",
            f"{len(rejects)} of {sources} sources are unusable, [validation] max_reject_fraction allows {limit:.0%}",
            "Mend or remove them; each has its reason.",
            (f"{reject['source']}: {reject['reason']}" for reject in rejects),
            stops=True,
        )


def _mixed_bit_depths(entries: Sequence[Entry]) -> Iterator[Finding]:
    counts = Counter(entry.bit_depth for entry in entries).most_common()
    if len(counts) > 1:
        yield from finding(
            "mixed bit depths",
            ", ".join(f"{count} records of {bits} bits" for bits, count in counts),
            "A network learns the difference if it goes with the disease: export all images in the same way.",
            (f"{entry}: {entry.bit_depth} bits" for entry in entries if entry.bit_depth != counts[0][0]),
            stops=False,
        )


def _missing_classes(entries: Sequence[Entry], data: DataSettings) -> Iterator[Finding]:
    found = {
        split: {value for entry in entries if entry.split == split for value in entry.classes}
        for split in data.run_splits
    }
    expected = {*range(1, len(data.task.classes) + 1)}
    return finding(
        "missing classes",
        "of [data] classes",
        f"What is not in train is not learnt, what is not in test is not measured. {_MORE_DATA}",
        (
            f"split {split} has no mask with {', '.join(map(data.task.name, sorted(expected - values)))}"
            for split, values in found.items()
            if values - {0, IGNORE} and expected - values
        ),
        stops=False,
    )


def _lossy_masks(masks: Mapping[str, Any] | None) -> Iterator[Finding]:
    if masks:
        yield from finding(
            "JPEG masks",
            f"the rule they are read by changes the foreground's area by {masks['mean_inflation'] - 1:+.0%} on average",
            "Use the original masks as PNG; or choose [data.mask] threshold such that the area stays (128 for 0 and "
            "255).",
            [f"{masks['worst']}: {masks['max_inflation'] - 1:+.0%}, the most"],
            count=masks["count"],
            stops=False,
        )


def _stray_pixels(masks: Mapping[str, Any] | None) -> Iterator[Finding]:
    if masks:
        yield from finding(
            "stray pixels",
            "pixels of no colour or value that is expected, read as the nearest (of class indices as background)",
            "Look at such a mask: right for specks and edges. If they are a class, name it; [data.mask] max_stray = 0 "
            "refuses them.",
            [f"{masks['worst']}: {100 * masks['max_share']:.2g}% of its pixels, the most"],
            count=masks["count"],
            stops=False,
        )
