"""The report as HTML."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from components.run_report.card import card
from components.run_report.cases import confidence, worst_first
from components.run_report.charts.base import colours_of
from components.run_report.charts.confidence import reliability_diagram, risk_coverage_curves, threshold_curve
from components.run_report.charts.drawn import curves, sizes, strips
from components.run_report.core import Run, groups_by_split, shared_across_splits
from components.run_report.doubtful import MOST_LISTED
from components.run_report.environment import ENVIRONMENT
from components.run_report.failures import failures
from components.run_report.illustrations import DoubtfulIllustration, Illustration
from components.run_report.lineage import lineage
from components.run_report.sheet.topics import sheet_of

MAX_ROWS = 200


def render(
    run: Run, illustrations: Sequence[Illustration], doubted: Sequence[DoubtfulIllustration], written: str
) -> str:
    """One HTML file without outside references. `written` is the time, for the foot of the page."""
    records = run.split_report["records"]
    cases = worst_first(run.cases, run.measures[0])
    failed = failures(run.cases, run.task.classes, run.measures)
    return ENVIRONMENT.get_template("report.html.j2").render(
        run=run,
        measures={measure.name: measure for measure in run.measures},
        illustrations=illustrations,
        anchors={shown.case.id: f"case-{number}" for number, shown in enumerate(illustrations, 1)},
        doubted=doubted,
        doubtful=run.doubtful[:MOST_LISTED],
        confidence=confidence,
        written=written,
        strips=strips(run),
        curves=curves(run),
        charts=_charts(run),
        failed=failed,
        unmeasured=[case.id for case in cases if math.isnan(case.value(run.measures[0].name))],
        lineage=lineage(run.papers),
        card=card(run, failed),
        sheet=sheet_of(run),
        cases=cases[:MAX_ROWS],
        most_rows=MAX_ROWS,
        left_out=max(0, len(cases) - MAX_ROWS),
        shared_groups=shared_across_splits(records, "group"),
        shared_images=shared_across_splits(records, "sha256"),
        groups=groups_by_split(records),
        config=json.dumps(run.config, indent=2, ensure_ascii=False),
    )


def _charts(run: Run) -> dict[str, bytes | None]:
    """Those of which there is one at most."""
    colours = colours_of(run.task)
    return {
        "sizes": sizes(run),
        "risks": risk_coverage_curves(run.metrics["risk_coverage"], colours),
        "reliability": reliability_diagram(run.metrics.get("reliability", {}), colours),
        "thresholds": _thresholds(run.operating_point),
    }


def _thresholds(point: Mapping[str, Any] | None) -> bytes | None:
    if not point or not point["thresholds"]:
        return None
    return threshold_curve(point["thresholds"], point["operating_point"].get("threshold"))
