"""Words by which people name splits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

Split = Literal["train", "eval", "test"]

_KNOWN: Mapping[str, Split] = {
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
}
_LONG = "|".join(sorted((word for word in _KNOWN if len(word) > 2), key=len, reverse=True))
_WORD = re.compile(rf"(?<![a-z])({_LONG})(?![a-z])|(?<=images)(tr|ts|va)$|(?<=labels)(tr|ts|va)$", re.IGNORECASE)


def split_word(text: str) -> str:
    """The word of a folder's name that names a split; empty where there is none."""
    found = _WORD.search(text)
    return found[0] if found else ""


def splits_named(words: Iterable[str]) -> dict[str, Split]:
    """What each word means."""
    return {word: _KNOWN[word.lower()] for word in sorted(words)}
