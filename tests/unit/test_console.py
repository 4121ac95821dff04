"""The bar of a training: how fast it is and what is left, within 80 columns."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from pipeline.runs.console import RunConsole

STEP = {"epoch": 12, "epochs": 20, "step": 3, "steps": 9, "progress": 0.4, "images_per_second": 123.4}
STEP |= {"seconds_left": 5025.2, "val_dice": 0.8123}


def bar(node: str, progress: dict[str, Any] | None, width: int = 80) -> str:
    console = RunConsole(io.StringIO())
    console.started(node)
    if progress:
        console.training(progress)
    screen = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    screen.print(console._progress.get_renderable())
    return screen.file.getvalue().rstrip("\n")


@pytest.mark.parametrize(
    ("node", "changes", "shown"),
    [
        ("Trainer", {}, "Trainer epoch 12/20, validation Dice 0.812"),
        ("Trainer", {"epoch": 98765, "epochs": None}, "Trainer epoch 98765, validation Dice 0.812"),
        ("Trainer-fold-10", {"epoch": 120, "epochs": 400}, "Trainer-fold-10 epoch 120/400, validation Dice 0.812"),
    ],
)
def test_a_training_within_eighty_columns(node: str, changes: dict[str, Any], shown: str) -> None:
    line = bar(node, {**STEP, **changes})
    assert shown in line
    assert line.rstrip().endswith("123 images/s, 1:23:45 left")
    assert len(line) <= 80
    assert "\n" not in line


def test_what_is_not_known_yet_is_not_told() -> None:
    line = bar("Trainer", {**STEP, "images_per_second": None, "seconds_left": None})
    assert "images" not in line
    assert "left" not in line


def test_other_nodes_say_how_long_they_take() -> None:
    assert bar("Evaluator", None).rstrip().endswith("0:00:00")
