"""Training on two devices of one machine, made from one processor, against training on one: trainings are slow."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from warm import warm_python

from components.errors import UsageError
from components.records.record import Record
from components.records.tfexample import serialize
from components.trainer.devices import strategy_for
from pipeline.config.loader import parse_config

# TensorFlow takes its devices once per process.
TRAIN = """
import json
import sys

import keras
import tensorflow as tf
from keras import ops
from tfx.components.trainer.fn_args_utils import FnArgs

from components.trainer.losses import ce_dice as module
from components.trainer.run import run_fn

tf.config.set_visible_devices([], "GPU")
[processor] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)

"""
RUN = """
for arguments in json.load(sys.stdin):
    run_fn(FnArgs(**arguments))
"""
POISON = """
sound = module.ce_dice

def poisoned(truth, found, ignores):
    return sound(truth, found, ignores) * ops.where(ops.all(truth > 0, (1, 2, 3)), float("nan"), 1.0)

module.ce_dice = poisoned
"""
"""A mask without background makes the loss of its image undefined, and so the gradients."""
CONFIG: dict[str, Any] = {
    "data": {"layout": "folders", "height": 32, "width": 48, "splits": {"train": 50, "eval": 25, "test": 25}},
    "model": {"parameters": {"levels": 2, "base_filters": 4, "normalisation": "none"}},
    "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.01},
}
CASES: dict[str, dict[str, Any]] = {
    "whole": {},
    "on the device": {
        "augmentation": {"on_device": True, "horizontal_flip": 0.5, "gamma": {"probability": 1.0}},
        "training": {
            **{"budget": "5 steps", "batch_size": 8, "learning_rate": 0.01, "warm_up": 0.2},
            **{"optimizer": "sgd", "momentum": 0.9, "ema": 0.9},
        },
    },
}
WORSE: dict[str, Any] = {
    "augmentation": {"online": True, "horizontal_flip": 0.5},
    "training": {**CONFIG["training"], "patch": {"height": 16, "width": 16}},
}
"""Patches, validated on masks turned inside out: the better the model, the worse it validates."""
NORMED: dict[str, Any] = {
    "model": {"parameters": {"levels": 4, "base_filters": 4, "normalisation": "batch"}},
    "training": {**CONFIG["training"], "epochs": 50, "learning_rate": 5e-4},
}
"""A hundred steps with batch norm, whose moments each device takes of its own half of a batch."""
RECORDS = 16
"""Two full batches: on one device, too, nothing is left over."""

POISONED_RECORD = 4
"""The seed of the shuffling puts it second in a batch before the last of the first epoch."""


def write(folder: Path, count: int, disc_pair: Callable, inside_out: bool = False, full: int | None = None) -> str:
    """Records of discs; the mask of record `full` is foreground everywhere."""
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "shard")) as writer:
        for number in range(count):
            name = f"r{number}"
            image, mask = disc_pair(32, 48, number)
            mask = 1 - mask if inside_out else mask | 1 if number == full else mask
            writer.write(serialize(Record(image, mask, name, name, f"{name}.png", b"\0" * 32, {})))
    return str(folder / "shard")


def run_arguments(folder: Path, train: str, validation: str, distribute: str, case: dict[str, Any]) -> dict[str, Any]:
    config = parse_config({**CONFIG, **case}, "tests")
    training = config.training.model_copy(update={"distribute": distribute})
    settings = config.trainer.model_copy(update={"training": training})
    return {
        "train_files": [train],
        "eval_files": [validation],
        "serving_model_dir": str(folder / "model"),
        "model_run_dir": str(folder / "model_run" / "runs" / "1"),
        "custom_config": {"settings": settings.model_dump(mode="json"), "code_version": "tests"},
    }


def run_script(script: str, arguments: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    command = [warm_python(), "-c", script]
    return subprocess.run(command, input=json.dumps(arguments), capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, disc_pair: Callable) -> Path:
    """Each case trained on one device and on two, in `CASE/none` and `CASE/auto`, and others in `NAME/auto`."""
    folder = tmp_path_factory.mktemp("devices")
    # On two devices, a last batch of one record would leave one of them without any.
    train, validation = write(folder / "train", RECORDS, disc_pair), write(folder / "eval", 9, disc_pair)
    arguments = [
        run_arguments(folder / name / distribute, train, validation, distribute, case)
        for name, case in CASES.items()
        for distribute in ("none", "auto")
    ]
    inside_out = write(folder / "inside_out", 9, disc_pair, inside_out=True)
    arguments.append(run_arguments(folder / "worse/auto", train, inside_out, "auto", WORSE))
    arguments.append(run_arguments(folder / "normed/auto", train, validation, "auto", NORMED))
    done = run_script(TRAIN + RUN, arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "model_run/runs/1/training.json").read_text())


def history(folder: Path) -> list[dict[str, float]]:
    with (folder / "model_run/runs/1/history.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def model(folder: Path) -> keras.Model:
    return keras.saving.load_model(folder / "model" / "assets.extra" / "model.keras")


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_two_devices_learn_what_one_learns(folder: Path, case: str) -> None:
    one, two = folder / case / "none", folder / case / "auto"
    assert (summary(one)["devices"], summary(two)["devices"]) == (["CPU:0"], ["CPU:0", "CPU:1"])
    assert (summary(one)["kept"], summary(one)["steps"]) == (summary(two)["kept"], summary(two)["steps"])
    for alone, shared in zip(history(one), history(two), strict=True):
        assert shared == pytest.approx(alone, rel=1e-4)
    for alone, shared in zip(model(one).get_weights(), model(two).get_weights(), strict=True):
        np.testing.assert_allclose(shared, alone, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "best"), [("whole", 2), ("worse", 1)])
def test_the_exported_model_is_that_of_the_best_epoch(folder: Path, case: str, best: int, disc_pair: Callable) -> None:
    two = folder / case / "auto"
    losses = [row["val_loss"] for row in history(two)]
    assert summary(two)["best_epoch"] == best
    assert summary(two)["eval"]["ce_dice"] == pytest.approx(min(losses), rel=1e-4)
    assert min(losses) < 0.99 * max(losses)
    image, _ = disc_pair(32, 48, 99)
    tensor = tf.constant(image[None, ..., None] / 255, tf.float32)
    served = tf.saved_model.load(str(two / "model")).signatures["serve_tensor"](images=tensor)["probability"]
    np.testing.assert_allclose(model(two)(tensor, training=False), served, atol=1e-5)


@pytest.mark.slow
def test_after_a_hundred_steps_the_averages_of_batch_norm_fit(folder: Path) -> None:
    found = summary(folder / "normed/auto")
    assert found["modes"]["train"]["training"] < 0.35
    # With averages that begin with 0 and 1 the first epochs look best, and the learning rate is lowered for it.
    assert [row["learning_rate"] for row in history(folder / "normed/auto")] == pytest.approx([5e-4] * 50)
    for losses in found["modes"].values():
        assert losses["inference"] == pytest.approx(losses["training"], rel=0.2)


@pytest.mark.slow
def test_a_loss_that_breaks_on_the_second_device_is_seen_at_once(tmp_path: Path, disc_pair: Callable) -> None:
    """Not at the next step, after the sum of the gradients has broken the first as well."""
    train = write(tmp_path / "train", 8, disc_pair, full=POISONED_RECORD)
    case = {"training": {**CONFIG["training"], "batch_size": 2}}
    arguments = run_arguments(tmp_path, train, write(tmp_path / "eval", 2, disc_pair), "auto", case)
    done = run_script(TRAIN + POISON + RUN, [arguments])
    assert "TrainingDiverged" in done.stderr, done.stderr[-3000:]
    [path] = (tmp_path / "model_run").glob("nonfinite_batch_*.npz")
    assert path.name in done.stderr
    first, second = np.load(path)["masks"]
    assert second.all()
    assert not first.all()
    assert "step4" not in path.name, "the end of the epoch would have shown it too"


@pytest.mark.parametrize(
    ("records", "batch_size", "message"),
    [
        (16, 7, r"batch_size = 7 cannot be shared equally by 2 accelerators \(GPU:0, GPU:1\): take a multiple of 2"),
        (7, 8, r"batch_size = 8: there are 7 training records, and 2 accelerators .* take full batches only"),
    ],
)
def test_batches_that_cannot_be_shared_are_refused(records: int, batch_size: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        strategy_for(["GPU:0", "GPU:1"], records, batch_size)


def test_accumulation_on_several_accelerators_is_refused_with_what_does_the_same() -> None:
    with pytest.raises(UsageError, match=r"accumulate = 4: Keras cannot on 2 accelerators .* batch_size = 32 without"):
        strategy_for(["GPU:0", "GPU:1"], 64, 8, accumulate=4)


def test_one_device_needs_no_strategy() -> None:
    assert strategy_for(["GPU:0"], 7, 8) is None
