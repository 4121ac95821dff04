"""Images that a model was not made of, measured as the Evaluator measures, at the size of their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import tee
from pathlib import Path

from components.evaluator.answers import finite, keep, loss_of, prediction_name
from components.evaluator.core import measure
from components.evaluator.per_case import Case
from components.evaluator.settings import EvaluatorSettings
from components.example_gen.core import Source
from components.inference.model import Model
from components.trainer.choices import loss_named

EXTERNAL = "external"
"""Stands for a split: by its cases nothing is decided, and no limit is asked."""


def external_cases(
    model: Model, sources: Iterable[Source], settings: EvaluatorSettings, folder: Path | None
) -> Iterator[Case]:
    """The measures of each source by a served model; with `folder`, the predicted masks are kept there."""
    loss = loss_named(settings.loss, settings.task)
    measured, shown = tee(sources)
    predictions = model.predict(source.image for source in shown)
    for index, (source, prediction) in enumerate(zip(measured, predictions, strict=True)):
        sample, truth = source.sample, source.truth.classes
        identity = {
            "id": sample.id,
            "group": sample.group,
            "source": sample.image,
            "label": sample.label,
            "site": sample.site,
        }
        known = finite(prediction.probability)
        pixel = (1.0, 1.0) if settings.evaluation.surface_tolerance.unit == "px" else source.spacing
        case = measure(identity, truth, prediction.classes, loss_of(loss, truth, known), settings, pixel, known)
        if folder:
            keep(folder / prediction_name(index), prediction.classes)
            case = replace(case, prediction=prediction_name(index))
        yield case
