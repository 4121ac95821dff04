"""The measures of every evaluation, by name; the first is what people are told first, and what cases are ordered by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

from components.measures.background import (
    ACCURACY,
    DICE_WITH_BACKGROUND,
    KAPPA,
    MCC,
    PIXEL_AUC,
    POOLED_DICE,
    SMOOTHED_SOFT_DICE,
    SPECIFICITY,
    TRUE_PROBABILITY,
)
from components.measures.calibration import BRIER, CALIBRATION_ERROR, CONFIDENCE
from components.measures.lesions import CENTRE_HIT, FALSE_POSITIVES, LESION_DICE, LESION_SENSITIVITY
from components.measures.measure import CasesMeasure, ClassMeasure
from components.measures.overlap import DICE, IOU, PRECISION, SENSITIVITY
from components.measures.selection import CONFIDENCE_RANK, RISK_COVERAGE_AREA
from components.measures.surface import AVERAGE_DISTANCE, HD95, SURFACE_DICE

Registered: TypeAlias = ClassMeasure[Any] | CasesMeasure
MEASURES: dict[str, Registered] = {
    measure.name: measure
    for measure in (
        *(DICE, IOU, SENSITIVITY, PRECISION),
        *(HD95, SURFACE_DICE, AVERAGE_DISTANCE),
        *(LESION_SENSITIVITY, FALSE_POSITIVES, LESION_DICE, CENTRE_HIT),
        *(BRIER, CALIBRATION_ERROR, CONFIDENCE, CONFIDENCE_RANK, RISK_COVERAGE_AREA),
        *(ACCURACY, SPECIFICITY, KAPPA, MCC, PIXEL_AUC),
        *(DICE_WITH_BACKGROUND, TRUE_PROBABILITY, SMOOTHED_SOFT_DICE, POOLED_DICE),
    )
}


def class_measures() -> list[ClassMeasure[Any]]:
    """Those that each class has in each case."""
    return [measure for measure in MEASURES.values() if isinstance(measure, ClassMeasure)]


def measures_of(unit: str, discs: bool) -> list[Registered]:
    """As an evaluation tells them, in their order.

    Args:
        unit: of distances.
        discs: whether the truth encloses lesions by discs: overlap with these says little, and comes second.
    """
    told = [measure.measured_in(unit) for measure in MEASURES.values()]
    if not discs:
        return told
    titled = [replace(each, title="Dice against the disc") if each.name == DICE.name else each for each in told]
    return sorted(titled, key=lambda each: each.name != CENTRE_HIT.name)
