"""Where a model fails: the cases by what went wrong in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from components.evaluator.per_case import Case, ClassScores
from components.measures.measure import Measure

_FOUND, _BESIDE = "lesion_sensitivity", "false_positives"
"""Measures by name: importing them would make the report run again where any of them changes."""
_BROKEN = "the probabilities are not finite numbers"


@dataclass(frozen=True)
class Failure:
    """What went wrong, of which class (empty: of all), and in which cases."""

    what: str
    of: str
    cases: list[str]


def failures(cases: Sequence[Case], classes: Sequence[str], measures: Sequence[Measure]) -> list[Failure]:
    """Those that occurred, for each class the gravest first; `measures` are all that were measured."""
    found = [Failure(what, name, ids) for name in classes for what, ids in _of_class(cases, name)]
    losses = [measure.name for measure in measures if measure.family == "training"]
    broken = [case.id for case in cases if any(math.isnan(case.value(loss)) for loss in losses)]
    return [*found, *([Failure(_BROKEN, "", broken)] if broken else [])]


def _of_class(cases: Sequence[Case], name: str) -> Iterator[tuple[str, list[str]]]:
    for what, went_wrong in _KINDS.items():
        if ids := [case.id for case in cases if went_wrong(case.classes[name])]:
            yield what, ids


def _missed(scores: ClassScores) -> bool:
    return scores.counts.truth_pixels > 0 and scores.counts.tp == 0


def _some_missed(scores: ClassScores) -> bool:
    return scores.counts.tp > 0 and scores.values.get(_FOUND, math.nan) < 1


def _false_alarm(scores: ClassScores) -> bool:
    return scores.counts.truth_pixels == 0 and scores.counts.predicted_pixels > 0


def _stray(scores: ClassScores) -> bool:
    return scores.counts.truth_pixels > 0 and scores.values.get(_BESIDE, math.nan) > 0


_KINDS: Mapping[str, Callable[[ClassScores], bool]] = {
    "what is true was missed altogether": _missed,
    "some regions were missed, others found": _some_missed,
    "something was predicted where nothing is": _false_alarm,
    "a region was predicted beside the true ones, touching none": _stray,
}
"""Of a class in a case; the gravest first."""
