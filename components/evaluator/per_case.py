"""`per_case.csv`: the measures of each test record; one type, one writer, one reader."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Case:
    """The measures of one test record, NaN where one is undefined."""

    id: str
    group: str
    source: str
    label: str
    tp: int
    """Pixels; foreground is the positive class."""
    fp: int
    fn: int
    tn: int
    dice: float
    iou: float
    loss: float
    champion_dice: float = math.nan
    """Of the served model on the same record, where there is one and it can be compared."""
    prediction: str = ""
    """Path of the predicted mask relative to the evaluation."""

    @property
    def truth_pixels(self) -> int:
        return self.tp + self.fn

    @property
    def predicted_pixels(self) -> int:
        return self.tp + self.fp

    @property
    def is_false_alarm(self) -> bool:
        """Whether something was predicted where there is nothing."""
        return self.truth_pixels == 0 and self.predicted_pixels > 0


def write_cases(path: Path, cases: Iterable[Case]) -> None:
    """Writes a row per case below the names of the columns; nothing where there is no case."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer: csv.DictWriter[str] | None = None
        for case in cases:
            row = _row(case)
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)


def read_cases(path: Path) -> list[Case]:
    """The cases of the file, in its order."""
    with path.open(newline="", encoding="utf-8") as file:
        return [_case(row) for row in csv.DictReader(file)]


def _row(case: Case) -> dict[str, Any]:
    return {
        "id": case.id,
        "group": case.group,
        "source": case.source,
        "label": case.label,
        "truth_pixels": case.truth_pixels,
        "predicted_pixels": case.predicted_pixels,
        "tp": case.tp,
        "fp": case.fp,
        "fn": case.fn,
        "tn": case.tn,
        "dice": _cell(case.dice),
        "iou": _cell(case.iou),
        "loss": _cell(case.loss),
        "champion_dice": _cell(case.champion_dice),
        "prediction": case.prediction,
    }


def _case(row: Mapping[str, str]) -> Case:
    return Case(
        id=row["id"],
        group=row["group"],
        source=row["source"],
        label=row["label"],
        tp=int(row["tp"]),
        fp=int(row["fp"]),
        fn=int(row["fn"]),
        tn=int(row["tn"]),
        dice=_number(row["dice"]),
        iou=_number(row["iou"]),
        loss=_number(row["loss"]),
        champion_dice=_number(row["champion_dice"]),
        prediction=row["prediction"],
    )


def _cell(value: float) -> float | str:
    return "" if math.isnan(value) else value


def _number(cell: str) -> float:
    return float(cell) if cell else math.nan
