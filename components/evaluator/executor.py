"""Artifact I/O of Evaluator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import Artifact, artifact_utils
from tfx.utils import path_utils

from components.artifacts import CASES_FILE, METRICS_FILE
from components.evaluator.core import incomparable, measure, metrics
from components.evaluator.per_case import Case, ClassScores, write_cases
from components.evaluator.settings import EvaluatorSettings
from components.files import read_json, write_json
from components.imaging.files.codecs import as_float, encode_png
from components.imaging.geometry.placement import FITS
from components.records.record import Record
from components.records.tfexample import parse, read_split
from components.serving_dir import data_section
from components.trainer.choices import Loss, loss_named

_BATCH = 8


class Executor(BaseExecutor):
    """Predicts a split with the candidate and, where there is one, the champion."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = EvaluatorSettings.model_validate_json(exec_properties["settings"])
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        [champion] = input_dict.get("champion") or [None]
        evaluation = Path(artifact_utils.get_single_uri(output_dict["evaluation"]))
        cases = list(_evaluate(model, examples, settings, evaluation))
        version = champion.get_string_custom_property("version") if champion else None
        obstacle = _obstacle(champion, settings) if champion and version else None
        compared = champion if version and not obstacle else None
        champion_cases = list(_evaluate(compared, examples, settings)) if compared else None
        result = metrics(cases, champion_cases, version, settings, obstacle, _faults(input_dict))
        write_json(evaluation / METRICS_FILE, result)
        write_cases(evaluation / CASES_FILE, _listed(cases, champion_cases))
        if settings.decides:
            _bless(artifact_utils.get_single_instance(output_dict["blessing"]), model, result["blessed"])


def _faults(inputs: dict[str, list[Artifact]]) -> list[str]:
    """Of the folds that the model is made of; none where there are none."""
    given = inputs.get("out_of_fold") or []
    return [reason for folds in given for reason in read_json(Path(folds.uri) / METRICS_FILE)["reasons"]]


def _obstacle(champion: Artifact, settings: EvaluatorSettings) -> str | None:
    data = data_section(Path(path_utils.serving_model_path(champion.uri)))
    return incomparable(data, settings.derivation, settings.task)


def _evaluate(
    model: Artifact, examples: str, settings: EvaluatorSettings, evaluation: Path | None = None
) -> Iterator[Case]:
    """Measures every record of the split; with `evaluation`, the predicted masks are kept there."""
    loaded = tf.saved_model.load(path_utils.serving_model_path(model.uri))
    loss = loss_named(settings.loss, settings.task)
    records = read_split(examples, settings.split)
    index = 0
    while batch := list(islice(records, _BATCH)):
        parsed = [parse(serialized) for serialized in batch]
        probabilities = _predict(loaded, parsed, settings.derivation.fit)
        losses = _losses(loss, parsed, probabilities)
        for record, probability, value in zip(parsed, probabilities, losses, strict=True):
            predicted = settings.task.predicted(probability, settings.evaluation.threshold)
            if evaluation:
                _keep(evaluation / _prediction_name(index), predicted)
            index += 1
            yield measure(_identity(record), record.mask, predicted, value, settings)


def _predict(model: Any, records: list[Record], fit: str) -> np.ndarray:
    """Probabilities of a batch, float32 `(N, H, W, channels)` at the size of the records."""
    serve = model.signatures["serve_tensor"]
    size = serve.structured_input_signature[1]["images"].shape[1:3]
    # A champion of another input size sees the record resized, as it would see the file.
    boxes = [FITS[fit](*record.mask.shape, *size) for record in records]
    images = [as_float(box.image(record.image)) for box, record in zip(boxes, records, strict=True)]
    probabilities = serve(images=tf.constant(np.stack(images)))["probability"].numpy()
    return np.stack([box.unplaced(probability) for box, probability in zip(boxes, probabilities, strict=True)])


def _losses(loss: Loss, records: list[Record], probabilities: np.ndarray) -> list[float]:
    """Of each record, NaN where a probability is no number, whatever the loss makes of that."""
    truth = np.stack([record.mask for record in records])[..., None].astype(np.float32)
    losses = np.asarray(loss(tf.constant(truth), tf.constant(probabilities)), np.float64)
    finite: np.ndarray = np.isfinite(probabilities).all(axis=(1, 2, 3))
    return [float(value) for value in np.where(finite, losses, np.nan)]


def _identity(record: Record) -> dict[str, str]:
    return {"id": record.id, "group": record.group, "source": record.source, "label": record.label}


def _prediction_name(index: int) -> str:
    return f"predictions/{index:06d}.png"


def _keep(path: Path, mask: np.ndarray) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode_png(mask))


def _listed(cases: Sequence[Case], champion: Sequence[Case] | None) -> Iterator[Case]:
    """The cases, each with its predicted mask and, where there is a champion, that one's values."""
    for index, case in enumerate(cases):
        classes = _beside(case, champion[index]) if champion else case.classes
        yield replace(case, classes=classes, prediction=_prediction_name(index))


def _beside(case: Case, champion: Case) -> dict[str, ClassScores]:
    return {name: replace(scores, champion=champion.classes[name].values) for name, scores in case.classes.items()}


def _bless(blessing: Artifact, model: Artifact, blessed: bool) -> None:
    """The stock Pusher reads the property, the file is the stock Evaluator's mark."""
    (Path(blessing.uri) / ("BLESSED" if blessed else "NOT_BLESSED")).touch()
    blessing.set_int_custom_property("blessed", int(blessed))
    blessing.set_string_custom_property("current_model", model.uri)
    blessing.set_int_custom_property("current_model_id", model.id)
