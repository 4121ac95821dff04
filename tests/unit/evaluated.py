"""Evaluations made up for tests: settings, and cases of a given Dice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from components.evaluator.per_case import Case, ClassScores
from components.evaluator.settings import Evaluation, EvaluatorSettings, Limit
from components.inference.operating_point import OperatingPoint
from components.measures.confusion import Confusion
from components.records.settings import Derivation
from components.task import Task

IDENTITY = {"id": "a", "group": "g", "source": "clinic/a.png", "label": "benign"}
FULL, EMPTY, FALSE = Confusion(8, 2, 2, 88), Confusion(0, 0, 0, 100), Confusion(0, 5, 0, 95)


def settings(*classes: str, **evaluation: Any) -> EvaluatorSettings:
    """Of an evaluation of these classes, or of foreground alone."""
    return EvaluatorSettings(
        evaluation=Evaluation(**evaluation),
        task=Task(classes=list(classes)) if classes else Task(),
        derivation=Derivation(height=32, width=32),
        loss="ce_dice",
        point=OperatingPoint(),
    )


def limit(**keys: Any) -> Limit:
    """With `class_` for the key that is a keyword of Python."""
    return Limit.model_validate({key.rstrip("_"): value for key, value in keys.items()})


def case(dice: float, loss: float = 0.1, counts: Confusion = FULL, **identity: str) -> Case:
    """Of one class."""
    return classed({"foreground": dice}, loss, counts, **identity)


def classed(
    dice: Mapping[str, float], loss: float = 0.1, counts: Confusion = FULL, extent: int = 0, **identity: str
) -> Case:
    """A case with this Dice of each class, and the IoU that goes with it."""
    scores = {
        name: ClassScores(counts, {"dice": value, "iou": value / (2 - value), "ce_dice": loss}, extent=extent)
        for name, value in dice.items()
    }
    return Case(**(IDENTITY | identity), classes=scores)


def patients(dice: Iterable[float], **identity: str) -> list[Case]:
    """A case of one class and of a patient of its own for each Dice."""
    return [case(value, id=f"{index:03d}", group=f"p{index:03d}", **identity) for index, value in enumerate(dice)]
