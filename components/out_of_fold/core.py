"""What the models of all folds are worth on what they have not learnt, fold by fold and pooled.

Each case counts once, judged by the one model that has not learnt from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from components.evaluator.core import metrics, summarize
from components.evaluator.per_case import Case
from components.evaluator.settings import EvaluatorSettings
from components.measures.all import MEASURES
from components.measures.confusion import Confusion
from components.records.splits import fold_split


@dataclass(frozen=True)
class Fold:
    """The model of a fold: how it was trained, and what it predicts for the fold, which it has not learnt from."""

    number: int
    training: Mapping[str, Any]
    """The contents of its `training.json`."""
    cases: Sequence[Case]


def out_of_fold(folds: Sequence[Fold], settings: EvaluatorSettings) -> dict[str, Any]:
    """The contents of `metrics.json`, of the cases of all folds; `folds` is the table of the folds.

    `reasons` name the folds whose model must not be averaged.
    """
    reasons = [fault for fold in folds for fault in faults(fold, settings)]
    table = [_row(fold, settings) for fold in folds]
    pooled = metrics(pooled_cases(folds), None, None, settings)
    return {**pooled, "blessed": not reasons, "reasons": reasons, "folds": table}


def pooled_cases(folds: Sequence[Fold]) -> list[Case]:
    """The cases of all folds, each with the name of its fold, and without the mask that lies beside the fold's own."""
    return [replace(case, fold=fold_split(fold.number), prediction="") for fold in folds for case in fold.cases]


def faults(fold: Fold, settings: EvaluatorSettings) -> Iterator[str]:
    """Why the model of a fold must not be averaged with the others: it has learnt nothing that could be measured."""
    name = f"fold {fold.number}"
    if broken := sum(math.isnan(case.value(settings.loss)) for case in fold.cases):
        yield f"{name}: the probabilities of {broken} of its {len(fold.cases)} cases are not finite numbers"
    for found in settings.task.classes:
        counts = [case.classes[found].counts for case in fold.cases]
        for what, collapsed in _COLLAPSED.items():
            seen = [each for each in counts if 0 < each.truth_pixels < each.judged_pixels]
            if seen and all(map(collapsed, seen)):
                yield (
                    f"{name} collapsed: its model predicts {what.format(found)} in each of {len(seen)} cases that have "
                    "it. Train longer (epochs or budget of [training]), lower learning_rate, or change seed"
                )


def _row(fold: Fold, settings: EvaluatorSettings) -> dict[str, Any]:
    """A fold in the table of folds."""
    found = summarize(fold.cases, settings)
    return {
        "fold": fold.number,
        "cases": len(fold.cases),
        "cases_with_foreground": sum(case.truth_pixels > 0 for case in fold.cases),
        "groups": len({case.group for case in fold.cases}),
        "measures": {name: found[name] for name in (*MEASURES, settings.loss)},
        "best_epoch": fold.training["best_epoch"],
        "epochs_run": fold.training["epochs_run"],
        "warnings": fold.training["warnings"],
        "faults": list(faults(fold, settings)),
    }


_COLLAPSED: Mapping[str, Callable[[Confusion], bool]] = {
    "no {}": lambda counts: counts.predicted_pixels == 0,
    "nothing but {}": lambda counts: counts.predicted_pixels == counts.judged_pixels,
}
"""Of a class in cases that have it, and something beside it."""
