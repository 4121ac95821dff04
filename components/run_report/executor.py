"""Artifact I/O of RunReport."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import Artifact, artifact_utils

from components.artifacts import (
    CASES_FILE,
    CHECKS_FILE,
    HISTORY_FILE,
    METRICS_FILE,
    REPORT_FILE,
    TRAINING_FILE,
    Checks,
    FoldMetrics,
    Metrics,
    Training,
    read_artifact,
)
from components.evaluator.per_case import Case, read_cases
from components.files import write_text
from components.imaging.files.codecs import encode_png, read_image
from components.records.record import Record
from components.records.sources import read_sources
from components.records.splits import TEST, fold_split
from components.run_report.core import Folds, Push, Run, judge, parse_history, select_cases
from components.run_report.overlays import overlay_of, picture
from components.run_report.page import Illustration, render
from components.run_report.settings import ReportSettings
from components.serving_dir import SPLIT_REPORT_FILE
from components.serving_papers import RunSplitReport
from components.task import Task


class Executor(BaseExecutor):
    """Gathers what the nodes have left behind and writes `report.html`."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        inputs = {name: artifact_utils.get_single_instance(given) for name, given in input_dict.items() if given}
        run = _run(inputs, ReportSettings.model_validate_json(exec_properties["settings"]))
        illustrations = _illustrations(run, inputs["examples"].uri, Path(inputs["evaluation"].uri))
        written = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        report = Path(artifact_utils.get_single_uri(output_dict["report"])) / REPORT_FILE
        write_text(report, render(run, illustrations, written))


def _run(inputs: dict[str, Artifact], settings: ReportSettings) -> Run:
    folds = _folds(inputs)
    model_run, evaluation = Path(inputs["model_run"].uri), Path(inputs["evaluation"].uri)
    metrics = read_artifact(evaluation / METRICS_FILE, Metrics)
    training = read_artifact(model_run / TRAINING_FILE, Training)
    checks = read_artifact(Path(inputs["infra_blessing"].uri) / CHECKS_FILE, Checks)["checks"]
    return Run(
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
        split_report=read_artifact(Path(inputs["split_report"].uri) / SPLIT_REPORT_FILE, RunSplitReport),
        checks=checks,
        strips=[
            (f"{strip['title']}: {strip['id']}", (model_run / strip["file"]).read_bytes())
            for strip in training.get("strips", [])
        ],
        folds=folds,
    )


def _folds(inputs: dict[str, Artifact]) -> Folds | None:
    if "out_of_fold" not in inputs:
        return None
    metrics = read_artifact(Path(inputs["out_of_fold"].uri) / METRICS_FILE, FoldMetrics)
    model_run = Path(inputs["model_run"].uri)
    numbers = [row["fold"] for row in metrics["folds"]]
    histories = {number: parse_history(_rows(model_run / fold_split(number) / HISTORY_FILE)) for number in numbers}
    return Folds(metrics, histories)


def _illustrations(run: Run, examples: str, evaluation: Path) -> list[Illustration]:
    chosen = select_cases(run.cases, run.measures[0])
    wanted = {case.id for _, case in chosen}
    records = {record.id: record for record in read_sources(examples, TEST) if record.id in wanted}
    return [_illustration(title, case, records[case.id], evaluation, run.task) for title, case in chosen]


def _illustration(title: str, case: Case, record: Record, evaluation: Path, task: Task) -> Illustration:
    outlined = overlay_of(record, read_image(evaluation / case.prediction), task)
    return Illustration(title, case, encode_png(picture(record.image)), encode_png(outlined))


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
