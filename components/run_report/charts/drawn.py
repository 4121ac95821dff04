"""The charts of a run, by what they show."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from components.measures.measure import Measure
from components.run_report.cases import worst_first
from components.run_report.charts import cases, training
from components.run_report.charts.base import colours_of
from components.run_report.core import Folds, Run
from components.run_report.formats import heading


def curves(run: Run) -> dict[str, bytes]:
    """By what they show: each number of the training log that is there for both splits, and the learning rate."""
    if run.folds:
        return _fold_curves(run, run.folds)
    history, best = run.history, run.training["best_epoch"]
    kept = run.training.get("kept", f"epoch {best}")
    curves, epochs = {}, _epochs(history)
    for name, title in _validated(run, history):
        drawn = training.learning_curve(title, epochs, history[name], history[f"val_{name}"], best, kept)
        curves[f"Training and validation {title} by epoch"] = drawn
    return {**curves, "Learning rate by epoch": training.learning_rate_curve(epochs, history["learning_rate"])}


def _fold_curves(run: Run, folds: Folds) -> dict[str, bytes]:
    """Each number of the training logs that is there for both splits, of all folds in one chart."""
    histories = folds.histories
    best = {row["fold"]: row["best_epoch"] for row in folds.metrics["folds"]}
    epochs = {fold: _epochs(history) for fold, history in histories.items()}
    return {
        f"Validation {title} by epoch, of each fold": training.fold_curves(
            title, epochs, {fold: history[f"val_{name}"] for fold, history in histories.items()}, best
        )
        for name, title in _validated(run, next(iter(histories.values())))
    }


def _epochs(history: Mapping[str, Sequence[float]]) -> list[int]:
    """The numbers of the epochs in a training log, from 1: those that were validated."""
    return [int(number) + 1 for number in history["epoch"]]


def _validated(run: Run, history: Mapping[str, Sequence[float]]) -> list[tuple[str, str]]:
    """The numbers of a training log that are there for both splits, and their titles; the loss first."""
    titles = {measure.name: measure.title for measure in run.measures}
    shown = sorted((name for name in history if f"val_{name}" in history), key=lambda name: (name != "loss", name))
    return [(name, titles.get(name, name)) for name in shown]


def strips(run: Run) -> list[tuple[Measure, bytes]]:
    """A chart for each measure that is told of cases and defined anywhere."""
    drawn = []
    for measure in run.told:
        values = [(case.value(measure.name), case.champion(measure.name)) for case in worst_first(run.cases, measure)]
        scored = [pair for pair in values if not math.isnan(pair[0])]
        if scored:
            drawn.append((measure, cases.case_strip(heading(measure), *zip(*scored, strict=True))))
    return drawn


def sizes(run: Run) -> bytes | None:
    """The first measure of each class in each case by the extent of its truth."""
    first = run.measures[0]
    scores = {name: [case.classes[name] for case in run.cases] for name in run.task.classes}
    points = {name: [(each.extent, each.values[first.name]) for each in found] for name, found in scores.items()}
    defined = {name: [each for each in found if each[0] and not math.isnan(each[1])] for name, found in points.items()}
    return cases.size_scatter(heading(first), defined, colours_of(run.task))
