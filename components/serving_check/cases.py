"""Cases that the Evaluator has judged, with the masks that it has judged them by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from components.artifacts import CASES_FILE
from components.evaluator.per_case import Case, read_cases
from components.imaging.files.codecs import decode_image
from components.records.record import Record
from components.records.sources import assembled, serialized_sources
from components.records.splits import TEST
from components.records.tfexample import parse

_MOST = 4
_LARGE = 2**22
"""Pixels. Larger cases would take minutes, by each signature and engine."""


@dataclass(frozen=True, eq=False)
class Tried:
    """A case."""

    source: Record
    """As `read_sources` has it."""
    serialized: bytes
    """Its record; of tiles the one in the middle."""
    mask: np.ndarray
    """Class indices `(H, W)` uint8 that were judged, at the size that is judged."""


def tried_cases(examples: str, evaluation: Path) -> list[Tried]:
    """A few cases of the test split, whose truth is not looked at: of no others there are masks that were judged."""
    cases = read_cases(evaluation / CASES_FILE)
    return list(_read(examples, evaluation, cases, telling(cases)))


def telling(cases: Sequence[Case]) -> list[int]:
    """The first whose masks can be wrong in either direction, then others; large ones where there are no others."""

    def order(index: int) -> tuple[bool, bool, int]:
        case = cases[index]
        return _area(case) > _LARGE, not 0 < case.predicted_pixels < _area(case), index

    best = sorted(range(len(cases)), key=order)[:_MOST]
    small = [index for index in best if _area(cases[index]) <= _LARGE]
    return sorted(small or [min(best, key=lambda index: _area(cases[index]))])


def _area(case: Case) -> int:
    """Pixels that were judged."""
    return sum(astuple(next(iter(case.classes.values())).counts))


def _read(examples: str, evaluation: Path, cases: Sequence[Case], wanted: Sequence[int]) -> Iterator[Tried]:
    for index, parts in enumerate(serialized_sources(examples, TEST)):
        if index in wanted:
            mask = decode_image((evaluation / cases[index].prediction).read_bytes())
            yield Tried(assembled(list(map(parse, parts))), parts[len(parts) // 2], mask)
        if index == wanted[-1]:
            return
