"""The measures of a case, their summary, and the verdict on a candidate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from components.evaluator.collapse import collapse
from components.evaluator.curves import reliability, risk_coverage_points
from components.evaluator.limits import Champion, judged
from components.evaluator.per_case import Case, ClassScores
from components.evaluator.settings import EvaluatorSettings
from components.evaluator.slices import sliced, slices_in
from components.evaluator.values import summary, summary_of_changes, values_of
from components.measures.all import MEASURES, class_measures
from components.measures.calibration import binned, near
from components.measures.comparison import Comparison
from components.measures.confusion import counts
from components.measures.extent import extent
from components.measures.overlap import DICE
from components.measures.surface import HD95


def measure(
    identity: Mapping[str, str],
    truth: np.ndarray,
    predicted: np.ndarray,
    loss: float,
    settings: EvaluatorSettings,
    pixel_size: tuple[float, float] | None = (1.0, 1.0),
    probability: np.ndarray | None = None,
) -> Case:
    """Compares class indices, `(H, W)` uint8 both; what truth leaves unjudged counts nowhere.

    Args:
        identity: `id`, `group`, `source`, `label` and, where known, `site` of the case.
        truth: may hold `IGNORE`.
        predicted: as `Task.predicted` gives it.
        loss: that was trained, of the whole case; NaN where a probability is no number.
        settings: what is measured, and what a measure is where the truth has no pixel of a class.
        pixel_size: height and width of a pixel, in the unit of `surface_tolerance`; None: not known.
        probability: float32 `(H, W, K)`, as a model gives it; None: not known, or no finite numbers.
    """
    classes, tolerance = {}, settings.evaluation.surface_tolerance.length
    for index, name in enumerate(settings.task.classes, 1):
        channel = None if probability is None else settings.task.of_class(probability, index)
        seen = Comparison(truth, predicted, index, channel, pixel_size, tolerance)
        values = {each.name: each.value(seen, settings.evaluation.empty_masks) for each in class_measures()}
        found = seen.fact(near)
        classes[name] = ClassScores(
            seen.fact(counts),
            {**values, settings.loss: loss},
            extent=extent(seen.true),
            bins=None if found is None else binned(found),
        )
    return Case(**identity, classes=classes)


def summarize(cases: Sequence[Case], settings: EvaluatorSettings) -> dict[str, Any]:
    """Mean, median, 95 % confidence interval and n of each measure over the cases where it is defined.

    At the top they are means over classes; `classes` has each class, without what is no measure of one.
    """
    classes, measures = settings.task.classes, settings.measures
    found = {each.name: summary(cases, each, classes) for each in measures}
    # Of a single class it is the same.
    by_class = {
        name: {
            each: summary(cases, MEASURES[each], [name]) if settings.task.several else found[each] for each in MEASURES
        }
        for name in classes
    }
    return {**found, "classes": by_class}


def metrics(
    cases: Sequence[Case],
    champion: Sequence[Case] | None,
    champion_version: str | None,
    settings: EvaluatorSettings,
    obstacle: str | None = None,
    faults: Sequence[str] = (),
    decisions: int | None = None,
    changed: Mapping[str, Sequence[Case]] = {},
) -> dict[str, Any]:
    """The contents of `metrics.json`; `champion` holds the same cases, predicted by the served model.

    `obstacle` says why there is a champion but no such cases: then the candidate is refused, as it is for `faults`
    of what it is made of. `decisions` says how often these cases have decided, this time included; None: they do not.
    `changed` are the same cases by what their images were changed by.
    """
    served = None if champion is None else Champion(str(champion_version), champion)
    empty = [case for case in cases if case.truth_pixels == 0]
    limits = [
        judged(asked, cases, served, settings, obstacle, decisions or 1, changed) for asked in settings.every_limit
    ]
    reasons = [limit.sentence for limit in limits if not limit.met and not (obstacle and limit.asked.limit.change)]
    if broken := sum(math.isnan(case.value(settings.loss)) for case in cases):
        reasons.append(f"the probabilities of {broken} test cases are not finite numbers")
    if obstacle:
        reasons.append(
            f"the champion {champion_version} cannot be compared: {obstacle}. Set it back, or choose another "
            "[serving] destination"
        )
    reasons += faults
    return {
        "cases": len(cases),
        "cases_with_foreground": len(cases) - len(empty),
        "empty_cases": len(empty),
        "empty_cases_with_prediction": sum(case.is_false_alarm for case in empty),
        "empty_masks": settings.evaluation.empty_masks,
        "operating_point": settings.point and settings.point.model_dump(),
        "surface_tolerance": str(settings.evaluation.surface_tolerance),
        "measures": {each.name: each.described() for each in settings.measures},
        **summarize(cases, settings),
        "absent": {name: _absent(cases, name) for name in settings.task.classes},
        "champion": served and {"version": served.version, **summarize(served.cases, settings)},
        "not_compared": {"version": champion_version, "why": obstacle} if obstacle else None,
        "change": served and _change(cases, served.cases, settings),
        "slices": {name: _of_slice(name, cases, settings) for name in slices_in(cases)},
        "robustness": {name: _robustness(name, cases, found, settings) for name, found in changed.items()},
        "risk_coverage": {name: risk_coverage_points(cases, name) for name in settings.task.classes},
        "reliability": {name: reliability(cases, name) for name in settings.task.classes},
        "limits": [limit.as_json() for limit in limits],
        "notes": list(_notes(cases, settings)),
        "collapsed": collapse(cases),
        "decisions": decisions,
        "blessed": not reasons,
        "reasons": reasons,
    }


def _absent(cases: Sequence[Case], name: str) -> dict[str, int]:
    """How many cases have no pixel of a class in the truth, and in how many of these it was predicted."""
    found = [case.classes[name].counts for case in cases if case.classes[name].counts.truth_pixels == 0]
    return {"cases": len(found), "with_prediction": sum(each.predicted_pixels > 0 for each in found)}


def _change(cases: Sequence[Case], others: Sequence[Case], settings: EvaluatorSettings) -> dict[str, Any]:
    """Of each measure how it differs from what it is of the others, such as the champion's, case by case."""
    classes = settings.task.classes
    return {each.name: summary_of_changes(cases, others, each, classes) for each in settings.measures}


def _of_slice(name: str, cases: Sequence[Case], settings: EvaluatorSettings) -> dict[str, Any]:
    belongs = sliced(name)
    return summarize([case for case in cases if belongs(case, None)], settings)


def _robustness(name: str, cases: Sequence[Case], found: Sequence[Case], settings: EvaluatorSettings) -> dict[str, Any]:
    """What a change of the images leaves, and takes, of each measure."""
    given = {"value": settings.robustness.asked[name]}
    return {**given, **summarize(found, settings), "change": _change(found, cases, settings)}


def _notes(cases: Sequence[Case], settings: EvaluatorSettings) -> Iterator[str]:
    """What means do not say of themselves."""
    classes = settings.task.classes if settings.task.several else []
    for name in classes:
        if np.isnan(values_of(cases, DICE, [name])).all():
            yield f"class {name!r} was never measured: no test case has it, and the means over classes are without it"
    if unknown := sum(any(map(_lacks_a_pixel_size, case.classes.values())) for case in cases):
        yield (
            f"{unknown} of {len(cases)} cases do not tell the size of their pixels: distances of surfaces are without "
            "them. Set [data] spacing_mm, or [evaluation] surface_tolerance in px"
        )


def _lacks_a_pixel_size(scores: ClassScores) -> bool:
    """Whether there are two surfaces without a distance."""
    both = scores.counts.truth_pixels and scores.counts.predicted_pixels
    return bool(both) and math.isnan(scores.values.get(HD95.name, 0.0))
