"""The report as HTML."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from components.evaluator.per_case import Case
from components.measures.measure import Measure
from components.run_report import figures
from components.run_report.core import Folds, Run, groups_by_split, shared_across_splits, worst_first
from components.visible import visible_lines

MAX_ROWS = 200


@dataclass(frozen=True)
class Illustration:
    """A case with its pictures, PNG bytes."""

    title: str
    case: Case
    image: bytes
    overlay: bytes


def render(run: Run, illustrations: Sequence[Illustration], written: str) -> str:
    """One HTML file without outside references. `written` is the time, for the foot of the page."""
    records = run.split_report["records"]
    cases = worst_first(run.cases, run.measures[0])
    return ENVIRONMENT.get_template("report.html.j2").render(
        run=run,
        measures={measure.name: measure for measure in run.measures},
        illustrations=illustrations,
        written=written,
        strips=_strips(run),
        risks=figures.risk_coverage_curves(run.metrics["risk_coverage"]),
        curves=_curves(run),
        cases=cases[:MAX_ROWS],
        left_out=max(0, len(cases) - MAX_ROWS),
        shared_groups=shared_across_splits(records, "group"),
        shared_images=shared_across_splits(records, "sha256"),
        groups=groups_by_split(records),
        config=json.dumps(run.config, indent=2, ensure_ascii=False),
    )


def _curves(run: Run) -> dict[str, bytes]:
    """By what they show: each number of the training log that is there for both splits, and the learning rate."""
    if run.folds:
        return _fold_curves(run, run.folds)
    history, best = run.history, run.training["best_epoch"]
    kept = run.training.get("kept", f"epoch {best}")
    curves, epochs = {}, _epochs(history)
    for name, title in _validated(run, history):
        drawn = figures.learning_curve(title, epochs, history[name], history[f"val_{name}"], best, kept)
        curves[f"Training and validation {title} by epoch"] = drawn
    return {**curves, "Learning rate by epoch": figures.learning_rate_curve(epochs, history["learning_rate"])}


def _fold_curves(run: Run, folds: Folds) -> dict[str, bytes]:
    """Each number of the training logs that is there for both splits, of all folds in one chart."""
    histories = folds.histories
    best = {row["fold"]: row["best_epoch"] for row in folds.metrics["folds"]}
    epochs = {fold: _epochs(history) for fold, history in histories.items()}
    return {
        f"Validation {title} by epoch, of each fold": figures.fold_curves(
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


def _strips(run: Run) -> list[tuple[Measure, bytes]]:
    """A chart for each measure that is told of cases and defined anywhere."""
    strips = []
    for measure in run.told:
        values = [(case.value(measure.name), case.champion(measure.name)) for case in worst_first(run.cases, measure)]
        scored = [pair for pair in values if not math.isnan(pair[0])]
        if scored:
            strips.append((measure, figures.case_strip(_heading(measure), *zip(*scored, strict=True))))
    return strips


def _heading(measure: Measure) -> str:
    title = measure.title[:1].upper() + measure.title[1:]
    return f"{title} ({measure.unit})" if measure.unit else title


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _bound(limit: Mapping[str, Any]) -> str:
    """What a limit asks for."""
    end = ", end of the interval" if limit.get("bound") == "lower" else ""
    if limit["change"]:
        return f"change, margin {limit['margin']:g}{end}"
    key, cases = "at_least" if limit["at_most"] is None else "at_most", limit["least_n"]
    return f"{key.replace('_', ' ')} {limit[key]:g}{end}" + (f", {cases} cases" if cases > 1 else "")


def _change(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _harmless(value: Any) -> Any:
    """What a name or a message holds that browsers would obey, or may not have in a page; what is markup is ours."""
    return visible_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


ENVIRONMENT = Environment(
    loader=PackageLoader("components.run_report"),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_harmless,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters.update(number=_number, change=_change, data_uri=_data_uri, heading=_heading, bound=_bound)
