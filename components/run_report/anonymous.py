"""A run without the names of patients and files, for those who must not know them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from components.evaluator.per_case import Case
from components.run_report.core import Folds, Run, Verdict
from components.run_report.doubtful import Doubtful
from components.run_report.illustrations import DoubtfulIllustration, Illustration
from components.run_report.lineage import CODE, CONFIG, ENVIRONMENT, MODEL, Paper
from components.seen.hiding import Hiding
from components.seen.names import Names
from components.serving_dir import SPLIT_REPORT_FILE

_TABLES = ("records", "rejects", "left_out", "notes")
_SUMMARIES = ("data_fingerprint", "sources", "splits", "drift")
"""Keys of a split report that the report reads."""
_NAMELESS = (MODEL, CODE, ENVIRONMENT)
"""Papers without names. The hash of another would tell who guesses the names in it whether they are right."""


@dataclass(frozen=True)
class Shown:
    """A run and its pictures."""

    run: Run
    illustrations: list[Illustration]
    doubted: list[DoubtfulIllustration]


def anonymous(shown: Shown, hiding: Hiding) -> Shown:
    """The same with ids; pixels stay as they are."""
    return Shown(
        _run(shown.run, hiding),
        [replace(each, case=_case(each.case, hiding)) for each in shown.illustrations],
        [replace(each, doubtful=_doubtful(each.doubtful, hiding)) for each in shown.doubted],
    )


def hiding_of(run: Run, names: Names) -> Hiding:
    """Of all names that a run knows."""
    report = run.split_report
    rows: list[Mapping[str, Any]] = [*report["records"], *(vars(each) for each in (*run.cases, *run.doubtful))]
    without = [*report["rejects"], *report.get("left_out", ())]
    slices = [*run.metrics.get("slices", ()), *(limit["slice"] or "" for limit in run.metrics["limits"])]
    return Hiding.of(
        names,
        (row[key] for row in rows for key in ("id", "group")),
        (row["source"] for row in (*rows, *without)),
        slices,
    )


def _case(case: Case, hiding: Hiding) -> Case:
    """The picture of its prediction stays at home."""
    return replace(case, **hiding.identity(case), prediction="")


def _doubtful(found: Doubtful, hiding: Hiding) -> Doubtful:
    return replace(found, **hiding.identity(found))


def _run(run: Run, hiding: Hiding) -> Run:
    config, report = hiding.config(run.config), _split_report(run.split_report, hiding)
    papers = {name: _paper(name, paper, config, report, hiding) for name, paper in run.papers.items()}
    return replace(
        run,
        recipe=hiding.text(run.recipe),
        notice=hiding.text(run.notice),
        config=config,
        verdict=Verdict(run.verdict.outcome, hiding.text(run.verdict.headline), hiding.whole(run.verdict.reasons)),
        metrics=hiding.whole(run.metrics),
        cases=sorted((_case(case, hiding) for case in run.cases), key=lambda case: case.id),
        training=hiding.whole(run.training),
        split_report=report,
        checks=hiding.whole(run.checks),
        strips=[(_strip(title, hiding), png) for title, png in run.strips],
        folds=run.folds and Folds(hiding.whole(run.folds.metrics), run.folds.histories),
        doubtful=sorted((_doubtful(each, hiding) for each in run.doubtful), key=lambda each: each.rank),
        papers=papers,
    )


def _paper(name: str, paper: Paper, config: Any, report: Any, hiding: Hiding) -> Paper:
    if name in _NAMELESS:
        return paper
    known = {CONFIG: config, SPLIT_REPORT_FILE: report}
    content = known[name] if name in known else hiding.whole(paper.content)
    return replace(paper, content=content, sha256=hiding.names(paper.sha256))


def _split_report(report: Mapping[str, Any], hiding: Hiding) -> dict[str, Any]:
    tables = {key: [*map(hiding.row, report[key])] for key in _TABLES if key in report}
    return {**hiding.whole({key: report[key] for key in _SUMMARIES if key in report}), **tables}


def _strip(title: str, hiding: Hiding) -> str:
    what, _, id = title.partition(": ")
    return f"{what}: {hiding.names(id)}"
