"""Words by which people name splits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from components.example_gen.samples import Told

_KNOWN: Mapping[str, Told] = {
    "train": "train",
    "training": "train",
    "tr": "train",
    "trainval": "train",
    "train_val": "train",
    "train_valid": "train",
    "stage1_train": "train",
    "valid": "eval",
    "val": "eval",
    "validation": "eval",
    "eval": "eval",
    "dev": "eval",
    "va": "eval",
    "test": "test",
    "testing": "test",
    "ts": "test",
    "stage1_test": "test",
    "testa": "test",
    "testb": "test",
}
_LONG = "|".join(sorted((word for word in _KNOWN if len(word) > 2), key=len, reverse=True))
_WORD = re.compile(rf"(?<![a-z])({_LONG})(?![a-z])|(?<=images)(tr|ts|va)$|(?<=labels)(tr|ts|va)$", re.IGNORECASE)


def split_word(text: str) -> str:
    """The word of a folder's name that names a split; empty where there is none."""
    found = _WORD.search(text)
    return found[0] if found else ""


def split_begin(name: str) -> str:
    """The word of a split that a name begins with, as `testA_1` does; empty where there is none."""
    found = re.match(rf"({_LONG})(?=[\W_]+[^\W_])", name, re.IGNORECASE)
    return found[0] if found else ""


def splits_named(words: Iterable[str]) -> dict[str, Told]:
    """What each word, or the word in a name, means."""
    return {word: _KNOWN[known] for word in sorted(words) if (known := _known(word))}


def _known(word: str) -> str:
    """Of `Tr` itself, of `train2017` what is in it; empty where it names no split."""
    return word.lower() if word.lower() in _KNOWN else split_word(word).lower()


def with_test(splits: Mapping[str, Told]) -> dict[str, Told]:
    """What stands for validation is for the test where nothing else is: validation is drawn from train. A single split
    is none."""
    told = {*splits.values()} - {"none"}
    if len(told) < 2:
        return {word: split for word, split in splits.items() if split == "none"}
    if "test" in told:
        return dict(splits)
    return {word: "test" if split == "eval" else split for word, split in splits.items()}
