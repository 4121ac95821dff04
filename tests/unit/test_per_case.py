"""`per_case.csv`, which Evaluator writes and RunReport and people read."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from components.evaluator.per_case import Case, read_cases, write_cases

GOLDEN = Path(__file__).parents[1] / "golden" / "per_case.csv"
"""Of version 0.1.0, with a champion and films without a lesion."""
CASE = Case("a", "g", "a.png", "benign", tp=3, fp=2, fn=1, tn=4, dice=2 / 3, iou=0.5, loss=0.25)


def test_the_file_is_what_it_was_byte_by_byte(tmp_path: Path) -> None:
    write_cases(tmp_path / "per_case.csv", read_cases(GOLDEN))
    assert (tmp_path / "per_case.csv").read_bytes() == GOLDEN.read_bytes()


def test_a_row_by_hand(tmp_path: Path) -> None:
    case = replace(CASE, source="films, old/a.png", champion_dice=0.125, prediction="predictions/000000.png")
    write_cases(tmp_path / "cases.csv", [case])
    header, row = (tmp_path / "cases.csv").read_text().splitlines()
    assert header == (
        "id,group,source,label,truth_pixels,predicted_pixels,tp,fp,fn,tn,dice,iou,loss,champion_dice,prediction"
    )
    assert row == 'a,g,"films, old/a.png",benign,4,5,3,2,1,4,0.6666666666666666,0.5,0.25,0.125,predictions/000000.png'
    assert read_cases(tmp_path / "cases.csv") == [case]


def test_what_is_undefined_is_an_empty_cell(tmp_path: Path) -> None:
    write_cases(tmp_path / "cases.csv", [replace(CASE, dice=math.nan, iou=math.nan)])
    assert ",4,,,0.25,," in (tmp_path / "cases.csv").read_text()
    [case] = read_cases(tmp_path / "cases.csv")
    assert all(map(math.isnan, (case.dice, case.iou, case.champion_dice)))


def test_no_case_no_row(tmp_path: Path) -> None:
    write_cases(tmp_path / "cases.csv", [])
    assert (tmp_path / "cases.csv").read_bytes() == b""
    assert read_cases(tmp_path / "cases.csv") == []


@pytest.mark.parametrize(
    ("fp", "fn", "alarm"),
    [(5, 0, True), (0, 0, False), (5, 1, False)],
)
def test_a_false_alarm_is_where_there_is_nothing(fp: int, fn: int, alarm: bool) -> None:
    assert replace(CASE, tp=0, fp=fp, fn=fn).is_false_alarm is alarm
