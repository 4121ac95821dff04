"""Several masks of an image whose names differ in a number: of several observers, objects, or classes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import Any

import numpy as np

from components.example_gen.layouts.templates import Template
from pipeline.runs.init.paths import FoundPaths
from pipeline.runs.init.questions import Question
from pipeline.runs.init.truth.limits import MOST_KINDS, SAME_REGIONS, SAME_TRUTH, WITHIN
from pipeline.runs.init.understanding import Row, Understanding

_LOOKED_AT = 8
_NUMBER = re.compile(r"(\d+(?:st|nd|rd|th)?)", re.IGNORECASE)
_EDGE = 8
"""Part of the greatest difference from the border from which on a pixel is foreground: JPEG moves values by less."""

Read = Callable[[str], np.ndarray | None]
"""The pixels of a path without suffix; None where they cannot be read."""
Masks = Mapping[tuple[str, ...], Mapping[str, str]]
"""Of each image its masks, by what their paths say in place of a number."""


def tell_several(found: Understanding, paths: FoundPaths, names: Iterable[str], read: Read) -> None:
    """Decides by their overlap, and asks where there is little of it."""
    names = [*names]
    numbered = {_NUMBER.sub("#", kept) for kept in paths.masks}
    others = [each for each in paths.rounds if _NUMBER.sub("#", each) not in numbered]
    if others:
        found.rows.append(
            Row("other masks", ", ".join(others), "differ from those in a number, or lie within: not read")
        )
    for kept in paths.masks:
        rounds = [each for each in paths.rounds if _NUMBER.sub("#", each) == _NUMBER.sub("#", kept)]
        if rounds:
            several = [kept, *rounds]
            _decide(found, paths, _numbered(several, names), several, _classed(several), read)
        elif kept.count("*") == 1:
            _decide(found, paths, _tagged(kept, names), [kept], kept.replace("*", "{class}"), read)


def _decide(
    found: Understanding, paths: FoundPaths, masks: Masks, united: Sequence[str], classed: str, read: Read
) -> None:
    """Of masks with several templates, or one that matches them all."""
    several = [each for each in masks.values() if len(each) > 1]
    if not several:
        found.unsure += [f"that masks at {each}, of images that have no other, are no truth" for each in united[1:]]
        return
    overlap, nested = _overlap(several, read)
    tags = sorted({tag for each in masks.values() for tag in each})
    first = next((tag for tag in tags if all(tag in each for each in masks.values())), None)
    one = united[0] if first is None else united[0].replace("*", first)
    told = f"{len(several)} of {len(masks)} images have several, as {' and '.join(several[0].values())}"
    why = f"in the median they share {overlap:.0%} of what they cover{', one within the other' if nested else ''}"
    if overlap >= SAME_REGIONS and first is not None and not nested:
        _use(found, paths, one)
        found.rows.append(Row("other masks", told, f"{why}: by several observers; only {one} is read"))
        found.unsure.append(f"that {one} is the observer to learn from")
        return
    found.rows.append(Row("several masks", told, why))
    constant = first is not None and len({frozenset(each) for each in masks.values()}) == 1 and len(tags) <= MOST_KINDS
    if len(united) == 1 and not constant:
        found.unsure.append("that several masks of an image are parts of one truth")
        return
    _use(found, paths, one)
    text = (
        f'[data.paths] masks: {told}; {why}. Are they by several observers ("observers": {one} is read), parts of one '
        'class ("objects"), or classes ("classes")?'
    )
    answers: dict[str, dict[str, Any]] = {
        "observers": {"paths": {"masks": [one]}},
        "objects": {"paths": {"masks": [*united]}, "classes": []},
        "classes": {"paths": {"masks": [classed]}, "classes": tags},
    }
    found.questions.append(Question(text, answers, None))


def _use(found: Understanding, paths: FoundPaths, mask: str) -> None:
    """One template of masks alone, where there was another, in the layout that has templates."""
    if found.data["layout"] == "paths":
        found.data["paths"] = {**found.data["paths"], "masks": [mask]}
        return
    region = {"region": paths.region} if paths.region else {}
    for key in ("images", "masks", "regions"):
        found.data.pop(key, None)
    found.data |= {"layout": "paths", "paths": {"image": paths.image, "masks": [mask], **region}}


def _numbered(templates: Sequence[str], names: Sequence[str]) -> Masks:
    found: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    tags = _tags(templates)
    for text, tag in zip(templates, tags, strict=True):
        template = Template(text)
        for name in names:
            if match := template.match(name):
                found[_key(match)][tag] = name
    return found


def _tagged(text: str, names: Sequence[str]) -> Masks:
    """By what stands in place of the one `*`."""
    found: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    tagged, bare = Template(text.replace("*", "{tag}")), Template(text.replace("*", ""))
    for name in names:
        if match := bare.match(name):
            found[_key(match)][""] = name
        elif match := tagged.match(name):
            found[_key({key: value for key, value in match.items() if key != "tag"})][match["tag"]] = name
    return found


def _key(fields: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(fields[name] for name in sorted(fields))


def _tags(templates: Sequence[str]) -> list[str]:
    """The first number in which they differ."""
    parts = [_NUMBER.split(each) for each in templates]
    place = next(place for place, each in enumerate(zip(*parts, strict=True)) if len({*each}) > 1)
    return [each[place] for each in parts]


def _classed(templates: Sequence[str]) -> str:
    """One template, in which the first number that differs is the class."""
    parts = zip(*map(_NUMBER.split, templates), strict=True)
    fields: Iterator[str] = iter(["{class}"])
    return "".join(each[0] if len({*each}) == 1 else next(fields, "*") for each in parts)


def _overlap(several: Sequence[Mapping[str, str]], read: Read) -> tuple[float, bool]:
    """The median intersection over union of pairs of masks of some images, 0 of those that cannot be read; and whether
    one lies within the other and is clearly smaller, as a class within a class does."""
    some = several[:: max(1, len(several) // _LOOKED_AT)][:_LOOKED_AT]
    found = [_common(*map(read, pair)) for each in some for pair in combinations(each.values(), 2)]
    shared, within = (median(each) for each in zip(*found, strict=True))
    return shared, within >= WITHIN and shared < SAME_TRUTH


def _common(one: np.ndarray | None, other: np.ndarray | None) -> tuple[float, float]:
    """The intersection over the union, and over the smaller of both."""
    if one is None or other is None or one.shape[:2] != other.shape[:2]:
        return 0.0, 0.0
    a, b = _foreground(one), _foreground(other)
    both = np.count_nonzero(a & b)
    smaller = min(np.count_nonzero(a), np.count_nonzero(b))
    return both / max(1, np.count_nonzero(a | b)), both / max(1, smaller)


def _foreground(pixels: np.ndarray) -> np.ndarray:
    """What is unlike most of the border, bool `(H, W)`."""
    grey = pixels.reshape(*pixels.shape[:2], -1).max(axis=-1).astype(np.int32)
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    off = np.abs(grey - np.bincount(border).argmax())
    return off > off.max() / _EDGE
