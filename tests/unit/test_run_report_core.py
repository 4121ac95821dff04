"""RunReport, its parts: the choice of cases, the history, the verdict and the overlays."""

import csv
import io
import math

import numpy as np
from report_inputs import CHECKS

from components.evaluator.per_case import Case, ClassScores
from components.imaging.truth.classes import IGNORE
from components.measures.confusion import Confusion
from components.measures.measure import Measure
from components.overlays import PREDICTION_RGB, overlay, picture
from components.run_report.cases import confidence, select_cases, worst_first
from components.run_report.core import Push, judge, parse_history, shared_across_splits
from components.task import Task

DICE = Measure(name="dice", title="Dice", higher_is_better=True)
LOSS = Measure(name="dice", title="loss", higher_is_better=False)
ONE, TWO = Task(), Task(classes=["lesion", "muscle"])


def case(
    id: str, dice: float = math.nan, truth_pixels: int = 9, predicted_pixels: int = 0, confidence: float = math.nan
) -> Case:
    predicted = predicted_pixels or int(confidence > 0)
    scores = ClassScores(Confusion(0, predicted, truth_pixels, 0), {"dice": dice, "confidence": confidence})
    return Case(id, "g", "", "", {"foreground": scores})


def chosen(*cases: Case) -> list[tuple[str, str]]:
    return [(title, case.id) for title, case in select_cases(cases, DICE)]


class TestSelectCases:
    def test_worst_median_and_best(self) -> None:
        cases = [case("a", 0.5), case("b", 0.1), case("c", 0.9), case("d", 0.7), case("e", 0.2)]
        assert chosen(*cases) == [("Worst", "b"), ("Median", "a"), ("Best", "c")]

    def test_median_of_an_even_number_is_the_lower_one(self) -> None:
        cases = [case("a", 0.4), case("b", 0.3), case("c", 0.2), case("d", 0.1)]
        assert ("Median", "c") in chosen(*cases)

    def test_ties_stand_in_the_order_of_the_ids(self) -> None:
        cases = [case(id, 0.5) for id in "cab"]
        assert chosen(*cases) == [("Worst", "a"), ("Median", "b"), ("Best", "c")]

    def test_two_cases(self) -> None:
        assert chosen(case("a", 0.5), case("b", 0.6)) == [("Worst", "a"), ("Best", "b")]

    def test_one_case_is_shown_once(self) -> None:
        assert chosen(case("a", 0.5)) == [("Worst", "a")]

    def test_no_case(self) -> None:
        assert chosen() == []

    def test_undefined_dice_is_no_rank(self) -> None:
        assert chosen(case("a"), case("b", 0.5), case("c")) == [("Worst", "b")]

    def test_the_two_largest_false_alarms(self) -> None:
        alarms = [case(id, truth_pixels=0, predicted_pixels=pixels) for id, pixels in (("a", 3), ("b", 9), ("c", 5))]
        assert [id for _, id in chosen(case("silent", truth_pixels=0), *alarms)] == ["b", "c"]

    def test_a_false_alarm_that_is_the_worst_case_is_not_repeated(self) -> None:
        alarm = case("a", 0.0, truth_pixels=0, predicted_pixels=5)
        assert chosen(alarm, case("b", 0.5)) == [("Worst", "a"), ("Best", "b")]

    def test_the_least_confident_is_shown_and_told(self) -> None:
        cases = [case("a", 0.1, confidence=0.9), case("b", 0.8, confidence=0.3), case("c", 0.9, confidence=0.8)]
        assert chosen(*cases, case("d", 0.85, confidence=0.2))[-1] == ("Least confident", "d")
        assert chosen(*cases) == [("Worst", "a"), ("Median, least confident", "b"), ("Best", "c")]

    def test_what_predicts_nothing_has_no_doubt(self) -> None:
        silent = case("a", truth_pixels=0, confidence=0.0)
        assert math.isnan(confidence(silent))
        assert chosen(silent) == []


def test_worst_first_ends_with_the_undefined() -> None:
    cases = [case("a"), case("b", 0.9), case("c", truth_pixels=0, predicted_pixels=7), case("d", 0.1)]
    assert [each.id for each in worst_first(cases, DICE)] == ["d", "b", "c", "a"]
    assert [each.id for each in worst_first(cases, LOSS)] == ["b", "d", "c", "a"]


def test_history_in_columns() -> None:
    rows = csv.DictReader(io.StringIO("epoch,loss\n0,0.5\n1,0.25\n"))
    assert parse_history(rows) == {"epoch": [0.0, 1.0], "loss": [0.5, 0.25]}


def test_only_values_in_two_splits_are_shared() -> None:
    places = [("a", "train"), ("a", "train"), ("b", "train"), ("b", "test"), ("c", "eval")]
    assert shared_across_splits([{"group": group, "split": split} for group, split in places], "group") == 1


class TestJudge:
    def test_pushed(self) -> None:
        verdict = judge(True, [], True, [], Push(True, "7", "serving/7"))
        assert (verdict.outcome, verdict.headline) == ("pushed", "Pushed as version 7")

    def test_refused_with_the_reasons_of_both_gates(self) -> None:
        verdict = judge(False, ["Dice too low"], False, CHECKS, Push(False))
        assert verdict.outcome == "refused"
        assert verdict.reasons == ["Dice too low", "Serving check equal results: differs by 0.2"]

    def test_held(self) -> None:
        verdict = judge(True, [], True, [], Push(False, reason="no destination"))
        assert (verdict.outcome, verdict.reasons) == ("held", ["no destination"])


class TestOverlay:
    def test_outlines_go_round_the_enlarged_masks(self) -> None:
        image, truth, predicted = (np.zeros((64, 32), np.uint8) for _ in range(3))
        truth[8:16, 8:16] = 1
        predicted[40:48, 8:16] = 1
        drawn = overlay(image, truth, predicted, ONE)
        assert drawn.shape == (512, 256, 3)
        assert tuple(drawn[8 * 8, 12 * 8]) == ONE.colour(1)
        assert tuple(drawn[40 * 8, 12 * 8]) == PREDICTION_RGB
        assert not drawn[12 * 8, 12 * 8].any()

    def test_both_outlines_show_where_they_coincide(self) -> None:
        mask = np.zeros((64, 64), np.uint8)
        mask[8:16, 8:16] = 1
        colours = {tuple(pixel) for pixel in overlay(np.zeros_like(mask), mask, mask, ONE).reshape(-1, 3)}
        assert {ONE.colour(1), PREDICTION_RGB} <= colours

    def test_each_class_has_its_colour(self) -> None:
        truth, predicted = (np.zeros((64, 64), np.uint8) for _ in range(2))
        truth[8:16, 8:16] = 1
        predicted[40:48, 8:16] = 2
        drawn = overlay(np.full((64, 64), 255, np.uint8), truth, predicted, TWO)
        # 166 parts in 255 of white and 89 of orange, 230, 159, 0
        assert tuple(drawn[12 * 8, 12 * 8]) == (246, 221, 166)
        assert tuple(drawn[40 * 8, 12 * 8]) == TWO.colour(2)
        assert tuple(drawn[44 * 8, 12 * 8]) == (255, 255, 255)
        assert {tuple(pixel) for pixel in drawn.reshape(-1, 3)} == {(255,) * 3, (246, 221, 166), TWO.colour(2)}

    def test_where_classes_meet_there_is_one_outline(self) -> None:
        """A lesion within a breast: not one of the breast round it, too."""
        predicted = np.zeros((64, 64), np.uint8)
        predicted[8:56, 8:56] = 1
        predicted[24:40, 24:40] = 2
        drawn = overlay(np.full((64, 64), 255, np.uint8), np.zeros_like(predicted), predicted, TWO)
        middle = [tuple(pixel) for pixel in drawn[32 * 8, 16 * 8 : 48 * 8]]
        assert set(middle) == {(255,) * 3, TWO.colour(2)}
        assert {tuple(pixel) for pixel in drawn[32 * 8]} == {(255,) * 3, TWO.colour(1), TWO.colour(2)}

    def test_truth_and_prediction_of_a_class_are_told_apart_where_they_coincide(self) -> None:
        mask = np.zeros((64, 64), np.uint8)
        mask[8:16, 8:16] = 1
        white = np.full((64, 64), 255, np.uint8)
        both, truth, prediction = (
            overlay(white, *masks, TWO) for masks in ((mask, mask), (mask, 0 * mask), (0 * mask, mask))
        )
        assert not np.array_equal(both, truth)
        assert not np.array_equal(both, prediction)

    def test_what_is_not_judged_is_greyed_and_has_no_outline(self) -> None:
        truth = np.zeros((64, 64), np.uint8)
        truth[:32] = IGNORE
        for level in (0, 255):
            drawn = overlay(np.full((64, 64), level, np.uint8), truth, np.zeros_like(truth), ONE)
            assert 64 < drawn[:240].min() == drawn[:240].max() < 192
            assert np.ptp(drawn[:240]) == 0
            assert (drawn[272:] == level).all()

    def test_a_speck_survives_shrinking(self) -> None:
        speck = np.zeros((2048, 2048), np.uint8)
        speck[700, 700] = speck[700, 701] = speck[701, 700] = speck[701, 701] = 1
        drawn = overlay(np.zeros_like(speck), speck, np.zeros_like(speck), ONE)
        assert drawn.shape == (512, 512, 3)
        assert drawn.any()

    def test_16_bit_is_stretched(self) -> None:
        image = np.linspace(1000, 3000, 64 * 64).reshape(64, 64).astype(np.uint16)
        shown = picture(image)
        assert (shown.dtype, shown.min(), shown.max()) == (np.uint8, 0, 255)
