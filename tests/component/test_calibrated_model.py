"""A model whose answers are known, from its answers to what is served of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils
from typer.testing import CliRunner

from components.bulk_inferrer.executor import Executor as BulkInferrer
from components.bulk_inferrer.settings import InferrerSettings, Robustness
from components.calibrator.executor import Executor as Calibrator
from components.calibrator.settings import CalibratorSettings
from components.evaluator.executor import Executor as Evaluator
from components.evaluator.settings import Evaluation, EvaluatorSettings
from components.imaging.files.codecs import decode_image, encode_png, read_image
from components.imaging.geometry.placement import letterbox
from components.inference.model import load_model
from components.inference.operating_point import OperatingPoint
from components.inference.settings import Inference
from components.records.record import Record
from components.records.settings import Derivation
from components.records.tfexample import serialize, shard_name, shard_writer
from components.serving_check.cases import Tried
from components.serving_check.core import check_model
from components.serving_check.settings import ServingCheckSettings
from components.task import Task
from pipeline.cli.app import app

SIDE, GROUPS = 16, 80
DARKER = Robustness(gamma=15.0)
"""What is white stays, and what is nearly white gets darker."""
Make = Callable[..., Artifact]


def drawn(number: int) -> tuple[np.ndarray, np.ndarray]:
    """An image and its truth: a square, and specks in the image that are none."""
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[4:11, 3 + number % 4 : 10 + number % 4] = 1
    image = truth * np.uint8(250 if number < 20 else 255)
    for column in (0, 6, 12):
        image[13:16, column : column + 3] = 255
    return image, truth


def record(number: int) -> Record:
    image, truth = drawn(number)
    place = letterbox(SIDE, SIDE, SIDE, SIDE).as_json()
    return Record(image, truth, f"c{number}", f"p{number}", f"c{number}.png", number.to_bytes(32, "big"), place)


@dataclass
class Served:
    model: Artifact
    examples: Artifact
    inference: Artifact
    settings: CalibratorSettings

    @property
    def folder(self) -> Path:
        return Path(path_utils.serving_model_path(self.model.uri))

    @property
    def told(self) -> dict[str, Any]:
        return json.loads((self.folder / "assets.extra/operating_point.json").read_text())


@pytest.fixture(scope="module")
def served(artifact: Make, run_executor: Callable, tmp_path_factory: pytest.TempPathFactory) -> Served:
    folder = tmp_path_factory.mktemp("calibrated")
    made = {
        "examples": artifact(standard_artifacts.Examples, folder / "examples", ("eval", "test")),
        "model": artifact(standard_artifacts.Model, folder / "own"),
    }
    for split in ("eval", "test"):
        with shard_writer(made["examples"].uri, split, shard_name(0, 1)) as writer:
            for number in range(GROUPS):
                writer.write(serialize(record(number)))
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None, SIDE, SIDE, 1], tf.float32, name="images")])
    def answer(images: tf.Tensor) -> dict[str, tf.Tensor]:
        # Unsure of what it finds, and sure of nothing else.
        return {"probability": 0.02 + 0.3 * images}

    own = path_utils.serving_model_dir(made["model"].uri)
    tf.saved_model.save(module, own, signatures={"serve_tensor": answer})
    (Path(own) / "assets.extra").mkdir()
    task, derivation = Task(), Derivation(height=SIDE, width=SIDE)
    config = {"derivation": derivation.model_dump(mode="json"), "task": task.model_dump()}
    (Path(own) / "assets.extra/training.json").write_text(json.dumps({"config": config}))
    inference = artifact(standard_artifacts.InferenceResult, folder / "inference")
    asked = InferrerSettings(task=task, derivation=derivation, splits=["eval", "test"], mirror=True, robustness=DARKER)
    run_executor(BulkInferrer, made, {"inference": inference}, settings=asked)
    settings = CalibratorSettings(
        inference=Inference(temperature=1.0), task=task, derivation=derivation, empty_masks="skip", splits=["eval"]
    )
    model = artifact(standard_artifacts.Model, folder / "model")
    run_executor(Calibrator, {**made, "inference_1": inference}, {"calibrated": model}, settings=settings)
    return Served(model, made["examples"], inference, settings)


def test_threshold_and_least_region_are_found_and_told(served: Served) -> None:
    point = served.told["operating_point"]
    # All up to it find the same.
    assert point["threshold"] == 0.3
    assert (point["least_region"], point["mirror"], point["fill_holes"]) == (16, False, False)
    kept = {trial["key"]: trial["kept"] for trial in served.told["tried"]}
    assert kept == {"mirror": False, "threshold": True, "fill_holes": False, "least_region": True, "largest": False}
    assert (served.told["cases"], served.told["groups"], served.told["split"]) == (GROUPS, GROUPS, "eval")
    curve = dict(zip(served.told["thresholds"]["threshold"], served.told["thresholds"]["dice"], strict=True))
    assert (curve[0.1], curve[0.5]) == (1.0, 0.0)
    config = json.loads((served.folder / "assets.extra/training.json").read_text())["config"]
    assert config["operating_point"] == point


def test_what_is_served_and_what_is_predicted_are_the_truth(served: Served) -> None:
    loaded = tf.saved_model.load(str(served.folder))
    records = [record(number) for number in range(6)]
    answer = loaded.signatures["serving_default"](examples=tf.constant([serialize(each) for each in records]))
    np.testing.assert_array_equal(answer["mask"].numpy()[..., 0], [each.mask for each in records])
    files = tf.constant([encode_png(each.image) for each in records])
    for mask, each in zip(loaded.signatures["serve_image_bytes"](images=files)["mask"].numpy(), records, strict=True):
        np.testing.assert_array_equal(decode_image(mask), each.mask)
    for found, each in zip(load_model(served.folder).predict(each.image for each in records), records, strict=True):
        np.testing.assert_array_equal(found.classes, each.mask)


def test_specks_are_measured_at_the_scale_of_the_model(served: Served) -> None:
    """Of an image of twice the size they have four times the pixels, and are specks all the same."""
    image, truth = (np.kron(each, np.ones((2, 2), np.uint8)) for each in drawn(0))
    assert (image[26:32] > 0).sum() == 27 * 4
    [found] = load_model(served.folder).predict(image)
    loaded = tf.saved_model.load(str(served.folder)).signatures["serve_image_bytes"]
    mask = decode_image(loaded(images=tf.constant([encode_png(image)]))["mask"].numpy()[0])
    for each in (found.classes, mask):
        assert not each[25:].any()
        # Where p has been smoothed it is below the threshold.
        assert 0.8 < 2 * (each & truth).sum() / (each.sum() + truth.sum()) < 0.9
    # Of 20 pixels and more each, they would be regions if those of the file counted.
    assert ((found.probability[25:] >= 0.3).sum(), served.told["operating_point"]["least_region"]) == (25 + 20 + 20, 16)


def test_the_evaluator_measures_what_is_served_and_keeps_its_masks(
    served: Served, artifact: Make, run_executor: Callable, tmp_path: Path
) -> None:
    made = {
        "evaluation": artifact(standard_artifacts.ModelEvaluation, tmp_path / "evaluation"),
        "blessing": artifact(standard_artifacts.ModelBlessing, tmp_path / "blessing"),
    }
    given = {"examples": served.examples, "inference": served.inference, "model": served.model}
    known = served.settings
    settings = EvaluatorSettings(
        evaluation=Evaluation(min_dice=1.0),
        task=known.task,
        derivation=known.derivation,
        loss="ce_dice",
        robustness=DARKER,
    )
    run_executor(Evaluator, given, made, settings=settings, serving_dir="")
    metrics = json.loads((Path(made["evaluation"].uri) / "metrics.json").read_text())
    assert metrics["blessed"]
    assert metrics["dice"]["mean"] == 1
    assert metrics["operating_point"] == served.told["operating_point"]
    changed = metrics["robustness"]["gamma"]
    assert (changed["value"], changed["dice"]["mean"]) == (15.0, pytest.approx(60 / 80))
    assert changed["change"]["dice"]["mean"] == pytest.approx(-20 / 80)
    rows = (Path(made["evaluation"].uri) / "per_case_gamma.csv").read_text().splitlines()
    assert len(rows) == 1 + GROUPS
    np.testing.assert_array_equal(read_image(Path(made["evaluation"].uri) / "predictions/000003.png"), drawn(3)[1])
    # And the command line gives the same masks for the files.
    (tmp_path / "files").mkdir()
    for number in range(GROUPS):
        (tmp_path / f"files/{number:06d}.png").write_bytes(encode_png(drawn(number)[0]))
    asked = ["predict", str(served.folder), str(tmp_path / "files"), "--out", str(tmp_path / "predicted")]
    assert CliRunner().invoke(app, asked).exit_code == 0
    kept, given = (
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in (Path(made["evaluation"].uri) / "predictions", tmp_path / "predicted/masks")
    )
    assert len(given) == GROUPS
    assert given == kept


def test_it_passes_the_serving_check(served: Served) -> None:
    settings = ServingCheckSettings(task=served.settings.task, derivation=served.settings.derivation)
    cases = [Tried(record(number), serialize(record(number)), record(number).mask) for number in range(4)]
    point = OperatingPoint.model_validate(served.told["operating_point"])
    checks = check_model(served.folder, cases, point, settings)["checks"]
    assert [check for check in checks if not check["passed"]] == []
    assert len(checks) > 15
