"""A measure that is in its own file and in the registry is everywhere."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import IDENTITY, limit, settings

from components.evaluator.core import measure, metrics
from components.evaluator.per_case import Case, read_cases, write_cases
from components.evaluator.settings import Evaluation, EvaluatorSettings, Limit
from components.measures.all import MEASURES
from components.measures.confusion import Confusion, counts
from components.measures.measure import ClassMeasure
from components.run_report.core import Push, Run, judge
from components.run_report.page import render
from components.task import Task


def missed(counts: Confusion) -> float:
    return float(counts.fn)


MISSED = ClassMeasure(name="missed", title="missed pixels", unit="px", higher_is_better=False, fact=counts, of=missed)


TRUTH, PREDICTED = np.array([[1, 1, 1, 0]], np.uint8), np.array([[1, 0, 0, 0]], np.uint8)


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """In the registry, and in the settings, which have read it already."""
    sections = (Limit, Evaluation, EvaluatorSettings)
    with monkeypatch.context() as patch:
        patch.setitem(MEASURES, "missed", MISSED)
        for section in sections:
            section.model_rebuild(force=True)
        yield
    for section in sections:
        section.model_rebuild(force=True)


@pytest.fixture
def case() -> Case:
    return measure(IDENTITY, TRUTH, PREDICTED, 0.25, settings())


def test_in_the_rows_of_the_cases(case: Case, tmp_path: Path) -> None:
    write_cases(tmp_path / "cases.csv", [case])
    [row] = csv.DictReader((tmp_path / "cases.csv").read_text().splitlines())
    assert (row["missed"], row["champion_missed"]) == ("2.0", "")
    assert read_cases(tmp_path / "cases.csv")[0].value("missed") == 2


def test_in_the_metrics(case: Case) -> None:
    result = metrics([case], [case], "17", settings())
    assert result["measures"]["missed"] == MISSED.described()
    for found in (result, result["classes"]["foreground"], result["champion"]):
        assert (found["missed"]["mean"], found["missed"]["n"]) == (2, 1)
    assert result["change"]["missed"]["mean"] == 0


def test_as_a_limit(case: Case) -> None:
    refused = settings(limits=[limit(measure="missed", at_most=1.5)])
    assert metrics([case], None, None, refused)["reasons"] == ["mean missed pixels 2.0000 px is above at_most 1.5"]
    blessed = settings(limits=[limit(measure="missed", at_most=2.0)])
    assert metrics([case], None, None, blessed)["blessed"]


def page(result: dict[str, Any]) -> str:
    case = measure(IDENTITY, TRUTH, PREDICTED, 0.25, settings())
    return render(
        Run(
            **{"recipe": "tiny", "notice": "", "config": {}, "task": Task(), "metrics": result, "cases": [case]},
            verdict=judge(False, result["reasons"], True, [], Push(False)),
            training={
                **{"best_epoch": 1, "epochs_run": 1, "stopped_early": False, "parameters": 1, "seconds": 1.0},
                **{"devices": [], "start": "cold", "warnings": [], "train": {"dice": 1.0}, "eval": {"dice": 1.0}},
            },
            history={"epoch": [0.0], "loss": [1.0], "val_loss": [1.0], "learning_rate": [0.1]},
            split_report={
                "records": [],
                "sources": 1,
                "rejects": [],
                "left_out": [],
                "splits": {},
                "notes": [],
                "collapsed": None,
                "drift": None,
            },
            checks=[],
        ),
        [],
        [],
        "now",
    )


def test_in_the_report(case: Case) -> None:
    html = page(metrics([case], None, None, settings(limits=[limit(measure="missed", at_most=1.5)])))
    assert html.count("Missed pixels (px)") >= 4  # table, limits, strip, cases
    assert "mean missed pixels 2.0000 px is above at_most 1.5" in html


def test_measures_stand_by_what_they_judge_by_and_the_appendix_is_folded(case: Case) -> None:
    html = page(metrics([case], None, None, settings()))
    table, _, appendix = html.partition("Appendix: ruled by background")
    order = ["Overlap", "Surface", "Lesions", "Calibration and confidence", "As trained"]
    places = [table.index(f">{family}</th>") for family in order]
    assert places == sorted(places)
    assert "Specificity" not in table
    accuracy = appendix[appendix.index("Accuracy") :]
    assert "predicting nothing scores 0.250" in accuracy[: accuracy.index("Specificity")]
    assert "Hausdorff distance, 95 % (px): the class is not both true and predicted" in appendix
