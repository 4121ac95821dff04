"""The choice of an operating point: key by key, by what is better outside the interval of the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.bulk_inferrer.answered import Answered
from components.calibrator.settings import CalibratorSettings
from components.inference.operating_point import OperatingPoint
from components.measures.calibration import BRIER
from components.measures.comparison import Comparison
from components.measures.interval import TAIL, interval
from components.measures.measure import ClassMeasure
from components.measures.overlap import DICE
from components.measures.summary import macro_mean, no_interval
from components.task import Task

THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))

_TRIED: Mapping[str, tuple[ClassMeasure, tuple[Any, ...]]] = {
    "mirror": (DICE, (True,)),
    "temperature": (BRIER, (0.8, 1.25, 0.67, 1.5, 0.5, 2.0, 3.0)),
    "threshold": (DICE, tuple(sorted(THRESHOLDS, key=lambda each: abs(each - 0.5)))),
    "fill_holes": (DICE, (True,)),
    "least_region": (DICE, (4, 8, 16, 32, 64, 128, 256, 512)),
    "largest": (DICE, (True,)),
}
"""In the order in which they are chosen: by which measure, and which values beside the one that changes nothing, those
first that change least: of equals the first is the best."""

Score = Callable[[Sequence[OperatingPoint], ClassMeasure], np.ndarray]
"""The values of a measure by points: float64 `(points, classes, cases)`, NaN where undefined."""


@dataclass(frozen=True)
class Trial:
    """The best value of a key, against the one that changes nothing."""

    key: str
    value: Any
    measure: str
    candidates: int
    """Values of the key that were tried."""
    change: float | None
    """Of the macro mean; None: nothing could be measured."""
    interval: tuple[float, float] | None
    """Of the change, of 1 - 0.05 / candidates: it holds for all of them together (Bonferroni), so that the best of many
    must be better still. None: none can be given."""
    missing: str | None
    """Why there is none."""
    n: int
    """Cases in which it is defined."""
    kept: bool
    reason: str

    def as_json(self) -> dict[str, Any]:
        change = {"mean": self.change, "ci95": self.interval, "no_ci95": self.missing, "n": self.n}
        told = {"key": self.key, "value": self.value, "measure": self.measure, "candidates": self.candidates}
        return {**told, "change": change, "kept": self.kept, "reason": self.reason}


def choose(score: Score, groups: Sequence[str], settings: CalibratorSettings) -> tuple[OperatingPoint, list[Trial]]:
    """The operating point, and what was tried for it. `groups` are those of the cases."""
    point, trials = settings.inference.given, []
    for key in _TRIED:
        if key not in settings.inference.open or not _applies(key, settings):
            continue
        trial = _trial(score, groups, point, key)
        trials.append(trial)
        if trial.kept:
            point = point.model_copy(update={key: trial.value})
    return point, trials


def threshold_curve(score: Score, point: OperatingPoint, task: Task) -> dict[str, list[float | None]] | None:
    """Mean Dice by threshold, all else as of `point`; None of several classes, which have none."""
    if task.several:
        return None
    found = score([point.model_copy(update={"threshold": each}) for each in THRESHOLDS], DICE)
    return {"threshold": [*THRESHOLDS], DICE.name: [macro_mean(values)[0] for values in found]}


def values(
    answered: Answered, predicted: np.ndarray, measure: ClassMeasure, settings: CalibratorSettings
) -> Iterator[float]:
    """The values of a measure of each class in a case; `predicted` are its class indices."""
    task, known = settings.task, np.isfinite(answered.probability).all()
    for index in range(1, len(task.classes) + 1):
        channel = task.of_class(answered.probability, index) if known else None
        yield measure.value(Comparison(answered.truth, predicted, index, channel), settings.empty_masks)


def _applies(key: str, settings: CalibratorSettings) -> bool:
    """Several classes have no threshold. At another threshold than 0.5 a temperature would change masks, of which its
    Brier score knows nothing."""
    given = settings.inference.given.threshold
    return not (key == "threshold" and settings.task.several) and not (key == "temperature" and given != 0.5)


def _trial(score: Score, groups: Sequence[str], point: OperatingPoint, key: str) -> Trial:
    measure, candidates = _TRIED[key]
    tried = [value for value in candidates if value != getattr(point, key)]
    before, *after = score([point, *(point.model_copy(update={key: value}) for value in tried)], measure)
    sign = 1 if measure.higher_is_better else -1
    changes = [sign * (found - before) for found in after]
    means = [mean if (mean := macro_mean(each)[0]) is not None else -np.inf for each in changes]
    best = int(np.argmax(means))
    missing = no_interval(changes[best], groups, (-1.0, 1.0))
    ends = None if missing else interval(changes[best], groups, (-1.0, 1.0), TAIL / len(tried))
    kept = ends is not None and ends[0] > 0
    (mean, n), told = macro_mean(changes[best]), ends and (sign * ends[0], sign * ends[1])
    return Trial(
        key,
        tried[best],
        measure.name,
        len(tried),
        None if mean is None else sign * mean,
        told and (min(told), max(told)),
        missing,
        n,
        kept,
        _reason(mean, missing, ends, kept),
    )


def _reason(mean: float | None, missing: str | None, ends: tuple[float, float] | None, kept: bool) -> str:
    if mean is None:
        return "nothing could be measured"
    if kept:
        return "better outside the interval"
    if mean <= 0:
        return "no better"
    return missing if ends is None and missing else "better, but not outside the interval"
