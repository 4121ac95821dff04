"""Which labels are to be looked at first: by hand, and planted faults among images whose answers are as models give
them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from compared import NOTHING, SQUARE, over_the_table, seen
from discs import disc_mask

from components.bulk_inferrer.answered import Answered
from components.imaging.truth.classes import IGNORE
from components.inference.operating_point import OperatingPoint
from components.measures.calibration import sums
from components.measures.doubt import doubt, soft_dice
from components.measures.overlap import DICE
from components.records.record import Record
from components.run_report.doubtful import MOST_SHOWN, Doubtful, look_first
from components.task import Task

SIDE, COUNT = 64, 60


def row(*values: float) -> np.ndarray:
    return np.array([values], np.float32)


def test_by_hand() -> None:
    """Of two pixels that are true the model sees one, and one beside them."""
    given = seen(row(1, 1, 0, 0).astype(np.uint8), row(0, 1, 1, 0).astype(np.uint8), probability=row(0.4, 1, 0.9, 0.1))
    assert doubt(given) == pytest.approx((0.2 + 0.8) / (2 + 2))
    found = sums(given)
    assert found is not None
    assert soft_dice(found) == pytest.approx(2 * 1.4 / (2.4 + 2))


@over_the_table
def test_of_a_model_that_is_sure_it_is_what_dice_lacks(truth: np.ndarray, predicted: np.ndarray) -> None:
    sure = seen(truth, predicted, probability=(predicted == 1).astype(np.float32))
    assert doubt(sure) == pytest.approx(1 - DICE.value(sure, "zero_if_predicted"))


def test_a_label_of_nothing_is_as_doubtful_as_the_model_is_sure_of_what_it_sees() -> None:
    for sure, expected in ((0.95, 0.9), (0.6, 0.2)):
        assert doubt(seen(NOTHING, SQUARE, probability=sure * (SQUARE == 1))) == pytest.approx(expected)
    assert doubt(seen(NOTHING, NOTHING, probability=np.full(SQUARE.shape, 0.4, np.float32))) == 0


def test_what_is_not_judged_is_in_no_doubt() -> None:
    truth = np.where(SQUARE == 1, IGNORE, 0).astype(np.uint8)
    assert doubt(seen(truth, SQUARE)) == 0


def test_a_class_that_is_neither_true_nor_predicted_takes_no_part_in_the_mean() -> None:
    truth = disc_mask(SIDE, SIDE, 20, 20, 8)
    apart = np.eye(3, dtype=np.float32)[np.roll(truth, 30, axis=1)]
    [found], *_ = look_first([("test", answered("a", truth, apart))], OperatingPoint(), Task(classes=["a", "b"]))
    assert (found.doubt, found.classes["a"].doubt, found.classes["b"].doubt) == (1, 1, 0)
    assert (found.soft_dice, found.classes["b"].soft_dice) == (0, 1)


def test_labels_without_finite_answers_are_counted() -> None:
    truth = disc_mask(SIDE, SIDE, 20, 20, 8)
    numbers = truth[..., None].astype(np.float32)
    given = [("test", answered(name, truth, numbers / divisor)) for name, divisor in (("a", 1), ("b", np.nan))]
    seen_of = look_first(given, OperatingPoint(), Task())
    assert ([each.id for each in seen_of.labels], seen_of.not_compared) == (["a"], 1)


FAULTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "shifted": lambda mask, other: np.roll(mask, SIDE // 8, axis=1),
    "swapped": lambda mask, other: other,
    "emptied": lambda mask, other: np.zeros_like(mask),
}


def test_planted_faults_come_before_hard_images() -> None:
    every, worst, _ = look_first(planted(), OperatingPoint(), Task())
    assert len(every) == COUNT
    assert {each.id for each in every[:6]} == {f"{kind}-{number}" for kind in FAULTS for number in (0, 1)}
    assert [each.doubtful for each in worst] == every[:MOST_SHOWN]
    # By soft Dice alone small ones, at whose rim the model is in doubt, come between.
    by_soft_dice = sorted(every, key=lambda each: each.soft_dice)
    assert any(kind(each) == "small" for each in by_soft_dice[:10])


def kind(found: Doubtful) -> str:
    return found.id.partition("-")[0]


def planted() -> Iterator[tuple[str, Answered]]:
    """Discs of which a tenth is marked wrongly, every other one small; what is seen has a blurred rim."""
    rng = np.random.default_rng(3)
    masks = [disc_mask(SIDE, SIDE, *rng.uniform(20, 44, 2), (9, 3)[number % 2]) for number in range(COUNT)]
    # Of large ones.
    wrong = {20 * turn + 10 * again: (name, again) for turn, name in enumerate(FAULTS) for again in (0, 1)}
    for number, mask in enumerate(masks):
        probability = cv2.GaussianBlur(mask.astype(np.float32), None, 2)[..., None]
        name, again = wrong.get(number, (("large", "small")[number % 2], number))
        fault = FAULTS.get(name)
        yield "test", answered(f"{name}-{again}", fault(mask, masks[number - 2]) if fault else mask, probability)


def answered(name: str, truth: np.ndarray, probability: np.ndarray) -> Answered:
    source = Record(np.zeros_like(truth), truth, name, name, f"{name}.png", b"", {})
    return Answered(source, truth, probability, 1.0)
