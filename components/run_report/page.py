"""The report as HTML."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from components.evaluator.per_case import Case
from components.run_report import figures
from components.run_report.core import Run, groups_by_split, shared_across_splits, worst_first

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
    cases = worst_first(run.cases)
    return _ENVIRONMENT.get_template("report.html.j2").render(
        run=run,
        illustrations=illustrations,
        written=written,
        charts=_charts(run, cases),
        cases=cases[:MAX_ROWS],
        left_out=max(0, len(cases) - MAX_ROWS),
        shared_groups=shared_across_splits(records, "group"),
        shared_images=shared_across_splits(records, "sha256"),
        groups=groups_by_split(records),
        config=json.dumps(run.config, indent=2, ensure_ascii=False),
    )


def _charts(run: Run, cases: Sequence[Case]) -> dict[str, bytes]:
    history, best = run.history, run.training["best_epoch"]
    charts = {
        "loss": figures.learning_curve("Loss", history["loss"], history["val_loss"], best),
        "dice": figures.learning_curve("Dice", history["dice"], history["val_dice"], best),
        "learning_rate": figures.learning_rate_curve(history["learning_rate"]),
    }
    scored = [(case.dice, case.champion_dice) for case in cases if not math.isnan(case.dice)]
    if scored:
        charts["strip"] = figures.dice_strip(*zip(*scored, strict=True))
    return charts


def _number(value: float | None) -> str:
    return "–" if value is None or math.isnan(value) else f"{value:.3f}"


def _change(value: float | None) -> str:
    return "–" if value is None else f"{value:+.3f}"


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


_ENVIRONMENT = Environment(
    loader=PackageLoader("components.run_report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(number=_number, change=_change, data_uri=_data_uri)
