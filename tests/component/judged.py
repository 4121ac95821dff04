"""Cases for the serving check of a model that nobody has evaluated."""

from __future__ import annotations

from pathlib import Path

from components.inference.operating_point import OperatingPoint
from components.inference.predictor import Predictor
from components.records.sources import assembled, at_source_size, serialized_sources
from components.records.tfexample import parse
from components.serving_check.cases import Tried
from components.serving_check.settings import ServingCheckSettings


def judged_by(
    model: Path, examples: str, split: str, settings: ServingCheckSettings, point: OperatingPoint, count: int = 3
) -> list[Tried]:
    """The first of a split, with the masks of the model's windows."""
    parts = [found for _, found in zip(range(count), serialized_sources(examples, split), strict=False)]
    sources = [assembled([*map(parse, each)]) for each in parts]
    answers = Predictor(model, settings.derivation)(source.image for source in sources)
    found = []
    for source, serialized, answer in zip(sources, parts, answers, strict=True):
        truth, probability = at_source_size(source, answer.probability)
        scale = answer.scale * truth.size / source.mask.size
        mask = point.mask(probability, settings.task, scale)
        found.append(Tried(source, serialized[len(serialized) // 2], mask))
    return found
