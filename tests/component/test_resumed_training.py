"""A node's training that collapses, is killed in each of its attempts, and goes on: one model, as without the kills."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from interrupted import keep_every_epoch, killed
from tfx.components.trainer.fn_args_utils import FnArgs

from components.records.record import Record
from components.records.tfexample import serialize
from components.trainer import checkpoint
from components.trainer.run import run_fn
from pipeline.config.loader import parse_config

pytestmark = pytest.mark.slow

CONFIG = {
    "data": {"layout": "folders", "height": 32, "width": 48, "splits": {"train": 50, "eval": 25, "test": 25}},
    "model": {"parameters": {"levels": 2, "base_filters": 4, "batch_norm": False, "dropout": 0.2}},
    "augmentation": {"online": True, "horizontal_flip": 0.5, "rotation": {"probability": 1.0}},
    "training": {
        **{"epochs": 6, "batch_size": 4, "learning_rate": 1.0, "reduce_lr_patience": 1},
        **{"deterministic": True, "collapse_epochs": 2, "retry_collapsed": True},
    },
}
"""Steps of that length break the network, which then says the same of every pixel."""

MEASURED = dict.fromkeys(
    ("seconds", "processor_seconds", "seconds_start_up", "seconds_training", "seconds_validation", "attempts")
)
"""Of a summary, what two runs do not have alike; attempts are compared by themselves."""


def trained(records: str, folder: str, run: int) -> Path:
    """Trains, and returns the folder of the run."""
    config = parse_config(CONFIG, "tests")
    made = FnArgs(
        train_files=[f"{records}/train"],
        eval_files=[f"{records}/eval"],
        serving_model_dir=f"{folder}/model/{run}",
        model_run_dir=f"{folder}/model_run/{run}",
        custom_config={"settings": config.trainer.model_dump(mode="json"), "code_version": "tests"},
    )
    run_fn(made)
    return Path(made.model_run_dir)


def weights(run: Path) -> list[np.ndarray]:
    model = run.parents[1] / "model" / run.name / "assets.extra" / "model.keras"
    return keras.models.load_model(model).get_weights()


def summary(run: Path) -> dict[str, Any]:
    return json.loads((run / "training.json").read_text())


@pytest.fixture
def records(tmp_path: Path, disc_pair: Callable) -> Path:
    for split, count in (("train", 10), ("eval", 5)):
        with tf.io.TFRecordWriter(str(tmp_path / split)) as writer:
            for number in range(count):
                name = f"{split}{number}"
                pair = disc_pair(32, 48, number, empty=number == 4)
                writer.write(serialize(Record(*pair, name, name, f"{name}.png", b"\0" * 32, {})))
    return tmp_path


def test_killed_in_both_attempts(records: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "_SHARE", checkpoint._SHARE)
    keep_every_epoch(checkpoint)
    whole = trained(str(records), str(tmp_path / "whole"), 9)
    told = summary(whole)
    first, second = told["attempts"]
    assert (first["seed"], second["seed"]) == (0, 1000)
    assert first["collapsed"].startswith("from epoch ")
    assert any(warning.startswith("training with seed 0 collapsed: from epoch ") for warning in told["warnings"])
    assert first["epochs_run"] < second["epochs_run"] == 6
    assert {path.name for path in whole.iterdir()} & {"retry", "collapsed"}

    folder = tmp_path / "Trainer"
    moments = [{"epoch": 2, "step": 1}, {"write": first["epochs_run"] + 1}, {"epoch": 3, "step": 3}]
    killed("test_resumed_training:trained", {"records": str(records), "folder": str(folder)}, moments)
    assert len(list(folder.glob("checkpoint-*/*.npz"))) == 2
    run = trained(str(records), str(folder), 9)
    resumed = [attempt.pop("resumed") for attempt in summary(run)["attempts"]]
    assert resumed == [[2], [3]]
    unresumed = [{key: value for key, value in each.items() if key != "resumed"} for each in (first, second)]
    assert [{k: v for k, v in each.items() if k != "resumed"} for each in summary(run)["attempts"]] == unresumed
    assert {**summary(run), **MEASURED} == {**told, **MEASURED}
    for one, other in zip(weights(run), weights(whole), strict=True):
        np.testing.assert_array_equal(one, other)
    curves = {path.relative_to(whole): path.read_bytes() for path in whole.rglob("history.csv")}
    assert len(curves) == 2
    assert {path.relative_to(run): path.read_bytes() for path in run.rglob("history.csv")} == curves
    assert {path.name for path in folder.iterdir()} == {"model", "model_run"}
