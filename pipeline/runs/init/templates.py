"""Pairs of paths as templates: what varies becomes a field, what does not stays."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.runs.init.groups import are_no_patients
from pipeline.runs.init.pairing import Pair
from pipeline.runs.init.roles import role_of_folder
from pipeline.runs.init.splitting import split_begin, split_word

_FEW = 20
"""Folders that may be labels or classes."""
_BRACES = re.compile(r"[{}*]")


@dataclass(frozen=True)
class Rule:
    """By which masks of a kind belong to images."""

    image: str
    mask: str
    """Templates, see `components.example_gen.layouts.templates`."""
    pairs: int
    """By how many pairs it was found."""


@dataclass(frozen=True)
class _Parts:
    """A pair, taken apart."""

    name: str
    split: str
    image_folders: tuple[str, ...]
    mask_folders: tuple[str, ...]
    image_stem: str
    mask_stem: str
    """With fields in place of name and split."""


def rules_of(pairs: Iterable[Pair]) -> list[Rule]:
    """The rules that the pairs follow, those of most pairs first."""
    pairs = list(pairs)
    words = {split_begin(pair.name) for pair in pairs}
    kinds: dict[tuple, list[_Parts]] = defaultdict(list)
    for pair in pairs:
        parts = _taken_apart(pair, split_begin(pair.name) if len(words) > 1 else "")
        kinds[_kind(parts)].append(parts)
    return sorted(map(_rule, kinds.values()), key=lambda rule: (-rule.pairs, rule.image, rule.mask))


def _taken_apart(pair: Pair, begin: str) -> _Parts:
    """The name may begin with its split, where the folders tell none."""
    image, mask = PurePosixPath(pair.image).parts, PurePosixPath(pair.mask).parts
    split = next(filter(None, map(split_word, image[:-1])), "")
    name = pair.name
    if begin and not split:
        split, name = begin, re.sub(r"^[\W_]+", "", name.removeprefix(begin))
    stems = (_with_fields(image[-1], name, split), _with_fields(mask[-1], pair.mask_name or name, split))
    return _Parts(name, split, image[:-1], mask[:-1], *stems)


def _with_fields(stem: str, name: str, split: str) -> str:
    """A file's name with fields for what they stand for, each once."""
    before, found, after = stem.partition(name)
    rest = [_BRACES.sub("*", part) for part in (before, after)]
    if found and split:
        rest = [part.replace(split, "{split}") for part in rest]
    return f"{rest[0]}{{name}}{rest[1]}" if found else before


def _kind(parts: _Parts) -> tuple:
    """Pairs of one kind follow one rule: the words of roles of their folders, and what stands beside their names but
    for numbers."""
    folders = (
        tuple(
            named if role_of_folder(named := _named(folder, parts)) and not split_word(folder) else ""
            for folder in each
        )
        for each in (parts.image_folders, parts.mask_folders)
    )
    stems = (stem if "{name}" in stem else "" for stem in (parts.image_stem, parts.mask_stem))
    return (*folders, *(re.sub(r"[\W_]*\d+", "", stem) for stem in stems))


def _rule(found: Sequence[_Parts]) -> Rule:
    image: list[str] = []
    for place in range(len(found[0].image_folders)):
        image.append(_image_folder(found, place, image))
    mask = [_mask_folder(found, place, image) for place in range(len(found[0].mask_folders))]
    return Rule(
        "/".join([*image, _merged({parts.image_stem for parts in found})]),
        "/".join([*mask, _merged({parts.mask_stem for parts in found})]),
        len(found),
    )


def _image_folder(found: Sequence[_Parts], place: int, before: Sequence[str]) -> str:
    values = _folders(found, [parts.image_folders[place] for parts in found])
    if len(values) == 1:
        return values.pop()
    images = Counter(folder for _, folder in {(parts.name, parts.image_folders[place]) for parts in found})
    if are_no_patients(images):
        return "*" if any("{split}" in each for each in before) or any(parts.split for parts in found) else "{split}"
    words = not any(re.search(r"\d", folder) for folder in images)
    return "{label}" if words and len(images) <= _FEW and max(images.values()) > 1 else "{group}"


def _mask_folder(found: Sequence[_Parts], place: int, image: Sequence[str]) -> str:
    values = _folders(found, [parts.mask_folders[place] for parts in found])
    if len(values) == 1:
        return values.pop()
    for other, field in enumerate(image):
        same = all(parts.mask_folders[place] == parts.image_folders[other] for parts in found)
        if same and field.startswith(("{", "*")):
            return field
    of_image: dict[str, set[str]] = defaultdict(set)
    for parts in found:
        of_image[parts.name].add(parts.mask_folders[place])
    several = sum(len(folders) > 1 for folders in of_image.values())
    return "{class}" if len(values) <= _FEW and 2 * several > len(of_image) else "*"


def _folders(found: Sequence[_Parts], folders: Sequence[str]) -> set[str]:
    """Folders of one place; with fields where all of them have what these stand for."""
    named = {_named(folder, parts) for folder, parts in zip(folders, found, strict=True)}
    if all("{name}" in folder for folder in named):
        return named
    return {_with_split(folder, parts) for folder, parts in zip(folders, found, strict=True)}


def _named(folder: str, parts: _Parts) -> str:
    """With a field in place of the name, where that is whole words."""
    rest = re.split(rf"(?<![^\W_]){re.escape(parts.name)}(?![^\W_])", folder, maxsplit=1)
    return "{name}".join(_BRACES.sub("*", each) for each in rest)


def _with_split(folder: str, parts: _Parts) -> str:
    escaped = _BRACES.sub("*", folder)
    word = split_word(folder)
    return escaped.replace(word, "{split}", 1) if word and word == parts.split else escaped


def _merged(stems: set[str]) -> str:
    """One template for several that begin or end alike."""
    if len(stems) == 1:
        return stems.pop()
    if not all("{name}" in stem for stem in stems):
        return "*"
    around = [stem.partition("{name}") for stem in stems]
    before, after = begin_of([each[0][::-1] for each in around])[::-1], begin_of([each[2] for each in around])
    varies = [any(each[place] != own for each in around) for place, own in ((0, before), (2, after))]
    return f"{'*' * varies[0]}{before}{{name}}{after}{'*' * varies[1]}"


def begin_of(texts: Sequence[str]) -> str:
    """What all begin with; the first and the last in order differ most."""
    first, last = min(texts), max(texts)
    same = next((place for place, letter in enumerate(first) if letter != last[place : place + 1]), len(first))
    return first[:same]
