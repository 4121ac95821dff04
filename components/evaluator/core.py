"""Per-case measures, their summary, and the rule by which a candidate is blessed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import bootstrap

from components.evaluator.per_case import Case
from components.evaluator.settings import Evaluation
from components.measures.overlap import bce_dice, confusion
from components.records.settings import Derivation

_MEASURES = ("dice", "iou", "loss")
_ROUNDING = 1e-9
"""The mean of 0.6 and 0.7 is a hair below 0.65, and meets it all the same."""


def measure(
    identity: Mapping[str, str],
    truth: np.ndarray,
    probability: np.ndarray,
    threshold: float,
    empty_masks: str,
) -> Case:
    """Compares `(H, W)` class indices with the probabilities `(H, W)` of foreground.

    `empty_masks` says what Dice and IoU are where the truth has no foreground: `skip` leaves the case out,
    `zero_if_predicted` gives 1 when nothing is predicted and 0 otherwise. Where a probability is not a number,
    the loss is not one either.
    """
    counts = confusion(truth, probability >= threshold)
    left_out = counts.truth_is_empty and empty_masks == "skip"
    return Case(
        id=identity["id"],
        group=identity["group"],
        source=identity["source"],
        label=identity["label"],
        tp=counts.tp,
        fp=counts.fp,
        fn=counts.fn,
        tn=counts.tn,
        dice=math.nan if left_out else counts.dice,
        iou=math.nan if left_out else counts.iou,
        loss=bce_dice(truth > 0, probability),
    )


def summarize(cases: Sequence[Case]) -> dict[str, Any]:
    """Mean, median, 95 % confidence interval and n of each measure over the cases where it is defined."""
    groups = [case.group for case in cases]
    return {name: _distribution([getattr(case, name) for case in cases], groups) for name in _MEASURES}


def incomparable(champion: Mapping[str, Any], derivation: Derivation) -> str | None:
    """Why a champion cannot be measured on the records of a run, or None if it can.

    `champion` is the section `[data]` of its manifest; keys that an old manifest lacks are taken as unchanged. Records
    are made by the derivation of the run: a champion that expects others would be measured on what it was not made for,
    and lose. Whole images can be resized for it.
    """
    ours = derivation.model_dump(mode="json")
    whole = derivation.fit != "crop" and not derivation.tiles
    keys = [key for key in ours if key not in ("tiles", *(("height", "width") if whole else ()))]
    changed = [key for key in keys if champion.get(key, ours[key]) != ours[key]]
    if _cutting(champion.get("tiles", ours["tiles"])) != _cutting(ours["tiles"]):
        changed.append("tiles")
    return f"[data] {' and '.join(changed)} changed" if changed else None


def _cutting(tiles: Mapping[str, Any] | None) -> tuple[bool, bool]:
    """Whether there are tiles, and whether they change the scale; other settings only choose which tiles there are."""
    return tiles is not None, tiles is not None and tiles["edge"] == "stretch"


def metrics(
    cases: Sequence[Case],
    champion: Sequence[Case] | None,
    champion_version: str | None,
    settings: Evaluation,
    obstacle: str | None = None,
) -> dict[str, Any]:
    """The contents of `metrics.json`; `champion` holds the same cases, predicted by the served model.

    `obstacle` says why there is a champion but no such cases: then the candidate is refused.
    """
    empty = [case for case in cases if case.truth_pixels == 0]
    result = {
        "cases": len(cases),
        "cases_with_foreground": len(cases) - len(empty),
        "empty_cases": len(empty),
        "empty_cases_with_prediction": sum(case.is_false_alarm for case in empty),
        "empty_masks": settings.empty_masks,
        "threshold": settings.threshold,
        **summarize(cases),
        "champion": None,
        "dice_change": None,
    }
    if champion is not None:
        changes = [case.dice - other.dice for case, other in zip(cases, champion, strict=True)]
        result["champion"] = {"version": champion_version, **summarize(champion)}
        result["dice_change"] = _distribution(changes, [case.group for case in cases])
    reasons = reasons_to_refuse(result, settings)
    if obstacle:
        reasons.append(
            f"the champion {champion_version} cannot be compared: {obstacle}. Set it back, or choose another "
            "[serving] destination"
        )
    return {**result, "blessed": not reasons, "reasons": reasons}


def reasons_to_refuse(result: Mapping[str, Any], settings: Evaluation) -> list[str]:
    """Every limit of `[evaluation]` that is not met; an undefined number meets none."""
    dice, loss, change = result["dice"], result["loss"]["mean"], result["dice_change"]
    reasons = []
    if dice["n"] < settings.min_cases:
        reasons.append(f"Dice is defined for {dice['n']} test cases, min_cases asks for {settings.min_cases}")
    if dice["mean"] is None or dice["mean"] < settings.min_dice - _ROUNDING:
        reasons.append(f"mean Dice {_number(dice['mean'])} is below min_dice {settings.min_dice:g}")
    if settings.max_loss is not None and (loss is None or loss > settings.max_loss + _ROUNDING):
        reasons.append(f"mean loss {_number(loss)} is above max_loss {settings.max_loss:g}")
    if result["loss"]["n"] < result["cases"]:
        undefined = result["cases"] - result["loss"]["n"]
        reasons.append(f"the probabilities of {undefined} test cases are not finite numbers")
    if change is not None and (change["mean"] is None or change["mean"] < settings.min_dice_change - _ROUNDING):
        reasons.append(
            f"mean Dice changes by {_number(change['mean'], '+')} against the champion "
            f"{result['champion']['version']}, min_dice_change asks for {settings.min_dice_change:+g}"
        )
    return reasons


def _distribution(values: Sequence[float], groups: Sequence[str]) -> dict[str, Any]:
    defined = [(value, group) for value, group in zip(values, groups, strict=True) if not math.isnan(value)]
    if not defined:
        return {"mean": None, "median": None, "ci95": None, "n": 0}
    numbers = np.array([value for value, _ in defined])
    return {
        "mean": float(numbers.mean()),
        "median": float(np.median(numbers)),
        "ci95": _confidence_interval(numbers, [group for _, group in defined]),
        "n": len(numbers),
    }


def _confidence_interval(values: np.ndarray, groups: Sequence[str]) -> list[float] | None:
    """95 % percentile bootstrap interval of the mean, 2000 resamples, always the same ones.

    Groups (patients) are drawn, not cases: images of one patient, or tiles of one slide, are no independent evidence
    (cluster bootstrap, Davison and Hinkley 1997, section 3.8).
    """
    _, members = np.unique(groups, return_inverse=True)
    counts = np.bincount(members)
    if len(counts) < 2:
        return None
    totals = np.bincount(members, values)
    result = bootstrap(
        (totals, counts),
        lambda totals, counts, axis: totals.sum(axis) / counts.sum(axis),
        n_resamples=2000,
        method="percentile",
        paired=True,
        random_state=0,
    )
    return [float(result.confidence_interval.low), float(result.confidence_interval.high)]


def _number(value: float | None, sign: str = "") -> str:
    return "undefined" if value is None else f"{value:{sign}.4f}"
