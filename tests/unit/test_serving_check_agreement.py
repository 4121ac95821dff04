"""Which differences between an answer and the mask that was judged are explained by rounding."""

from __future__ import annotations

import numpy as np
import pytest

from components.evaluator.per_case import Case, ClassScores
from components.inference.operating_point import OperatingPoint
from components.measures.confusion import Confusion
from components.serving_check.agreement import TOLERANCES, Compared, compared, sentence
from components.serving_check.cases import telling
from components.serving_check.cost import cost_of
from components.task import Task

NEAR = TOLERANCES["float32"].near
SQUARE = np.zeros((8, 8), np.uint8)
SQUARE[2:6, 2:6] = 1


def probability(inside: float = 0.9, outside: float = 0.1) -> np.ndarray:
    return np.where(SQUARE, inside, outside).astype(np.float32)[..., None]


def strays(found: np.ndarray, judged: np.ndarray, near: float = NEAR, task: Task = Task(), **point: object) -> int:  # noqa: B008
    return compared(found, judged, task, OperatingPoint.model_validate(point), 1.0, near).strays


def test_the_same_mask_agrees_and_its_foreground_is_counted() -> None:
    assert compared(probability(), SQUARE, Task(), OperatingPoint(), 1.0, NEAR) == (0, 16)


@pytest.mark.parametrize(("inside", "expected"), [(0.496, 0), (0.494, 16), (0.1, 16)])
def test_a_pixel_may_differ_where_it_is_near_to_the_threshold(inside: float, expected: int) -> None:
    assert strays(probability(inside), SQUARE) == expected


@pytest.mark.parametrize(("outside", "expected"), [(0.504, 0), (0.506, 48)])
def test_in_either_direction(outside: float, expected: int) -> None:
    assert strays(probability(outside=outside), SQUARE) == expected


def test_another_threshold_differs() -> None:
    assert strays(probability(0.6), SQUARE) == 0
    assert strays(probability(0.6), SQUARE, threshold=0.7) == 16


def test_of_several_classes_the_most_probable_counts_and_near_is_half_of_its_lead() -> None:
    task = Task(classes=["rim", "disc"])
    found = np.zeros((8, 8, 3), np.float32)
    found[...] = [0.2, 0.404, 0.396]
    assert strays(found, np.full((8, 8), 1, np.uint8), task=task) == 0
    assert strays(found, np.full((8, 8), 2, np.uint8), task=task) == 0
    found[...] = [0.2, 0.406, 0.394]
    assert strays(found, np.full((8, 8), 2, np.uint8), task=task) == 64


@pytest.mark.parametrize("kept", [True, False])
def test_one_pixel_near_to_the_threshold_may_decide_on_its_region(kept: bool) -> None:
    """It has 16 pixels with it and 15 without."""
    found = probability()
    found[2, 2] = 0.498 if kept else 0.502
    judged = SQUARE if kept else np.zeros_like(SQUARE)
    assert strays(found, judged, least_region=16) == 0
    found[2, 2] = 0.4 if kept else 0.6
    assert strays(found, judged, least_region=16) > 0


def test_filled_holes_and_dropped_specks_are_no_strays() -> None:
    found = probability()
    found[3, 3], found[0, 7] = 0.1, 0.9
    assert strays(found, SQUARE, fill_holes=True, least_region=4) == 0
    assert strays(found, SQUARE) == 2


def test_no_number_is_background() -> None:
    assert strays(probability(np.nan), SQUARE) == 16


@pytest.mark.parametrize(
    ("precision", "passed"), [("float32", (True, False)), ("bfloat16", (True, True)), ("int8", (True, True))]
)
def test_a_lesser_precision_may_move_edges(precision: str, passed: tuple[bool, bool]) -> None:
    tolerance = TOLERANCES[precision]
    for strays, expected in zip((0, 2), passed, strict=True):
        agrees, told = sentence([Compared(strays, 60), Compared(0, 40)], tolerance)
        assert agrees is expected
    assert told == (
        f"2 pixels differ that are further than {tolerance.near:g} from the decision, allowed "
        f"{0 if precision == 'float32' else 2} of 100 in the foreground"
    )
    assert not sentence([Compared(3, 60), Compared(0, 40)], tolerance)[0]


def case(predicted: int, pixels: int = 100) -> Case:
    counts = Confusion(tp=predicted, fp=0, fn=0, tn=pixels - predicted)
    return Case("c", "p", "c.png", "", {"foreground": ClassScores(counts, {})})


@pytest.mark.parametrize(
    ("cases", "expected"),
    [
        ([case(0), case(7), case(100), case(8), case(9), case(10), case(11)], [1, 3, 4, 5]),
        ([case(0), case(100), case(7)], [0, 1, 2]),
        ([case(7, 2**23), case(0)], [1]),
        ([case(7, 2**24), case(7, 2**23)], [1]),
    ],
    ids=["those with both", "others beside them", "no large one", "the smallest of large ones"],
)
def test_cases_are_tried_that_can_be_wrong(cases: list[Case], expected: list[int]) -> None:
    assert telling(cases) == expected


def test_the_cost_is_of_requests_one_by_one_and_of_their_memory() -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(np.ones(2**24, np.uint8).size)

    small, large = cost_of(ask), cost_of(lambda: np.ones(2**28, np.uint8))
    assert small["requests"] == len(asked) == 50
    assert 0 < small["p50_ms"] <= small["p95_ms"]
    assert small["peak_mib"]
    assert large["peak_mib"]
    assert 200 < large["peak_mib"] - small["peak_mib"] < 300
