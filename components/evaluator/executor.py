"""Artifact I/O of Evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import Artifact, artifact_utils
from tfx.utils import path_utils

from components.artifacts import ASKED_FILE, CASES_FILE, MADE_ANEW, METRICS_FILE, Asked, Metrics, read_artifact
from components.bulk_inferrer.answered import Answered, Kept
from components.evaluator.answers import finite, keep, loss_of, prediction_name
from components.evaluator.core import measure, metrics
from components.evaluator.decisions import cases_digest, count_decision
from components.evaluator.per_case import Case, ClassScores, write_cases
from components.evaluator.settings import EvaluatorSettings
from components.files import write_json
from components.inference.operating_point import OperatingPoint
from components.inference.stored import stored_point
from components.records.record import Record
from components.records.sources import judged_pixel
from components.records.splits import TEST
from components.records.tfexample import parse_header, read_split
from components.state import broken_named
from components.trainer.choices import loss_named
from components.weights import model_sha256


class Executor(BaseExecutor):
    """Measures what was answered to a split, by the candidate and, where there is one, by the champion."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = EvaluatorSettings.model_validate_json(exec_properties["settings"])
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        inference = Path(artifact_utils.get_single_uri(input_dict["inference"]))
        [model] = input_dict.get("model") or [None]
        point = settings.point or stored_point(Path(path_utils.serving_model_path(model.uri)), MADE_ANEW)
        evaluation = Path(artifact_utils.get_single_uri(output_dict["evaluation"]))
        answers = Kept(examples, inference, settings.split, settings.task, settings.derivation)
        cases = list(_evaluate(answers.by(point), point, settings, evaluation))
        asked, served = _served_cases(input_dict, answers, settings)
        changed = {
            name: list(_evaluate(replace(answers, under=name).by(point), point, settings))
            for name in settings.robustness.asked
        }
        decisions = _decisions(exec_properties, settings, model, examples) if settings.decides else None
        faults = _faults(input_dict)
        told = settings.model_copy(update={"point": point})
        result = metrics(cases, served, asked["version"], told, asked["obstacle"], faults, decisions, changed)
        write_json(evaluation / METRICS_FILE, result)
        write_cases(evaluation / CASES_FILE, _listed(cases, served))
        for name, found in changed.items():
            write_cases(evaluation / f"per_case_{name}.csv", found)
        if settings.decides:
            _bless(artifact_utils.get_single_instance(output_dict["blessing"]), model, result["blessed"])


def _decisions(properties: dict[str, Any], settings: EvaluatorSettings, model: Artifact, examples: str) -> int | None:
    """How often the test cases have decided, this time included; None where nothing is kept of it."""
    serving = properties.get("serving_dir")
    if not serving:
        return None
    cases = cases_digest(map(parse_header, read_split(examples, TEST)))
    digest = model_sha256(Path(path_utils.serving_model_path(model.uri)))
    return count_decision(Path(serving), cases, digest, settings.by_which_it_decides)


def _faults(inputs: dict[str, list[Artifact]]) -> list[str]:
    """Of the folds that the model is made of; none where there are none."""
    given = inputs.get("out_of_fold") or []
    return [reason for folds in given for reason in read_artifact(Path(folds.uri) / METRICS_FILE, Metrics)["reasons"]]


def _served_cases(
    inputs: dict[str, list[Artifact]], answers: Kept, settings: EvaluatorSettings
) -> tuple[Asked, list[Case] | None]:
    """Whether there is a champion, and the same cases by its answers and its own operating point; None: none."""
    [given] = inputs.get("champion_inference") or [None]
    if given is None:
        return Asked(version=None, obstacle=None, operating_point=None), None
    asked = read_artifact(Path(given.uri) / ASKED_FILE, Asked)
    if asked["operating_point"] is None:
        return asked, None
    with broken_named(Path(given.uri) / ASKED_FILE, MADE_ANEW):
        point = OperatingPoint.model_validate(asked["operating_point"])
    # Mirrors and temperature are in what it answered.
    answered = replace(answers, inference=Path(given.uri)).by(OperatingPoint())
    return asked, list(_evaluate(answered, point, settings))


def _evaluate(
    answered: Iterable[Answered], point: OperatingPoint, settings: EvaluatorSettings, evaluation: Path | None = None
) -> Iterator[Case]:
    """Measures every image of the split; with `evaluation`, the predicted masks are kept there."""
    loss, unit = loss_named(settings.loss, settings.task), settings.evaluation.surface_tolerance.unit
    for index, each in enumerate(answered):
        predicted = point.mask(each.probability, settings.task, each.scale)
        if evaluation:
            keep(evaluation / prediction_name(index), predicted)
        known, pixel = finite(each.probability), judged_pixel(each.source, unit)
        found = loss_of(loss, each.truth, known)
        yield measure(_identity(each.source), each.truth, predicted, found, settings, pixel, known)


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
