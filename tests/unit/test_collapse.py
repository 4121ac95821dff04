"""A candidate that says the same of every pixel is named so, whatever its numbers are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluated import EMPTY, IDENTITY, case, settings

from components.artifacts import METRICS_FILE
from components.evaluator.collapse import collapse
from components.evaluator.core import measure, metrics
from components.evaluator.per_case import Case
from components.files import write_json
from components.measures.confusion import Confusion
from pipeline.graph.roles import Role
from pipeline.runs.conclusion import conclusion
from pipeline.runs.outcome import Output, complete
from pipeline.runs.record import RunRecord

MISSED, EVERYWHERE, FULL, FOUND = (Confusion(*n) for n in ((0, 0, 9, 91), (9, 91, 0, 0), (100, 0, 0, 0), (8, 2, 2, 88)))


def several(*predicted: int) -> list[Case]:
    """Cases in which one class of two, or background, is predicted in all of two pixels."""
    task = settings("lesion", "muscle")
    return [
        measure(IDENTITY, np.array([[0, 1]], np.uint8), np.full((1, 2), index, np.uint8), 0.1, task)
        for index in predicted
    ]


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        ([case(1, counts=EMPTY)] * 3, "it predicts background in every pixel of each of 3 cases"),
        ([case(0, counts=MISSED), case(1, counts=EMPTY)], "it predicts background in every pixel of each of 2 cases"),
        (
            [case(0.2, counts=EVERYWHERE), case(1, counts=FULL)],
            "it predicts foreground in every pixel of each of 2 cases",
        ),
        ([case(0, counts=MISSED), case(0.2, counts=EVERYWHERE)], None),
        ([case(0, counts=MISSED), case(0.8, counts=FOUND)], None),
        ([case(0.8, counts=FOUND)], None),
        ([], None),
        (several(2, 2), "it predicts muscle in every pixel of each of 2 cases"),
        (several(0, 0), "it predicts background in every pixel of each of 2 cases"),
        (several(1, 2), None),
    ],
)
def test_what_is_predicted_everywhere(cases: Sequence[Case], words: str | None) -> None:
    assert collapse(cases) == words


def recorded(cases: Sequence[Case], **evaluation: Any) -> tuple[dict[str, Any], list[str]]:
    found = metrics(cases, None, None, settings(**evaluation))
    record = RunRecord.model_validate({"id": "1", "recipe": "r", "status": "done", "metrics": {"test": found}})
    return found, conclusion(record)


def test_it_is_said_even_where_the_limits_let_it_pass() -> None:
    """Empty masks, of which nothing predicted is all that can be asked, have Dice 1."""
    found, lines = recorded([case(1.0, counts=EMPTY)] * 2, empty_masks="zero_if_predicted", min_dice=0.9)
    assert found["blessed"]
    assert "Collapsed: it predicts background in every pixel of each of 2 cases" in lines


def test_run_json_warns(tmp_path: Path) -> None:
    found, _ = recorded([case(0, counts=MISSED)])
    write_json(tmp_path / METRICS_FILE, found)
    record = RunRecord.begun(tmp_path, "r")
    complete(record, {Role.EVALUATION: Output(tmp_path, {})})
    assert record.as_json()["warnings"] == ["collapsed: it predicts background in every pixel of each of 1 cases"]


def test_nothing_is_said_of_one_that_tells_pixels_apart() -> None:
    found, lines = recorded([case(0.8, counts=FOUND)])
    assert found["collapsed"] is None
    assert not any("ollapsed" in line for line in lines)


def test_of_folds_it_is_said_too() -> None:
    pooled = metrics([case(1.0, counts=EMPTY)], None, None, settings(empty_masks="zero_if_predicted"))
    folds = {"table": [{}, {}], "pooled": pooled}
    record = RunRecord.model_validate({"id": "1", "recipe": "r", "status": "done", "folds": folds})
    assert conclusion(record)[1] == "Collapsed out of fold: it predicts background in every pixel of each of 1 cases"
