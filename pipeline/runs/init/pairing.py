"""Which masks belong to which images, found in names alone, and told as the templates of layout `paths`."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from components.example_gen.names import unpadded
from pipeline.runs.init.roles import Role, role_of_folder, without_role, words_of
from pipeline.runs.init.splitting import split_word

_SAMPLE = 400
"""Masks by which rules are found; they are tried on all names."""
_NUMBER = re.compile(r"\d+")
_ALIKE = 200
"""Images that share a word, of which no more are looked at."""


@dataclass(frozen=True)
class Pair:
    """Paths without suffix."""

    image: str
    mask: str
    name: str
    """What both have in common: part of both names, or of the names of folders around them."""
    mask_name: str = ""
    """How the mask has it, where leading zeros differ."""


def pairs_of(images: Sequence[str], masks: Sequence[str]) -> Iterator[Pair]:
    """For some masks, evenly chosen, the image that each seems to be of; masks of no image are left out."""
    index = _index(images)
    for mask in masks[:: max(1, -(-len(masks) // _SAMPLE))]:
        candidates = {image for word in _rarest(mask, index) for image in index[word][:_ALIKE]}
        found = [pair for image in sorted(candidates) if (pair := _pair(image, mask))]
        if found:
            yield max(found, key=_likeness)


def _pair(image: str, mask: str) -> Pair | None:
    *image_folders, image_stem = PurePosixPath(image).parts
    *mask_folders, mask_stem = PurePosixPath(mask).parts
    name = common_name(image_stem, without_role(mask_stem))
    if name:
        return Pair(image, mask, name)
    # A folder for each image: its name tells the image.
    for folder in reversed(mask_folders):
        if folder in image_folders and (image_stem.startswith(folder) or re.search(r"\d", folder)):
            return Pair(image, mask, folder)
    numbers = [_NUMBER.findall(stem) for stem in (image_stem, mask_stem)]
    if all(len(each) == 1 for each in numbers) and unpadded(numbers[0][0]) == unpadded(numbers[1][0]):
        return Pair(image, mask, numbers[0][0], numbers[1][0])
    return None


def _likeness(pair: Pair) -> tuple[int, int, bool, int]:
    """More of the name, more folders in common, a folder that says image, less that one has alone."""
    image, mask = (PurePosixPath(path).parts for path in (pair.image, pair.mask))
    told, own = (
        {word for folder in each[:-1] for word in (*words_of(folder), split_word(folder))} for each in (image, mask)
    )
    same = len(told & own)
    likeness = len(pair.name) if pair.name in mask[-1] and not pair.mask_name else 0
    says_so = any(role_of_folder(folder) == Role.IMAGE for folder in image[:-1])
    return likeness, same, says_so, -len(image[-1]) - abs(len(image) - len(mask))


def common_name(one: str, other: str) -> str:
    """The longest run of whole words at the same end of both names, one of them with a digit unless it is all of one;
    empty where there is none."""
    for inner, outer in ((one, other), (other, one)):
        if re.search(rf"(?<![^\W_]){re.escape(inner)}(?![^\W_])", outer):
            return inner
    found = [_run(one, other), _run(one[::-1], other[::-1])[::-1]]
    return max((each for each in found if re.search(r"\d", each)), key=len, default="")


def _run(one: str, other: str) -> str:
    """What two texts begin with, cut where a word ends."""
    length = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    while length and any(
        re.match(r"[^\W_]", text[length:]) and re.match(r"[^\W_]", text[length - 1]) for text in (one, other)
    ):
        length -= 1
    return re.sub(r"[\W_]+$", "", one[:length])


def _index(images: Sequence[str]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for image in images:
        for word in _plain_words(image):
            found[word].append(image)
    return found


def _plain_words(path: str) -> set[str]:
    return {unpadded(word) for part in PurePosixPath(path).parts for word in words_of(without_role(part))}


def _rarest(mask: str, index: Mapping[str, Sequence[str]]) -> list[str]:
    """The words of a path that fewest images have, two of them: numbers may be of other things."""
    words = _plain_words(mask) & index.keys()
    return sorted(words, key=lambda word: (len(index[word]), word))[:2]
