"""Several classes through the whole graph, on small phantoms; every run is a process of its own."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from driver import Result, maskline

CLASSES = ["breast", "muscle", "lesion"]
SMALL = {
    "data.phantoms": '{ women = 8, size = 64, seed = 7, form = "classes" }',
    "data.height": "32",
    "data.width": "32",
    "validation.min_groups": "1",
    "model.parameters": '{ levels = 3, base_filters = 4, normalisation = "batch" }',
    "training.epochs": "2",
    "evaluation.limits": "[]",
}


def run(out: Path, **changes: str) -> Result:
    values = SMALL | {key.replace("__", "."): value for key, value in changes.items()}
    overrides = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    return maskline("run", "demo_multiclass", "--out", out, "--json", *overrides)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("classes")


@pytest.fixture(scope="module")
def first(out: Path) -> Result:
    result = run(out)
    assert result.code == 0, result.stderr
    return result


def test_classes_are_measured_by_name(out: Path, first: Result) -> None:
    [path] = out.glob("artifacts/Evaluator/evaluation/*/metrics.json")
    metrics = json.loads(path.read_text())
    assert list(metrics["classes"]) == list(metrics["absent"]) == CLASSES
    means = [found["dice"]["mean"] for found in metrics["classes"].values()]
    assert metrics["dice"]["mean"] == pytest.approx(np.mean([mean for mean in means if mean is not None]))
    rows = list(csv.DictReader((path.parent / "per_case.csv").open(newline="")))
    assert [row["class"] for row in rows] == CLASSES * metrics["cases"]
    # Each film has a breast and a muscle, and its masks are as large as the record.
    assert all(int(row["truth_pixels"]) > 0 for row in rows if row["class"] != "lesion")
    assert {sum(int(row[count]) for count in ("tp", "fp", "fn", "tn")) for row in rows} == {32 * 32}


def test_both_films_of_a_woman_stand_in_one_split(out: Path, first: Result) -> None:
    [path] = out.glob("artifacts/DataGate/split_report/*/split_report.json")
    report = json.loads(path.read_text())
    splits = {record["id"]: record["split"] for record in report["records"]}
    assert len(splits) == 16
    assert all(splits[f"mdb{number:03d}"] == splits[f"mdb{number + 1:03d}"] for number in range(1, 16, 2))
    assert report["splits"]["train"]["classes"]["muscle"] == report["splits"]["train"]["records"] == 12


def test_served_masks_are_class_indices_and_probabilities_sum_to_one(out: Path, first: Result) -> None:
    import tensorflow as tf

    film = cv2.imread(str(out / "data/images/mdb002.pgm"), cv2.IMREAD_GRAYSCALE)
    films = [film, cv2.resize(film, (77, 50))]
    model = tf.saved_model.load(first.record["pushed"]["path"])
    files = tf.constant([cv2.imencode(".png", image)[1].tobytes() for image in films])
    answer = model.signatures["serve_image_bytes"](images=files)
    for image, png, of_classes in zip(films, answer["mask"].numpy(), answer["probability"].numpy(), strict=True):
        mask = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
        channels = [cv2.imdecode(np.frombuffer(channel, np.uint8), cv2.IMREAD_UNCHANGED) for channel in of_classes]
        probabilities = np.stack(channels).astype(int)
        assert probabilities.shape == (4, *image.shape)
        assert mask.shape == image.shape
        assert (mask.dtype, channels[0].dtype) == (np.uint8, np.uint16)
        assert {*np.unique(mask)} <= {0, 1, 2, 3}
        # Each of the four is rounded by half a level at most.
        assert abs(probabilities.sum(axis=0) - 65535).max() <= 2
        # Of two that are equal when rounded either may have been the greater.
        np.testing.assert_array_equal(np.take_along_axis(probabilities, mask[None], 0)[0], probabilities.max(axis=0))


def test_the_report_names_classes_and_shows_their_colours(first: Result) -> None:
    report = Path(first.record["report"]).read_text()
    for name, colour in zip(CLASSES, ("(230, 159, 0)", "(0, 158, 115)", "(204, 121, 167)"), strict=True):
        assert f'<span class="swatch" style="border-color: rgb{colour}"></span>{name}' in report
        assert f">With {name}</th>" in report
        assert f'<th scope="rowgroup" rowspan="4">{name}</th>' in report


@pytest.mark.slow
def test_a_champion_of_other_classes_is_not_compared_with(out: Path, first: Result) -> None:
    champion = (out / "serving" / "CHAMPION.json").read_bytes()
    result = run(out, data__classes='["breast", "muscle", "mass"]')
    assert result.code == 3
    version = first.record["pushed"]["version"]
    assert result.record["reasons"] == [
        f"the champion {version} cannot be compared: [data] classes changed. Set it back, or choose another [serving] "
        "destination"
    ]
    assert (out / "serving" / "CHAMPION.json").read_bytes() == champion


@pytest.mark.slow
def test_the_limits_of_the_recipe_refuse_a_model_that_has_learnt_nothing(out: Path, first: Result) -> None:
    from pipeline.config.loader import load_config

    limits = [limit.model_dump(exclude_none=True) for limit in load_config("demo_multiclass").evaluation.limits]
    tables = ", ".join(
        f'{{ measure = "dice", class = "{each["class"]}", at_least = {each["at_least"]} }}' for each in limits
    )
    result = run(out, evaluation__limits=f"[{tables}]")
    assert result.code == 3
    assert [f"({name})" in reason for name, reason in zip(CLASSES, result.record["reasons"], strict=True)] == [True] * 3
    assert result.step("Trainer")["cached"]


@pytest.mark.slow
def test_the_demo_of_several_classes_is_worth_what_the_binary_one_is(tmp_path: Path) -> None:
    """Unseen women, as many epochs: each class is found, and lesions no worse than by a model of lesions alone."""
    several = maskline("run", "demo_multiclass", "--out", tmp_path / "several", "--json")
    epochs = several.record["config"]["training"]["epochs"]
    alone = maskline("run", "demo", "--set", f"training.epochs={epochs}", "--out", tmp_path / "alone", "--json")
    found = {name: scores["dice"]["mean"] for name, scores in several.record["metrics"]["test"]["classes"].items()}
    assert found.keys() == {"breast", "muscle", "lesion"}
    assert min(found.values()) >= 0.60
    assert found["lesion"] == pytest.approx(alone.record["metrics"]["test"]["dice"]["mean"], abs=0.05)
