"""The file of results: a row for each training and method."""

from __future__ import annotations

from dataclasses import dataclass

from components.records.splits import OUT_OF_FOLD


def kind_of(split: str) -> str:
    """Of a split that is measured: folds are one kind."""
    return OUT_OF_FOLD if split.startswith("fold-") else split


@dataclass(frozen=True)
class Key:
    """Which training."""

    data: str
    method: str
    minutes: int
    """Of two cores."""
    seed: int
    split: str
    """That is measured."""


@dataclass(frozen=True)
class Row:
    """A training and its answers."""

    key: Key
    n: int
    mean: float
    """Of the Dice of images with foreground, each at the size of its file; of several classes of their mean."""
    steps: int
    """That were done."""
    parameters: int
    seconds: float
    processor_seconds: float
    """Of training, its validation included."""
    date: str
    code: str
    """Version of the contestant."""
    cases: list[tuple[str, str, float, dict[str, float]]]
    """Id, group, Dice, and that of each class that the image shows."""
