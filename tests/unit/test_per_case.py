"""`per_case.csv`, which Evaluator writes and RunReport and people read."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from components.evaluator.per_case import Case, ClassScores, read_cases, write_cases
from components.measures.confusion import Confusion

GOLDEN = Path(__file__).parents[1] / "golden" / "per_case.csv"
"""Of version 0.1.0, with a champion and films without a lesion; since then rows have a class, the loss has its name,
of the champion there is every measure, and there are columns for site and extent."""
NAN = math.nan
SCORES = ClassScores(
    Confusion(tp=3, fp=2, fn=1, tn=4),
    {"dice": 2 / 3, "iou": 0.5, "ce_dice": 0.25},
    {"dice": 0.125, "iou": 0.0625, "ce_dice": 0.5},
    extent=3,
)
CASE = Case("a", "g", "films, old/a.png", "benign", {"lesion": SCORES}, "north", "predictions/000000.png")


def test_the_file_is_what_it_was_byte_by_byte(tmp_path: Path) -> None:
    write_cases(tmp_path / "per_case.csv", read_cases(GOLDEN))
    assert (tmp_path / "per_case.csv").read_bytes() == GOLDEN.read_bytes()


def test_a_row_by_hand(tmp_path: Path) -> None:
    write_cases(tmp_path / "cases.csv", [CASE])
    header, row = (tmp_path / "cases.csv").read_text().splitlines()
    assert header == (
        "id,group,source,label,site,class,truth_pixels,predicted_pixels,extent,tp,fp,fn,tn,dice,iou,ce_dice,"
        "champion_dice,champion_iou,champion_ce_dice,prediction"
    )
    assert row == (
        'a,g,"films, old/a.png",benign,north,lesion,4,5,3,3,2,1,4,0.6666666666666666,0.5,0.25,'
        "0.125,0.0625,0.5,predictions/000000.png"
    )
    assert read_cases(tmp_path / "cases.csv") == [CASE]


def test_a_row_for_each_class_of_each_case(tmp_path: Path) -> None:
    muscle = replace(SCORES, counts=Confusion(1, 0, 0, 9), values={"dice": 1.0, "iou": 1.0, "ce_dice": 0.25})
    cases = [replace(CASE, id=id, classes={"lesion": SCORES, "muscle": muscle}) for id in "ab"]
    write_cases(tmp_path / "cases.csv", cases)
    rows = (tmp_path / "cases.csv").read_text().splitlines()[1:]
    assert [(row[0], name) for row, name in zip(rows, ["lesion", "muscle"] * 2, strict=True) if name in row] == [
        *(("a", "lesion"), ("a", "muscle"), ("b", "lesion"), ("b", "muscle")),
    ]
    assert read_cases(tmp_path / "cases.csv") == cases


def test_a_file_of_before_there_were_classes_is_read(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(
        "id,group,source,label,truth_pixels,predicted_pixels,tp,fp,fn,tn,dice,iou,loss,champion_dice,prediction\n"
        "a,g,a.png,benign,4,5,3,2,1,4,0.5,0.25,0.125,0.75,predictions/000000.png\n"
    )
    [case] = read_cases(tmp_path / "cases.csv")
    assert list(case.classes) == ["foreground"]
    assert [case.value(name) for name in ("dice", "iou", "loss")] == [0.5, 0.25, 0.125]
    assert (case.champion("dice"), case.truth_pixels, case.prediction) == (0.75, 4, "predictions/000000.png")


def test_what_is_undefined_is_an_empty_cell(tmp_path: Path) -> None:
    undefined = replace(SCORES, values={"dice": NAN, "iou": NAN, "ce_dice": 0.25}, champion={})
    write_cases(tmp_path / "cases.csv", [replace(CASE, classes={"lesion": undefined})])
    assert ",4,,,0.25,,,," in (tmp_path / "cases.csv").read_text()
    [case] = read_cases(tmp_path / "cases.csv")
    assert all(map(math.isnan, (case.value("dice"), case.value("iou"), case.champion("dice"))))


def test_a_case_has_the_mean_of_the_classes_in_which_a_measure_is_defined() -> None:
    dice = {"a": 0.5, "b": 1.0, "c": NAN}
    case = replace(CASE, classes={name: replace(SCORES, values={"dice": value}) for name, value in dice.items()})
    assert case.value("dice") == 0.75


def test_no_case_no_row(tmp_path: Path) -> None:
    write_cases(tmp_path / "cases.csv", [])
    assert (tmp_path / "cases.csv").read_bytes() == b""
    assert read_cases(tmp_path / "cases.csv") == []


@pytest.mark.parametrize(
    ("fp", "fn", "alarm"),
    [(5, 0, True), (0, 0, False), (5, 1, False)],
)
def test_a_false_alarm_is_where_there_is_nothing(fp: int, fn: int, alarm: bool) -> None:
    nothing = replace(SCORES, counts=Confusion(0, 0, 0, 10))
    case = replace(CASE, classes={"lesion": replace(SCORES, counts=Confusion(0, fp, fn, 4)), "muscle": nothing})
    assert case.is_false_alarm is alarm


def test_a_row_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "per_case.csv"
    write_cases(path, [Case("a", "g", "a.png", "", {"foreground": ClassScores(Confusion(1, 2, 3, 4), {"dice": 0.5})})])
    path.write_text(path.read_text().rstrip("\r\n").rpartition(",")[0])
    with pytest.raises(ValueError, match="cut short"):
        read_cases(path)
