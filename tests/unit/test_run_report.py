"""RunReport: the page made of a whole run."""

import base64
import csv
import math
import re
from pathlib import Path

import numpy as np
import pytest
from report_inputs import DICE, HOSTILE, METRICS, NOTICE, UNDEFINED, Outputs, Page, score

from components.run_report.charts.base import legend
from components.run_report.charts.confidence import risk_coverage_curves


@pytest.fixture
def outputs(tmp_path: Path) -> Outputs:
    return Outputs(tmp_path)


@pytest.fixture
def pushed(outputs: Outputs) -> str:
    return outputs.report(pushed_version="7", pushed_destination="serving/tiny/7")


def test_pushed(pushed: str) -> None:
    text = Page(pushed).text
    for said in (
        "✓ Pushed as version 7",
        "serving/tiny/7",
        NOTICE,
        "not a medical device",
        "0.612",
        "0.562 to 0.662",
        "champion, version 6, has 0.580",
        "+0.032",
        "-0.010 to +0.070",
        "Something was predicted in 1 of the 1 empty ones.",
        "Nothing there, yet predicted: Dice –, confidence 0.750",
        "Median, least confident: Dice 0.700, confidence 0.250",
        "3 epochs, stopped early, in 1.5 minutes on GPU:0, GPU:1; 1,234,567 parameters. Start: warm from version 6.",
        "31 sources, 2 rejected, 3 left out.",
        "training 20 11 3",
        "torn.pgm cut short",
        "identical pixels within a split (1): x.pgm and y.pgm (train, group 1)",
        "Against the data of the champion, version 1700000000",
        "No group and no identical image is shared across splits",
        "equal results ✕ failed differs by 0.2",
        "Dice label=malignant at least 0.5 0.400 2 ✕ not met mean Dice is below at_least 0.5",
        "Class 'x' was never measured.",
        "Split Dice Loss training 0.500 0.500 validation 0.600 0.400",
        '"epochs": 3',
    ):
        assert said in text


def test_faster_engines(outputs: Outputs) -> None:
    assert "Faster engines" not in outputs.report()
    assert outputs.sheet["engines"] == {}
    told = {"engine": "openvino", "precision": "int8", "sha256": ""}
    measured = {"reason": "the mean changes by +0.0001", "processor_time": 0.276, "measured": {"groups": 900}}
    not_measured = {"reason": "<b>not</b> installed", "processor_time": 1.0, "measured": {}}
    outputs.add_engines(
        openvino_int8={**told, "offered": True, **measured}, onnx_float32={**told, "offered": False, **not_measured}
    )
    text = Page(outputs.report()).text
    assert "openvino-int8 ✓ offered 0.28 the mean changes by +0.0001" in text
    assert "onnx-float32 ✕ refused – <b>not</b> installed" in text
    assert outputs.sheet["engines"]["openvino-int8"]["measured"] == {"groups": 900}
    assert outputs.sheet["lineage"]["papers"]["engines.json"]["artifact"] == "maskline.Engines"


def test_a_training_to_a_budget_shows_the_epochs_that_were_validated(outputs: Outputs) -> None:
    rows = ["epoch,dice,learning_rate,loss,val_dice,val_loss", "3,0.2,0.001,0.9,0.3,0.8", "8,0.5,0.0,0.5,0.6,0.4"]
    (outputs.root / "model_run" / "history.csv").write_text("\n".join(rows))
    budget = {"best_epoch": 9, "epochs_run": 9, "stopped_early": False, "kept": "ema of epoch 9", "budget": "20 min"}
    outputs.change_training(**budget)
    text = Page(outputs.report()).text
    assert "The exported weights, ema of epoch 9." in text
    assert "9 epochs, budget 20 min, in 1.5 minutes on" in text


def test_warnings_of_the_training_stand_at_the_top(outputs: Outputs, pushed: str) -> None:
    assert "Warning" not in pushed
    outputs.warn_of_the_training("the training loss is 2.000", f"the validation loss is {HOSTILE}")
    text = Page(outputs.report(reason="-")).text
    said = (
        f"Warning: the training loss is 2.000. Warning: the validation loss is {HOSTILE}. Mean Dice on the test split"
    )
    assert said in text


def test_a_collapsed_model_is_named_at_the_top(outputs: Outputs) -> None:
    text = Page(outputs.report(METRICS | {"collapsed": "it predicts background everywhere"}, reason="-")).text
    assert "Warning: the model collapsed: it predicts background everywhere. Mean Dice on the test split" in text


def test_every_case_is_shown_once_with_its_pictures_and_opens_large(pushed: str) -> None:
    page = Page(pushed)
    images = page.attributes("img")
    alts = [image["alt"] for image in images]
    for id in DICE:
        assert alts.count(f"Image of case {id}") == 1
    # Beside the cases: three strips, loss, Dice and rate of the training, and the risk.
    assert len(alts) == len(set(alts)) == 7 + 2 * (len(DICE) + 2)
    figures = [given["id"] for given in page.attributes("figure") if "id" in given]
    assert figures == ["case-1", "case-2", "case-3", "case-4", "doubtful-1", "doubtful-2"]
    opening = [link["style"] for link in page.attributes("a") if link.get("class") == "pictures"]
    assert opening == ["--width: 1024px"] * 4 + ["--width: 512px"] * 2


def test_labels_that_the_model_contradicts_are_to_be_looked_at_first(outputs: Outputs) -> None:
    """Of `empty` nothing is marked and something is seen, `b` is marked elsewhere: both count as surely wrong."""
    told = Page(outputs.report(reason="-")).text
    assert "1. Doubt 1.000 Case b, test; 36 pixels true, 36 predicted" in told
    assert "2. Doubt 1.000 Case empty, test; 0 pixels true, 36 predicted" in told
    assert "4 a group a test 0.000 1.000 36 36" in told
    found = outputs.sheet["doubtful"]
    assert [(each["id"], each["doubt"]) for each in found] == [
        *(("b", 1), ("empty", 1)),
        *((HOSTILE, 0), ("a", 0), ("validated", 0)),
    ]
    assert [each["split"] for each in found] == [*["test"] * 4, "eval"]
    assert found[0]["classes"] == {
        "foreground": {"doubt": 1, "soft_dice": 0, "truth_pixels": 36, "predicted_pixels": 36}
    }
    with (outputs.root / "doubtful.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [each["id"] for each in found]
    assert rows[1] == {
        **{"rank": "2", "id": "empty", "group": "group a", "source": "a.pgm", "label": "", "split": "test"},
        **{"doubt": "1.0", "class": "foreground", "class_doubt": "1.0", "class_soft_dice": "0.0"},
        **{"class_truth_pixels": "0", "class_predicted_pixels": "36"},
    }


def test_labels_that_cannot_be_compared_are_counted(outputs: Outputs) -> None:
    assert "Not compared" not in Page(outputs.report(reason="-")).text
    outputs.write_examples(np.zeros((32, 32), np.uint8), "endless")
    text = Page(outputs.report(reason="-")).text
    assert "Not compared, and not listed: 1, whose answers are no finite numbers." in text


def test_nothing_outside_the_file_is_referenced(pushed: str) -> None:
    page = Page(pushed)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "form"})
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.attributes("img"))
    assert not [given for _, given in page.tags if "srcset" in given]
    targets = {given["id"] for _, given in page.tags if "id" in given}
    links = [given["href"] for _, given in page.tags if "href" in given]
    assert len(links) > 13
    assert {str(link) for link in links} <= {f"#{target}" for target in targets}
    assert "http:" not in pushed
    assert "https:" not in pushed
    assert "url(" not in pushed


def test_text_from_the_data_stays_text(pushed: str) -> None:
    assert "<script" not in pushed
    assert f"Case {HOSTILE}, group group {HOSTILE}" in Page(pushed).text


def test_refused_without_a_champion_or_any_dice(outputs: Outputs) -> None:
    text = Page(outputs.report(UNDEFINED, dict.fromkeys(DICE, math.nan), infra_blessed=False)).text
    for said in (
        "✕ Refused, not pushed",
        "mean Dice is undefined, the recipe demands 0.7",
        "Serving check equal results: differs by 0.2",
        "There is no champion to compare with",
        "Dice candidate – – – 0",
        "No case has a defined Dice.",
        "No case has a defined IoU.",
    ):
        assert said in text
    assert "Champion's" not in text


def test_held(outputs: Outputs) -> None:
    text = Page(outputs.report(reason="the recipe names no destination")).text
    assert "○ Not pushed the recipe names no destination" in text


@pytest.mark.parametrize(("policy", "words"), [("skip", "are left out"), ("zero_if_predicted", "as 1 when nothing is")])
def test_the_empty_mask_policy_in_words(outputs: Outputs, policy: str, words: str) -> None:
    assert words in Page(outputs.report(METRICS | {"empty_masks": policy}, reason="-")).text


def test_the_200_worst_of_many_cases(outputs: Outputs) -> None:
    many = DICE | {f"case{number:03d}": math.nan for number in range(246)}
    text = Page(outputs.report(dice=many, reason="-")).text
    assert "The 200 worst; 50 more are in per_case.csv." in text


def test_several_classes_have_a_table_and_a_legend(outputs: Outputs) -> None:
    classes = ["lesion", "muscle & fat"]
    each = dict.fromkeys(classes, METRICS["classes"]["foreground"])
    champion = METRICS["champion"] | {"classes": each}
    absent = {"lesion": {"cases": 3, "with_prediction": 1}, "muscle & fat": {"cases": 0, "with_prediction": 0}}
    metrics = METRICS | {"classes": each, "absent": absent, "champion": champion, "risk_coverage": {}}
    page = Page(outputs.report(metrics, classes=classes, reason="-"))
    for said in (
        "means over the 2 classes of their means",
        "By class Class Metric Model Mean Median 95 % CI Cases lesion Dice candidate 0.612 0.700",
        "the truth filled and the prediction outlined: lesion, muscle & fat.",
        "IoU candidate 0.500 0.538",
        "lesion: predicted in 1 of 3 test cases that have none. 4 test cases",
        "With foreground With lesion With muscle & fat training 20 11 3 3 0 ",
    ):
        assert said in page.text
    colours = [span["style"] for span in page.attributes("span") if "style" in span]
    assert colours == ["border-color: rgb(230, 159, 0)", "border-color: rgb(0, 158, 115)"]


def test_one_class_has_neither(pushed: str) -> None:
    text = Page(pushed).text
    assert "By class" not in text
    assert "test cases that have none" not in text
    assert "With foreground training" in text
    assert "with the outlines of truth and prediction." in text


def test_strips_of_the_epochs_are_shown_with_what_they_show(outputs: Outputs) -> None:
    assert "over the epochs" not in Page(outputs.report()).text
    made = outputs.add_strips("film 3", HOSTILE)
    page = Page(outputs.report())
    assert "Median foreground: film 3" in page.text
    assert HOSTILE in page.text
    images = [image for image in page.attributes("img") if "over the epochs" in str(image["alt"])]
    shown = [base64.b64decode(str(image["src"]).partition(",")[2]) for image in images]
    assert shown[-2:] == made


@pytest.mark.slow
def test_three_hundred_cases_of_noise_stay_below_ten_megabytes(outputs: Outputs) -> None:
    rng = np.random.default_rng(0)
    median = "case147"
    outputs.write_examples(rng.integers(0, 256, (1024, 1024, 3), np.uint8), median)
    outputs.write_prediction(rng.integers(0, 2, (1024, 1024), np.uint8))
    noise = rng.integers(0, 256, (250, 2500, 3), np.uint8)
    outputs.add_strips(*"abcd", strip=noise)
    html = outputs.report(dice=DICE | {f"case{number:03d}": 0.7 for number in range(296)}, reason="-")
    assert 3_000_000 < len(html.encode()) < 10_000_000


TRIED = {
    "key": "mirror",
    "value": "true",
    "measure": "dice",
    "candidates": 1,
    "change": {"mean": 0.004, "ci95": None, "no_ci95": "too few groups to say", "n": 5},
    "kept": False,
    "reason": "the interval reaches down to no gain",
}
POINT = {
    "operating_point": {"threshold": 0.35, "mirror": False},
    **{"cases": 5, "groups": 4, "split": "eval", "tried": [TRIED]},
    "thresholds": {"threshold": [0.05, 0.35, 0.5], "dice": [None, 0.7, 0.6]},
}


def test_how_answers_become_masks(outputs: Outputs, pushed: str) -> None:
    assert "become masks" not in pushed
    outputs.write_operating_point(POINT)
    page = Page(outputs.report(reason="-"))
    for said in (
        "Chosen on 5 validation cases of 4 groups, none of them test: threshold 0.35 , mirror no .",
        "mirror = true Dice +0.004 too few groups to say 5 not kept the interval reaches down to no gain",
    ):
        assert said in page.text
    assert "Mean Dice by threshold" in [image["alt"] for image in page.attributes("img")]


def test_an_operating_point_without_a_curve(outputs: Outputs) -> None:
    outputs.write_operating_point(POINT | {"thresholds": None, "tried": []})
    text = Page(outputs.report(reason="-")).text
    assert "Nothing was tried." in text
    assert "at each threshold" not in text


def test_what_went_wrong_is_listed(pushed: str) -> None:
    said = "Something was predicted where nothing is 1 empty"
    missed = f"What is true was missed altogether 3 a, b, {HOSTILE}"
    text = Page(pushed).text
    assert said in text
    assert missed in text
    assert "In 1 of 1 test image with nothing to mark it marked something." in text


def test_slices_and_what_changed_images_cost(outputs: Outputs, pushed: str) -> None:
    assert "Robustness" not in Page(pushed).text.split("Reporting sheet")[0]
    assert "changed (noise, blur, compression) was not tried" in pushed
    told = {"dice": score(0.5, 0.5, 3), "change": {"dice": {"mean": -0.1125, "ci95": [-0.2, 0.05], "n": 3}}}
    slices = {"label=benign": {"dice": score(0.75, 0.75, 2)}}
    html = outputs.report(METRICS | {"robustness": {"jpeg": {"value": 30, **told}}, "slices": slices}, reason="-")
    text = Page(html).text
    assert re.search(r"jpeg 30 Dice 0\.500 -0\.113 -0\.200 to\s\+0\.050 3", text)
    assert re.search(r"label=benign Dice candidate 0\.750 0\.750 .* 2", text)
    assert "Under jpeg 30 it is 0.500." in text
    assert "was not tried" not in text
    assert "Change of the mean Dice under jpeg 30: -0.113" in text


def test_names_of_classes_are_no_formulas_and_stand_in_legends() -> None:
    curves = {name: [[0.5, 0.1], [1.0, 0.2]] for name in ("$\\foo$", "_hidden", "a\nb")}
    assert risk_coverage_curves(curves, dict.fromkeys(curves, "#000000")).startswith(b"\x89PNG")
    assert legend("$a$") == r"\$a\$"
    assert not legend("_hidden").startswith("_")


def test_a_champion_that_cannot_be_compared_is_not_denied(outputs: Outputs) -> None:
    why = {"version": "17", "why": "[data] fit changed"}
    text = Page(outputs.report(UNDEFINED | {"not_compared": why}, reason="-")).text
    assert "The champion, version 17, cannot be compared: [data] fit changed." in text
    assert "no model was served" not in text
