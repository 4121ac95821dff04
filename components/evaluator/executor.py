"""Artifact I/O of Evaluator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import tee
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import Artifact, artifact_utils
from tfx.utils import path_utils

from components.artifacts import CASES_FILE, METRICS_FILE, Metrics, read_artifact
from components.evaluator.answers import finite, keep, loss_of, prediction_name
from components.evaluator.core import incomparable, measure, metrics
from components.evaluator.decisions import cases_digest, count_decision
from components.evaluator.per_case import Case, ClassScores, write_cases
from components.evaluator.settings import EvaluatorSettings
from components.files import write_json
from components.inference.predictor import Predictor
from components.records.record import Record
from components.records.sources import at_source_size, judged_pixel, read_sources
from components.records.splits import TEST
from components.records.tfexample import parse_header, read_split
from components.serving_dir import CHAMPION_FILE, data_section
from components.state import broken_named
from components.trainer.choices import loss_named
from components.weights import model_sha256

_DAMAGED = (
    "Run once with --no-cache, which copies the champion anew. If that does not help, the version served is damaged: "
    f"put it back, or delete {CHAMPION_FILE} to go on without a champion."
)


class Executor(BaseExecutor):
    """Predicts a split with the candidate and, where there is one, the champion."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = EvaluatorSettings.model_validate_json(exec_properties["settings"])
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        model = artifact_utils.get_single_instance(input_dict["model"])
        [champion] = input_dict.get("champion") or [None]
        evaluation = Path(artifact_utils.get_single_uri(output_dict["evaluation"]))
        cases = list(_evaluate(_predictor(model, settings), examples, settings, evaluation))
        version = champion.get_string_custom_property("version") if champion else None
        served, obstacle = _served_cases(champion, examples, settings) if champion and version else (None, None)
        decisions = _decisions(exec_properties, model, examples) if settings.decides else None
        result = metrics(cases, served, version, settings, obstacle, _faults(input_dict), decisions)
        write_json(evaluation / METRICS_FILE, result)
        write_cases(evaluation / CASES_FILE, _listed(cases, served))
        if settings.decides:
            _bless(artifact_utils.get_single_instance(output_dict["blessing"]), model, result["blessed"])


def _decisions(properties: dict[str, Any], model: Artifact, examples: str) -> int | None:
    """How often the test cases have decided, this time included; None where nothing is kept of it."""
    serving = properties.get("serving_dir")
    if not serving:
        return None
    cases = cases_digest(map(parse_header, read_split(examples, TEST)))
    digest = model_sha256(Path(path_utils.serving_model_path(model.uri)))
    return count_decision(Path(serving), cases, digest, properties["settings"])


def _faults(inputs: dict[str, list[Artifact]]) -> list[str]:
    """Of the folds that the model is made of; none where there are none."""
    given = inputs.get("out_of_fold") or []
    return [reason for folds in given for reason in read_artifact(Path(folds.uri) / METRICS_FILE, Metrics)["reasons"]]


def _predictor(model: Artifact, settings: EvaluatorSettings) -> Predictor:
    return Predictor(Path(path_utils.serving_model_path(model.uri)), settings.derivation)


def _served_cases(
    champion: Artifact, examples: str, settings: EvaluatorSettings
) -> tuple[list[Case] | None, str | None]:
    """The same cases by the champion, or why it cannot be measured on them."""
    data = data_section(Path(path_utils.serving_model_path(champion.uri)))
    if obstacle := incomparable(data, settings.derivation, settings.task):
        return None, obstacle
    folder, expected = Path(path_utils.serving_model_path(champion.uri)), settings.task.channels
    with broken_named(folder, _DAMAGED):
        served = Predictor(folder, settings.derivation)
    if served.channels != expected:
        return (
            None,
            f"it answers with {served.channels} probabilities for each pixel, not {expected}: it was made before",
        )
    return list(_evaluate(served, examples, settings)), None


def _evaluate(
    predictor: Predictor, examples: str, settings: EvaluatorSettings, evaluation: Path | None = None
) -> Iterator[Case]:
    """Measures every image of the split; with `evaluation`, the predicted masks are kept there."""
    loss = loss_named(settings.loss, settings.task)
    sources, shown = tee(read_sources(examples, settings.split))
    for index, (source, found) in enumerate(zip(sources, predictor(each.image for each in shown), strict=True)):
        truth, probability = at_source_size(source, found)
        predicted = settings.task.predicted(probability, settings.evaluation.threshold)
        if evaluation:
            keep(evaluation / prediction_name(index), predicted)
        known, pixel = finite(probability), judged_pixel(source, settings.evaluation.surface_tolerance.unit)
        yield measure(_identity(source), truth, predicted, loss_of(loss, truth, known), settings, pixel, known)


def _identity(record: Record) -> dict[str, str]:
    return {
        **{"id": record.id, "group": record.group, "source": record.source},
        **{"label": record.label, "site": record.site},
    }


def _listed(cases: Sequence[Case], champion: Sequence[Case] | None) -> Iterator[Case]:
    """The cases, each with its predicted mask and, where there is a champion, that one's values."""
    for index, case in enumerate(cases):
        classes = _beside(case, champion[index]) if champion else case.classes
        yield replace(case, classes=classes, prediction=prediction_name(index))


def _beside(case: Case, champion: Case) -> dict[str, ClassScores]:
    return {name: replace(scores, champion=champion.classes[name].values) for name, scores in case.classes.items()}


def _bless(blessing: Artifact, model: Artifact, blessed: bool) -> None:
    """The stock Pusher reads the property, the file is the stock Evaluator's mark."""
    (Path(blessing.uri) / ("BLESSED" if blessed else "NOT_BLESSED")).touch()
    blessing.set_int_custom_property("blessed", int(blessed))
    blessing.set_string_custom_property("current_model", model.uri)
    blessing.set_int_custom_property("current_model_id", model.id)
