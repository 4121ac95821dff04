"""The measures of every evaluation, by name; the first is what people are told first, and what cases are ordered by."""

from __future__ import annotations

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
