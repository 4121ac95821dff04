"""Splits that a data set comes with: kept where they hold, and what is said and done where they do not."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from components.example_gen.layouts.paths import OTHERS
from components.example_gen.layouts.templates import Template
from components.example_gen.listing import list_grouped
from components.example_gen.samples import Listing, Sample, Told, without_suffix
from pipeline.runs.init.splitting import with_test
from pipeline.runs.init.understanding import Row, Understanding

_NUMBER = re.compile(r"\d+")
_BEGIN = {0, 1}


def are_kept(found: Understanding) -> bool:
    """Whether files say of which split they are."""
    return bool({*_told(found).values()} - {"none"})


def leave_out_unlabelled(found: Understanding, listing: Listing) -> bool:
    """Leaves out the folders of a split of which no image has a truth; whether there are any."""
    told = found.data.get("told_splits", {})
    of_split: dict[str, list[bool]] = {name: [] for name in told}
    sources = [(each.image, True) for each in listing.samples] + [(each.source, False) for each in listing.rejects]
    for source, labelled in sources:
        name = next((part for part in reversed(PurePosixPath(source).parts[:-1]) if part in told), None)
        if name:
            of_split[name].append(labelled)
    without = {name: len(each) for name, each in of_split.items() if each and not any(each)}
    kept = with_test({name: split for name, split in told.items() if name not in without})
    if told:
        found.data["told_splits"] = {**kept, **dict.fromkeys(without, "none")}
        found.rows += [split_row(kept)] if kept else []
    found.rows += [unlabelled_row(without)] if without else []
    return bool(without)


def split_row(splits: Mapping[str, Told]) -> Row:
    return Row("splits", ", ".join(f"{word} = {split}" for word, split in splits.items()), "names say so")


def unlabelled_row(counts: Mapping[str, int]) -> Row:
    told = ", ".join(f"{name} ({count} images)" for name, count in counts.items())
    return Row("without truth", told, "none of them has a mask: left out")


def keep_groups_whole(found: Understanding, overrides: Sequence[str]) -> None:
    """Where a group stands in several of the published splits it is no patient, as names that count anew in each are
    none; else the splits are drawn anew."""
    listing, _ = list_grouped(found.root, found.config(overrides).records)
    torn = _torn(listing.samples, found.data.get("paths", {}).get("image", ""))
    if not torn:
        return
    group, (one, other) = next(iter(torn.items()))
    example = f"{group!r}: {one} and {other}"
    if "groups" not in found.data and "{group}" not in found.data.get("paths", {}).get("image", "") and _anew(listing):
        found.data["groups"] = {"by": "path"}
        found.drop("groups")
        found.rows.append(Row("groups", "each image its own", f"numbers begin anew in each folder, as {example}"))
        found.unsure.append(f"that equal numbers in different folders are different patients, as {example}")
        return
    if not are_kept(found) and found.data["layout"] == "paths":
        return
    why = f"{len(torn)} groups stand in several of the published ones, as {example}"
    if found.data["layout"] not in ("paths", "annotations"):
        found.rows.append(Row("leak", f"{len(torn)} groups", why))
        return
    found.drop("splits")
    if "told_splits" in found.data:
        left = {name: split for name, split in found.data["told_splits"].items() if split == "none"}
        found.data["told_splits"] = left
    else:
        left = {name: split for name, split in found.data["paths"]["splits"].items() if split == "none"}
        found.data["paths"] = {**found.data["paths"], "splits": left}
    found.rows.append(Row("splits", "drawn anew, by groups: the published ones leak", why))
    found.unsure.append("that splits without leaks are worth more than the published ones")


def _told(found: Understanding) -> Mapping[str, Told]:
    return found.data.get("told_splits") or found.data.get("paths", {}).get("splits") or {}


def _torn(samples: Sequence[Sample], template: str) -> dict[str, tuple[str, str]]:
    """Groups of several splits, or of several folders that tell equal names apart, each with an image of two."""
    seen: dict[str, dict[str, str]] = defaultdict(dict)
    for sample in samples:
        fields = Template(template).match(without_suffix(PurePosixPath(sample.image)).as_posix()) or {}
        if place := sample.split or fields.get("split", ""):
            seen[sample.group].setdefault(place, sample.image)
    pairs = {group: sorted(images.values()) for group, images in sorted(seen.items()) if len(images) > 1}
    return {group: (images[0], images[1]) for group, images in pairs.items()}


def _anew(listing: Listing) -> bool:
    """Whether the names of each folder count its images, from 0 or 1 on, and say nothing else."""
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    left_out = [each.source for each in listing.left_out if each.kind != OTHERS]
    for source in [each.image for each in listing.samples] + left_out:
        path = without_suffix(PurePosixPath(source))
        found = _NUMBER.findall(path.name)
        if len(found) != 1:
            return False
        numbers[path.parent.as_posix(), _NUMBER.sub("#", path.name)].append(int(found[0]))
    return all(min(each) in _BEGIN and max(each) - min(each) + 1 == len(each) for each in numbers.values())
