"""The templates of a folder's files: of its images, their masks, and the region in which they are judged."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from components.example_gen.layouts.templates import Template
from components.example_gen.names import unpadded
from components.example_gen.samples import Told
from pipeline.runs.init.classes import by_class, narrowed
from pipeline.runs.init.pairing import Pair, pairs_of
from pipeline.runs.init.roles import Role, roles_of, words_of
from pipeline.runs.init.splitting import split_begin, splits_named, with_test
from pipeline.runs.init.templates import Rule, rules_of

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
    """Templates of other annotations of the same images, which are not read."""
    pairs: tuple[Pair, ...]
    """Some, for people."""
    without: Mapping[str, Sequence[str]]
    """Of splits without any mask the images."""


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
    rules, others = _without_parts(rules)
    words = {found["split"] for name in images if (found := Template(image).match(name)) and "split" in found}
    truths = [narrowed(each, image, roles) for each in by_class(rules)]
    without = _without_truth([name for name in images if Template(image).match(name)], image, truths, names)
    words -= without.keys()
    templates = [image, *truths, region]
    if len(words) == 1:
        [word] = words
        templates = [each.replace("{split}", word) for each in templates]
    splits = with_test(splits_named(words)) if len(words) > 1 else {}
    return FoundPaths(
        templates[0],
        tuple(templates[1:-1]),
        templates[-1],
        {**splits, **dict.fromkeys(without, "none")} if splits else {},
        tuple(sorted([*rounds, *others])),
        tuple(pair for pair in pairs if Template(templates[0]).match(pair.image)),
        without,
    )


def _without_truth(
    images: Sequence[str], image: str, masks: Sequence[str], names: Sequence[str]
) -> dict[str, list[str]]:
    """By its word the images of each split of which none has a mask."""
    shared = sorted(frozenset.intersection(*(Template(each).fields for each in (image, *masks))))

    def key(found: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(unpadded(found[field]) for field in shared)

    templates = [Template(each) for each in masks]
    known = {key(found) for name in names for each in templates if (found := each.match(name))}
    of_split: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for name in images:
        found = Template(image).match(name)
        if found and splits_named([found.get("split", "")]):
            of_split[found["split"]].append((name, key(found) in known))
    return {
        word: [name for name, _ in each] for word, each in of_split.items() if not any(has_mask for _, has_mask in each)
    }


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
        whole = not split_begin(pair.name) and not pair.mask_name
        yield replace(pair, name=found["name"]) if found and whole and found["name"] in pair.mask else pair


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


def _without_parts(rules: Sequence[Rule]) -> tuple[list[Rule], list[str]]:
    """The rules without regions of interest, which lie within truth where they do not lie around it; those apart."""
    kept = [rule for rule in rules if not _words(rule) & _REGIONS] or [*rules]
    return kept, [rule.mask for rule in rules if rule not in kept]


def _words(rule: Rule) -> set[str]:
    return {word.lower() for word in words_of(rule.mask)}


def _is_named_region(rule: Rule, others: Sequence[Rule]) -> bool:
    """Whether a name says so, or says mask where all others say truth: an organ around lesions is a class."""
    words = _words(rule)
    says_mask = any("mask" in other.mask.lower() for other in others)
    return bool(words & _REGIONS) or ("mask" in words and not says_mask)


def _some(rule: Rule, names: Sequence[str]) -> list[str]:
    template = Template(rule.mask)
    found = [name for name in names if template.match(name) is not None]
    return found[:: max(1, len(found) // _LOOKED_AT)]
