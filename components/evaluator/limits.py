"""Whether limits are met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import numpy as np

from components.evaluator.per_case import Case
from components.evaluator.sentences import Found, Held, sentence
from components.evaluator.settings import Asked, EvaluatorSettings, Limit
from components.evaluator.slices import sliced
from components.evaluator.values import change_together, changes_of, together, values_of
from components.measures.interval import TAIL, group_count, interval
from components.measures.measure import CasesMeasure, Measure
from components.measures.summary import macro_mean

_ROUNDING = 1e-9
"""The mean of 0.6 and 0.7 is a hair below 0.65, and meets it all the same."""


@dataclass(frozen=True)
class Champion:
    """The served model, measured on the same cases in the same order."""

    version: str
    cases: Sequence[Case]


@dataclass(frozen=True)
class Judged:
    """A limit held against the test cases."""

    asked: Asked
    found: Found
    value: float | None
    """The mean, or the end of its interval that is asked for. None: undefined, or a change without a champion."""
    met: bool
    sentence: str

    @property
    def n(self) -> int:
        return self.found.n

    def as_json(self) -> dict[str, Any]:
        """The limit, the short form of it, and what came of it."""
        result = {"value": self.value, **self.found.as_json(), "met": self.met, "sentence": self.sentence}
        return {"key": self.asked.key, **self.asked.limit.model_dump(), **result}


def judged(
    asked: Asked,
    cases: Sequence[Case],
    champion: Champion | None,
    settings: EvaluatorSettings,
    obstacle: str | None = None,
    decisions: int = 1,
    changed: Mapping[str, Sequence[Case]] = {},
) -> Judged:
    """Holds a limit against the cases; an undefined number meets none, unless the limit lets too few cases pass.

    Args:
        asked: the limit.
        cases: the test cases.
        champion: None where there is none, or where it cannot be measured.
        settings: what is measured.
        obstacle: why it cannot.
        decisions: how often these cases have decided, this time included.
        changed: the same cases by what their images were changed by.
    """
    limit = asked.limit
    if limit.change and champion is None:
        why = f"not compared: {obstacle}" if obstacle else "there is no champion to compare with"
        return Judged(asked, Found(None, 0, 0, None, TAIL), None, obstacle is None, why)
    measure = next(measure for measure in settings.measures if measure.name == limit.measure)
    tail = _tail(limit, settings, decisions)
    if limit.under:
        found = _found(limit, measure, changed[limit.under], cases, settings, tail)
    else:
        found = _found(limit, measure, cases, champion.cases if limit.change and champion else None, settings, tail)
    held = Held(asked, measure, found, champion.version if champion else None)
    value, few = held.value, held.too_few
    passes = limit.too_few == "pass" and held.few_are_there
    met = passes if few else value is not None and _is_met(value, *held.bounds)
    return Judged(asked, found, value, met, sentence(held, met))


def _is_met(value: float, lowest: float | None, highest: float | None) -> bool:
    return (lowest is None or value >= lowest - _ROUNDING) and (highest is None or value <= highest + _ROUNDING)


def _tail(limit: Limit, settings: EvaluatorSettings, decisions: int) -> float:
    """What lies beyond an end of the limit's interval (Bonferroni: of all that hold together it is 2.5 % at most)."""
    if limit.bound == "mean":
        return TAIL
    slices = settings.slices_at_once if limit.slice is not None else 1
    return TAIL / max(1, slices) / (decisions if limit.per_decision else 1)


def _found(
    limit: Limit,
    measure: Measure,
    cases: Sequence[Case],
    against: Sequence[Case] | None,
    settings: EvaluatorSettings,
    tail: float,
) -> Found:
    """What the limit is about, of the cases that it is of: their values, or how they differ from those of `against`."""
    classes = [limit.class_] if limit.class_ is not None else settings.task.classes
    chosen = np.ones(len(cases), bool)
    if limit.slice is not None:
        belongs = sliced(limit.slice)
        chosen = np.array([belongs(case, limit.class_) for case in cases], bool)
    of = list(compress(cases, chosen))
    true = [case.group for case in of if any(case.classes[name].counts.truth_pixels for name in classes)]
    there = {"true": len(true), "true_groups": len(set(true))}
    if isinstance(measure, CasesMeasure):
        if against is None:
            mean, n = together(of, measure, classes)
        else:
            mean, n = change_together(of, list(compress(against, chosen)), measure, classes)
        return Found(mean, n, len({case.group for case in of}), None, tail, **there)
    if against is not None:
        values, ends = changes_of(cases, against, measure, classes), measure.range_of_changes
    else:
        values, ends = values_of(cases, measure, classes), measure.range
    values = values[:, chosen]
    groups = [case.group for case in of]
    mean, n = macro_mean(values)
    return Found(mean, n, group_count(values, groups), ends and interval(values, groups, ends, tail), tail, **there)
