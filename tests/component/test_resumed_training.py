"""A training that is killed goes on from its last epoch: the same curve, the same weights."""

from __future__ import annotations

import csv
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from interrupted import killed
from room import no_file_above
from tfx.components.trainer.fn_args_utils import FnArgs

from components.records.record import Record
from components.records.tfexample import serialize
from components.trainer import checkpoint
from components.trainer.run import run_fn
from pipeline.config.loader import parse_config

CONFIG = {
    "data": {"layout": "folders", "height": 32, "width": 48, "splits": {"train": 50, "eval": 25, "test": 25}},
    "model": {"parameters": {"levels": 2, "base_filters": 4, "batch_norm": True, "dropout": 0.2}},
    "augmentation": {"online": True, "horizontal_flip": 0.5, "rotation": {"probability": 1.0}},
    "training": {"epochs": 5, "batch_size": 4, "learning_rate": 0.01, "reduce_lr_patience": 1},
}
KILLED: list[dict[str, int]] = [
    {"epoch": 1, "step": 2},
    {"epoch": 2, "step": 3},
    {"write": 2},
    {"epoch": 4, "step": 1},
]
"""Within the first epoch; at the end of the second, which is not yet kept; while the checkpoint of the third is written;
within the fourth."""


@pytest.fixture(autouse=True)
def every_epoch_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """However short it is."""
    monkeypatch.setattr(checkpoint, "_SHARE", float("inf"))


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory, disc_pair: Callable) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for split, count in (("train", 10), ("eval", 5)):
        with tf.io.TFRecordWriter(str(folder / split)) as writer:
            for number in range(count):
                name = f"{split}{number}"
                pair = disc_pair(32, 48, number, empty=number == 4)
                writer.write(serialize(Record(*pair, name, name, f"{name}.png", b"\0" * 32, {})))
    return folder


def arguments(records: Path, folder: Path, run: str = "9", **training: Any) -> dict[str, Any]:
    config = parse_config({**CONFIG, "training": {**CONFIG["training"], **training}}, "tests")
    return {
        "train_files": [str(records / "train")],
        "eval_files": [str(records / "eval")],
        "serving_model_dir": str(folder / "model" / run),
        "model_run_dir": str(folder / "model_run" / run),
        "custom_config": {"settings": config.trainer.model_dump(mode="json"), "code_version": "tests"},
    }


def trained(*given: Any, **training: Any) -> Path:
    """Trains, and returns the folder of the run."""
    made = arguments(*given, **training)
    run_fn(FnArgs(**made))
    return Path(made["model_run_dir"])


def weights(run: Path) -> list[np.ndarray]:
    model = run.parents[1] / "model" / run.name / "assets.extra" / "model.keras"
    return keras.models.load_model(model).get_weights()


def summary(run: Path) -> dict[str, Any]:
    return json.loads((run / "training.json").read_text())


def assert_same(one: Path, other: Path) -> None:
    assert (one / "history.csv").read_bytes() == (other / "history.csv").read_bytes()
    for left, right in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(left, right)
    timed = ("seconds", "attempts")
    assert [{**summary(run), **dict.fromkeys(timed)} for run in (one, other)].count(
        {**summary(one), **dict.fromkeys(timed)}
    ) == 2


def scalars(run: Path) -> dict[str, list[float]]:
    found: dict[str, dict[int, float]] = {}
    for path in sorted((run / "tensorboard").rglob("events.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if not value.tag.startswith("predictions"):
                    name = f"{path.parent.name}/{value.tag}"
                    found.setdefault(name, {})[event.step] = float(tf.make_ndarray(value.tensor))
    return {name: [values[step] for step in sorted(values)] for name, values in found.items()}


@pytest.fixture(scope="module")
def undisturbed(records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(records, tmp_path_factory.mktemp("undisturbed") / "Trainer")


def test_killed_again_and_again_it_ends_with_the_same_curve_and_the_same_weights(
    records: Path, undisturbed: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "Trainer"
    killed(arguments(records, folder, run="1"), KILLED)
    assert len(list(folder.glob("checkpoint-*/1.npz"))) == 1
    with caplog.at_level(logging.INFO, "maskline.progress"):
        run = trained(records, folder)
    assert "training goes on from epoch 4 of 5" in caplog.messages
    assert_same(run, undisturbed)
    assert [attempt["resumed"] for attempt in summary(run)["attempts"]] == [[2, 3, 4]]
    assert [attempt["resumed"] for attempt in summary(undisturbed)["attempts"]] == [[]]
    for name, values in scalars(undisturbed).items():
        assert len(values) == 5
        if "learning_rate" not in name:
            assert scalars(run)[name] == values
    for strip in (undisturbed / "strips").iterdir():
        assert (run / "strips" / strip.name).read_bytes() == strip.read_bytes()
    assert {path.name for path in folder.iterdir()} == {"model", "model_run"}
