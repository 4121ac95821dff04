"""The comparison as HTML, in the look of the run report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import ChoiceLoader, PackageLoader

from components.evaluator.per_case import Case
from components.measures.measure import Measure
from components.run_report.charts.base import CYCLE
from components.run_report.charts.training import run_curves
from components.run_report.environment import ENVIRONMENT
from components.visible import visible
from pipeline.runs.compare.inputs import ComparedRun


@dataclass(frozen=True)
class Illustration:
    """A case by all runs, with PNG files."""

    title: str
    cases: Sequence[Case]
    """As each run has it."""
    image: bytes
    outlined: Sequence[bytes]
    """With truth and the prediction of each run."""


def render(
    runs: Sequence[ComparedRun], told: Mapping[str, Any], illustrations: Sequence[Illustration], time: str
) -> str:
    """One HTML file without outside references, of what `comparison.json` says. `time` is for its foot."""
    return _ENVIRONMENT.get_template("comparison.html.j2").render(
        runs=runs,
        told=told,
        measures={name: Measure(name=name, **found) for name, found in told["test"]["measures"].items()},
        task=runs[0].test.task,
        colours=CYCLE,
        curves=_curves(runs),
        illustrations=illustrations,
        differences={
            title: {key: list(map(written, values)) for key, values in told[part].items()}
            for title, part in (("Config", "config"), ("Recorded beside it", "recorded"))
        },
        time=time,
    )


def _curves(runs: Sequence[ComparedRun]) -> dict[str, bytes]:
    """By what they show: each number of the training logs that all runs have of validation, the loss first."""
    logs = [learning.history for run in runs for learning in run.learning]
    shown = sorted(
        (name for name in logs[0] if all(f"val_{name}" in log for log in logs)), key=lambda name: name != "loss"
    )
    titles = {name: measure.title for name, measure in runs[0].test.measures.items()}
    return {
        f"Validation {titles.get(name, name)} by epoch": run_curves(
            titles.get(name, name),
            {
                # Two dollars would make it a formula.
                visible(f"{run.letter}: {run.name}").replace("$", r"\$"): [
                    (learning.epochs, learning.history[f"val_{name}"], learning.best_epoch) for learning in run.learning
                ]
                for run in runs
            },
        )
        for name in shown
        if name != "loss" or len({run.loss for run in runs}) == 1
    }


def written(value: Any) -> str:
    """A value of a config or a record; nothing is a dash."""
    return (
        "–" if value is None else value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    )


_ENVIRONMENT = ENVIRONMENT.overlay(
    loader=ChoiceLoader([PackageLoader("pipeline.runs.compare"), PackageLoader("components.run_report")])
)
