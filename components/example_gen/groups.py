"""Applies the section `[data.groups]` to the samples of a layout, and says of them what `[data.splits]` goes by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from components.example_gen.samples import Drawing, Reject, Sample, without_suffix
from components.example_gen.settings import Groups
from components.example_gen.spans import age_of
from components.records.splits import Member

_EXPECTED = {"pairs": "a number in it", "folder": "a parent folder", "tile": "_ROWxCOLUMN at its end"}
_LAST_NUMBER = re.compile(r"(.*?)(\d+)\D*", re.DOTALL)
_TILE = re.compile(r"(.+)_\d+x\d+", re.DOTALL)


def group_samples(
    samples: Iterable[Sample], groups: Groups, site_pattern: str | None
) -> tuple[list[Sample], list[Reject]]:
    """Samples with the group that the rule finds, and the site where there is a pattern for it; and those without.

    Args:
        samples: as the layout read them; without a pattern they keep their site.
        groups: the section `[data.groups]`.
        site_pattern: regular expression, searched in the file name without suffix; its one capture is the site.
    """
    grouped: list[Sample] = []
    rejects: list[Reject] = []
    for sample in samples:
        name = without_suffix(PurePosixPath(sample.image)).name
        group = _group(sample, groups)
        site = _capture(site_pattern, name) if site_pattern is not None else sample.site
        if not group:
            rejects.append(Reject(sample.image, "no group", _no_group(name, groups)))
        elif site is None:
            reason = f"[data] site_pattern {site_pattern!r} finds no site in the name {name!r}"
            rejects.append(Reject(sample.image, "no site", reason))
        else:
            grouped.append(replace(sample, group=group, site=site))
    return grouped, rejects


def members_of(samples: Iterable[Sample], ages: Mapping[str, int] | None) -> list[Member]:
    """What the strategies know of samples; `ages` are those of the spans, None where there are no spans."""
    return [
        Member(
            group=sample.group,
            site=sample.site,
            stratum=_stratum(sample),
            split=sample.split,
            age=None if ages is None else age_of(sample.image, ages),
        )
        for sample in samples
    ]


def _group(sample: Sample, groups: Groups) -> str | None:
    path = PurePosixPath(sample.image)
    name = without_suffix(path).name
    match groups.by:
        case "layout":
            return sample.group
        case "name":
            return name
        case "path":
            return without_suffix(path).as_posix()
        case "pattern":
            return _capture(groups.pattern or "", name)
        case "pairs":
            number = _LAST_NUMBER.fullmatch(name)
            # The text before the number tells series apart; the one behind it, at MIAS, the sides of a woman.
            return f"{number[1]}pair{(int(number[2]) + 1) // 2:03d}" if number else None
        case "folder":
            # Its name alone: a patient's folder in another span or split is the same patient's.
            return path.parent.name or None
        case "tile":
            tile = _TILE.fullmatch(name)
            return tile[1] if tile else None
    raise AssertionError("the config knows no other rule")


def _no_group(name: str, groups: Groups) -> str:
    rule = f"pattern {groups.pattern!r}" if groups.by == "pattern" else f"by = {groups.by!r}"
    expected = f", expected {_EXPECTED[groups.by]}" if groups.by in _EXPECTED else ""
    return f"[data.groups] {rule} finds no group for the name {name!r}{expected}"


def _capture(pattern: str, name: str) -> str | None:
    """The one capture of the pattern, searched in the name; None where there is none or it is empty."""
    match = re.search(pattern, name)
    return match[1] or None if match else None


def _stratum(sample: Sample) -> str:
    """The label, and whether there is foreground, which drawings alone tell before they are read."""
    if not isinstance(sample.truth, Drawing):
        return sample.label
    return f"{sample.label} {'with' if sample.truth.shapes else 'without'} foreground"
