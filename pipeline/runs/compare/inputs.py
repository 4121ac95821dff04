"""What the compared runs have left behind; neither TensorFlow nor TFX is needed to read it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import ascii_uppercase
from typing import Any, NotRequired

from components.artifacts import (
    ACCOUNT_FILE,
    CASES_FILE,
    HISTORY_FILE,
    MADE_ANEW,
    METRICS_FILE,
    TRAINING_FILE,
    Account,
    Metrics,
    Trained,
    Training,
    read_artifact,
)
from components.errors import UsageError
from components.evaluator.per_case import Case, read_cases
from components.measures.all import MEASURES
from components.measures.measure import Measure
from components.reading import opened
from components.records.splits import TEST, fold_split
from components.run_report.charts.base import CYCLE
from components.run_report.core import parse_history
from components.state import broken_named
from components.task import Task
from pipeline.graph.roles import Role
from pipeline.runs.folders import artifact_folder, find_run
from pipeline.runs.record import RunRecord

MOST_RUNS = len(CYCLE)
"""There is a colour for each."""


class Measured(Metrics):
    """`metrics.json`, as far as it says by which rules was measured."""

    measures: dict[str, dict[str, Any]]
    classes: dict[str, dict[str, Any]]
    empty_masks: str
    surface_tolerance: str
    decisions: NotRequired[int | None]


@dataclass(frozen=True)
class Evaluation:
    """Cases, and how they were measured."""

    folder: Path
    metrics: Measured
    cases: list[Case]

    @property
    def task(self) -> Task:
        return Task(classes=list(self.metrics["classes"]))

    @property
    def splits(self) -> list[str]:
        """That the cases stand in."""
        return sorted({case.fold or TEST for case in self.cases})

    @property
    def measures(self) -> dict[str, Measure]:
        """By name, with the ranges that values can have."""
        told = self.metrics["measures"].items()
        # What is registered knows more than its file says; of it, as of a loss, the rest is in the file.
        return {
            name: replace(MEASURES[name], title=described["title"], unit=described["unit"])
            if name in MEASURES
            else Measure(name=name, **described)
            for name, described in told
        }


@dataclass(frozen=True)
class Learning:
    """The log of a training, by column one value for each epoch that was validated, and the epoch that was kept."""

    history: Mapping[str, Sequence[float]]
    best_epoch: int

    @property
    def epochs(self) -> list[int]:
        """Their numbers, from 1."""
        return [int(number) + 1 for number in self.history["epoch"]]


@dataclass(frozen=True)
class ComparedRun:
    """A run with an evaluation."""

    letter: str
    """By which tables and pictures call it."""
    name: str
    """Its output folder and its id."""
    record: RunRecord
    examples: Path
    data_fingerprint: str
    training: Mapping[str, Any]
    learning: list[Learning]
    """Of each fold, where there are any."""
    test: Evaluation
    out_of_fold: Evaluation | None

    @property
    def loss(self) -> str:
        """That was trained."""
        return next((name for name, measure in self.test.measures.items() if measure.family == "training"), "")

    @property
    def code_version(self) -> str | None:
        """Of what has trained the model; None where it was not pushed, or what was pushed is gone."""
        if self.record.pushed is None:
            return None
        path = Path(self.record.pushed.path) / "assets.extra" / TRAINING_FILE
        return read_artifact(path, Trained)["config"].get("code_version") if path.is_file() else None


def read_runs(names: Sequence[str]) -> list[ComparedRun]:
    """The runs as `find_run` takes them, in their order.

    Raises:
        UsageError: there are fewer than two or too many, one is given twice or cannot be found, it has no evaluation,
            or what it has left is damaged or gone.
    """
    if not 2 <= len(names) <= MOST_RUNS:
        raise UsageError(f"found {len(names)} runs, expected 2 to {MOST_RUNS}: maskline compare RUN RUN")
    records = [find_run(name) for name in names]
    folders = [Path(record.folder or "").resolve() for record in records]
    for name, folder in zip(names, folders, strict=True):
        if folders.count(folder) > 1:
            raise UsageError(f"{name}: is the run {folder.name}, which is given twice. Give another")
    return [_read(letter, record) for letter, record in zip(ascii_uppercase, records, strict=False)]


def _read(letter: str, record: RunRecord) -> ComparedRun:
    _refuse_unevaluated(record)
    folder, examples = Path(record.folder or "").resolve(), artifact_folder(record, Role.EXAMPLES)
    trained = read_artifact(artifact_folder(record, Role.TRAINING) / TRAINING_FILE, Training)
    return ComparedRun(
        letter=letter,
        name=f"{folder.parent.parent.name} {record.id}",
        record=record,
        examples=examples,
        data_fingerprint=read_artifact(examples / ACCOUNT_FILE, Account)["data_fingerprint"],
        training=trained,
        learning=_learning(artifact_folder(record, Role.TRAINING), trained),
        test=_evaluation(artifact_folder(record, Role.EVALUATION)),
        out_of_fold=_evaluation(artifact_folder(record, Role.OUT_OF_FOLD)) if record.folds else None,
    )


def _refuse_unevaluated(record: RunRecord) -> None:
    if record.artifacts and record.scores:
        return
    if record.scores:
        raise UsageError(
            f"{record.folder}: run.json does not say where its results lie: an earlier version wrote it. Give the "
            "command of that run again, which reuses what it has made, and compare that run"
        )
    reasons = "; ".join(record.reasons or ["it did not come that far"])
    raise UsageError(
        f"{record.folder}: has no evaluation, so there is nothing to compare. Its status is {record.status!r}: "
        f"{reasons}. `maskline runs` lists others"
    )


def _evaluation(folder: Path) -> Evaluation:
    metrics, path = read_artifact(folder / METRICS_FILE, Measured), folder / CASES_FILE
    with broken_named(path, MADE_ANEW):
        return Evaluation(folder, metrics, read_cases(path))


def _learning(folder: Path, training: Mapping[str, Any]) -> list[Learning]:
    folds = training.get("folds")
    if folds is None:
        return [Learning(_history(folder), training["best_epoch"])]
    return [Learning(_history(folder / fold_split(fold["fold"])), fold["best_epoch"]) for fold in folds]


def _history(folder: Path) -> dict[str, list[float]]:
    path = folder / HISTORY_FILE
    with broken_named(path, MADE_ANEW), opened(path) as file:
        return parse_history(csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")))
