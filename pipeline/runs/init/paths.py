"""The templates of a folder's files: of its images, their masks, and the region in which they are judged."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from components.example_gen.layouts.templates import Template
from components.example_gen.samples import Told
from pipeline.runs.init.pairing import Pair, pairs_of
from pipeline.runs.init.roles import Role, roles_of, words_of
from pipeline.runs.init.splitting import splits_named, with_test
from pipeline.runs.init.templates import Rule, begin_of, rules_of

_ROUND = re.compile(r"\d+(?:st|nd|rd|th)?", re.IGNORECASE)
_WIDE = 0.4
"""Share of a picture that a field of view covers at least, and truth seldom."""
_REGIONS = {"fov", "roi", "region", "regions", "view"}
_LOOKED_AT = 8

Share = Callable[[str], float]
"""Of a path without suffix: which part of the pixels is not black; 0 where that cannot be told."""


@dataclass(frozen=True)
class FoundPaths:
    """Templates, and what was decided on the way."""

    image: str
    masks: tuple[str, ...]
    region: str
    splits: Mapping[str, Told]
    rounds: tuple[str, ...]
    """Templates of other annotations of the same images."""
    pairs: tuple[Pair, ...]
    """Some, for people."""


def find_paths(names: Sequence[str], share: Share) -> FoundPaths | None:
    """What the paths of a folder's images, without suffix, tell; None where none is a mask of another."""
    roles = roles_of(names)
    images = [name for name in names if roles[name] == Role.IMAGE]
    masks = [name for name in names if roles[name] in (Role.MASK, Role.REGION)]
    pairs = list(pairs_of(images, masks))
    if not pairs:
        return None
    image = _most_of(rules_of(pairs))
    rules = [rule for rule in rules_of(_renamed(pairs, image)) if rule.image == image]
    rules, rounds = _without_rounds(_without_special(rules))
    rules, region = _without_region(rules, names, share)
    words = {found["split"] for name in images if (found := Template(image).match(name)) and "split" in found}
    templates = [image, *_by_class(rules), region]
    if len(words) == 1:
        [word] = words
        templates = [each.replace("{split}", word) for each in templates]
    return FoundPaths(
        templates[0],
        tuple(templates[1:-1]),
        templates[-1],
        with_test(splits_named(words)) if len(words) > 1 else {},
        tuple(rounds),
        tuple(pair for pair in pairs if Template(templates[0]).match(pair.image)),
    )


def _most_of(rules: Sequence[Rule]) -> str:
    """The template of images by which most pairs were found."""
    counts: Counter[str] = Counter()
    for rule in rules:
        counts[rule.image] += rule.pairs
    return max(counts, key=lambda image: (counts[image], image))


def _renamed(pairs: Sequence[Pair], image: str) -> Iterator[Pair]:
    """With the names that a template takes from the images, where the masks have them, too."""
    template = Template(image)
    for pair in pairs:
        found = template.match(pair.image)
        yield replace(pair, name=found["name"]) if found and found["name"] in pair.mask else pair


def _without_special(rules: Sequence[Rule]) -> list[Rule]:
    """Without those of whose masks another rule says the same, and more."""
    return [
        rule
        for rule in rules
        if not any(other.mask != rule.mask and Template(other.mask).match(rule.mask) is not None for other in rules)
    ]


def _without_rounds(rules: Sequence[Rule]) -> tuple[list[Rule], list[str]]:
    """Of rules that differ in a number alone, as 1st_manual and 2nd_manual do, the first, and the other masks."""
    alike: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        alike[_ROUND.sub("#", rule.mask)].append(rule)
    kept = {min(same, key=lambda rule: rule.mask) for same in alike.values()}
    return [rule for rule in rules if rule in kept], sorted(rule.mask for rule in rules if rule not in kept)


def _without_region(rules: Sequence[Rule], names: Sequence[str], share: Share) -> tuple[list[Rule], str]:
    """The rules without the one whose masks cover most of each image, where there are several."""
    if len(rules) < 2:
        return [*rules], ""
    shares = {rule: median(map(share, _some(rule, names))) for rule in rules}
    widest = max(rules, key=lambda rule: shares[rule])
    others = [rule for rule in rules if rule is not widest]
    if shares[widest] < _WIDE or any(shares[rule] >= _WIDE for rule in others) or not _is_named_region(widest, others):
        return [*rules], ""
    return [rule for rule in rules if rule is not widest], widest.mask


def _is_named_region(rule: Rule, others: Sequence[Rule]) -> bool:
    """Whether a name says so, or says mask where all others say truth: an organ around lesions is a class."""
    words = {word.lower() for word in words_of(rule.mask)}
    says_mask = any("mask" in other.mask.lower() for other in others)
    return bool(words & _REGIONS) or ("mask" in words and not says_mask)


def _some(rule: Rule, names: Sequence[str]) -> list[str]:
    template = Template(rule.mask)
    found = [name for name in names if template.match(name) is not None]
    return found[:: max(1, len(found) // _LOOKED_AT)]


def _by_class(rules: Sequence[Rule]) -> list[str]:
    """The masks' templates; of several that differ in one part, one in which that is the class."""
    masks = [rule.mask for rule in rules]
    parts = [mask.split("/") for mask in masks]
    if len(masks) < 2 or len({len(each) for each in parts}) > 1:
        return masks
    merged, classed = [], False
    for values in zip(*parts, strict=True):
        part = values[0] if len({*values}) == 1 else _differing(values, "*" if classed else "{class}")
        classed = classed or "{class}" in part
        merged.append(part)
    return ["/".join(merged)]


def _differing(values: Sequence[str], field: str) -> str:
    """One part of a path that says several things: what they have in common, and a field in place of the rest."""
    if not all("{name}" in value for value in values):
        # Whole words that all begin or end with tell no class.
        before = re.sub(r"[^\W_]*$", "", begin_of(values))
        after = re.sub(r"[^\W_]*$", "", begin_of([value[len(before) :][::-1] for value in values]))[::-1]
        return f"{before}{field}{after}"
    around = [value.partition("{name}") for value in values]
    begins, ends = ({each[place] for each in around} for place in (0, 2))
    if len(ends) > 1 and len(begins) == 1:
        separator = "_" if all(each.startswith("_") for each in ends) else ""
        return f"{begins.pop()}{{name}}{separator}{field}"
    if len(begins) > 1 and len(ends) == 1:
        separator = "_" if all(each.endswith("_") for each in begins) else ""
        return f"{field}{separator}{{name}}{ends.pop()}"
    return "*{name}*"
