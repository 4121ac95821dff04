"""A run, from the artifacts that its nodes have left."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path

from tfx.types import Artifact
from tfx.utils import path_utils

from components.artifacts import CASES_FILE, CHECKS_FILE, HISTORY_FILE, MADE_ANEW, METRICS_FILE, TRAINING_FILE
from components.bulk_inferrer.answered import Kept, inference_key
from components.evaluator.per_case import read_cases
from components.inference.stored import stored_point
from components.records.split_settings import MOST_FOLDS
from components.records.splits import TEST, VALIDATION, fold_split
from components.run_report.core import Folds, Push, Run, judge, parse_history
from components.run_report.doubtful import LookedAt, look_first
from components.run_report.failures import failures
from components.run_report.lineage import OUT_OF_FOLD, Paper
from components.run_report.papers import papers_of
from components.run_report.settings import ReportSettings
from components.run_report.web import compacted
from components.serving_dir import SPLIT_REPORT_FILE


def gathered(inputs: Mapping[str, Artifact], settings: ReportSettings) -> Run:
    """Reads all there is.

    Raises:
        UsageError: a file cannot be read, or has another shape.
    """
    papers = papers_of(inputs, settings)
    model_run, evaluation = Path(inputs["model_run"].uri), Path(inputs["evaluation"].uri)
    metrics, training = papers[METRICS_FILE].content, papers[TRAINING_FILE].content
    checks = papers[CHECKS_FILE].content["checks"]
    folds = _folds(papers.get(OUT_OF_FOLD), model_run)
    run = Run(
        recipe=settings.recipe,
        notice=settings.notice,
        config=settings.config,
        task=settings.task,
        verdict=judge(
            _flag(inputs["blessing"], "blessed"),
            metrics["reasons"],
            _flag(inputs["infra_blessing"], "blessed"),
            checks,
            _push(inputs["pushed_model"]),
        ),
        metrics=metrics,
        cases=read_cases(evaluation / CASES_FILE),
        training=training,
        history={} if folds else parse_history(_rows(model_run / HISTORY_FILE)),
        split_report=papers[SPLIT_REPORT_FILE].content,
        checks=checks,
        strips=[
            (f"{strip['title']}: {strip['id']}", compacted((model_run / strip["file"]).read_bytes()))
            for strip in training.get("strips", [])
        ],
        folds=folds,
        papers=papers,
    )
    return _with_failures(run)


def looked_at(inputs: Mapping[str, Artifact], settings: ReportSettings) -> LookedAt:
    """As `look_first`, of the answers to all images that who answered has not learnt from: where there are folds, those
    of the fold's own model, else validation; and test.

    Raises:
        UsageError: the model does not say how its answers become masks.
    """
    point = stored_point(Path(path_utils.serving_model_path(inputs["model"].uri)), MADE_ANEW)
    answered = ((kept.split, each) for kept in _kept(inputs, settings) for each in kept.by(point))
    return look_first(answered, point, settings.task)


def _kept(inputs: Mapping[str, Artifact], settings: ReportSettings) -> list[Kept]:
    own = inputs["inference"]
    folds = {
        fold_split(number): inputs[key]
        for number in range(1, MOST_FOLDS + 1)
        if (key := inference_key(number)) in inputs
    }
    of_splits = {**(folds or {VALIDATION: own}), TEST: own}
    return [
        Kept(inputs["examples"].uri, Path(artifact.uri), split, settings.task, settings.derivation)
        for split, artifact in of_splits.items()
    ]


def _with_failures(run: Run) -> Run:
    """The rows of the cases say as a paper what went wrong in them."""
    failed = [asdict(failure) for failure in failures(run.cases, run.task.classes, run.measures)]
    cases = replace(run.papers[CASES_FILE], content={"failures": failed})
    return replace(run, papers={**run.papers, CASES_FILE: cases})


def _folds(out_of_fold: Paper | None, model_run: Path) -> Folds | None:
    if out_of_fold is None:
        return None
    numbers = [row["fold"] for row in out_of_fold.content["folds"]]
    histories = {number: parse_history(_rows(model_run / fold_split(number) / HISTORY_FILE)) for number in numbers}
    return Folds(out_of_fold.content, histories)


def _push(pushed_model: Artifact) -> Push:
    return Push(
        _flag(pushed_model, "pushed"),
        version=pushed_model.get_string_custom_property("pushed_version"),
        destination=pushed_model.get_string_custom_property("pushed_destination"),
        reason=pushed_model.get_string_custom_property("reason"),
    )


def _flag(artifact: Artifact, name: str) -> bool:
    return artifact.get_int_custom_property(name) == 1


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
