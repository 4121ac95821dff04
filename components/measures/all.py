"""The measures of every evaluation, by name; the first is what people are told first, and what cases are ordered by."""

from components.measures.measure import PixelMeasure
from components.measures.overlap import DICE, IOU

MEASURES: dict[str, PixelMeasure] = {measure.name: measure for measure in (DICE, IOU)}
