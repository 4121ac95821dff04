"""The measures of every evaluation, by name; the first is what people are told first, and what cases are ordered by."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from components.measures.lesions import CENTRE_HIT, FALSE_POSITIVES, LESION_DICE, LESION_SENSITIVITY
from components.measures.measure import ClassMeasure
from components.measures.overlap import DICE, IOU, PRECISION, SENSITIVITY
from components.measures.surface import AVERAGE_DISTANCE, HD95, SURFACE_DICE

MEASURES: dict[str, ClassMeasure[Any]] = {
    measure.name: measure
    for measure in (
        *(DICE, IOU, SENSITIVITY, PRECISION),
        *(HD95, SURFACE_DICE, AVERAGE_DISTANCE),
        *(LESION_SENSITIVITY, FALSE_POSITIVES, LESION_DICE, CENTRE_HIT),
    )
}


def measures_of(unit: str, discs: bool) -> list[ClassMeasure[Any]]:
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
