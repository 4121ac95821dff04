"""Images and masks of a folder as a config reads them, without a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from components.data_gate.entries import Entry, entry_of
from components.example_gen.outcome import Outcome, outcome_of
from components.example_gen.samples import Sample
from components.example_gen.settings import DataSettings
from components.parallel import ordered_map

Watch = Callable[[Iterable[Any], int], Iterable[Any]]
"""Passes on so many items as they come."""


def examined(
    folder: Path, samples: Sequence[Sample], data: DataSettings, threads: int
) -> Iterator[tuple[Outcome, list[Entry]]]:
    """What becomes of each sample, in their order, and the entries of its records."""

    def examine(sample: Sample) -> tuple[Outcome, list[Entry]]:
        return outcome_of(sample, folder, data, partial(entry_of, split=sample.split))

    return ordered_map(examine, samples, threads)
