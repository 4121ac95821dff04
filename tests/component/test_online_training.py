"""Training that draws its samples in every epoch, from records to the exported model, and the end of its process."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.imaging.files.codecs import encode_png
from components.records.record import Record
from components.records.tfexample import serialize
from components.trainer.run import run_fn
from pipeline.config.loader import parse_config

CONFIG = {
    "data": {"layout": "folders", "height": 32, "width": 48, "splits": {"train": 50, "eval": 25, "test": 25}},
    "model": {"parameters": {"levels": 2, "base_filters": 4, "normalisation": "none"}},
    "training": {"epochs": 3, "batch_size": 4},
}
OPERATIONS = {"horizontal_flip": 0.5, "gamma": {"probability": 1.0}, "rotation": {"probability": 1.0}}
BUSY_AT_THE_END = """
import sys
import tensorflow as tf
from components.trainer.augmentation import EpochChanges
from components.trainer.batches import TrainingData
from components.imaging.augmentation.settings import Augmentation

slow = dict.fromkeys(("elastic", "barrel", "pincushion", "low_resolution", "noise"), {"probability": 1.0})
section = Augmentation.model_validate({"online": True, **slow})
batches = iter(TrainingData([sys.argv[1]], (1024, 1024, 1), 1, 0, EpochChanges(0, section, None)).batches())
next(batches)
"""


def write(folder: Path, count: int, size: tuple[int, int], disc_pair: Any) -> str:
    folder.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(folder / "shard")) as writer:
        for number in range(count):
            name = f"r{number}"
            writer.write(serialize(Record(*disc_pair(*size, number), name, name, f"{name}.png", b"\0" * 32, {})))
    return str(folder / "shard")


@pytest.mark.parametrize(
    "changes",
    [
        {"augmentation": {"online": True, **OPERATIONS}},
        {"augmentation": {"on_device": True, "horizontal_flip": 0.5, "contrast": {"probability": 1.0}}},
        {
            "augmentation": {"strength": "standard"},
            "training": {
                **CONFIG["training"],
                **{"patch": {"height": 16, "width": 16, "per_record": 2}, "oversample_foreground": 0.33},
            },
        },
    ],
    ids=["online", "on the device", "patches"],
)
def test_the_exported_model_is_the_one_that_was_validated(
    changes: dict[str, Any], tmp_path: Path, disc_pair: Any, served: Callable[..., Path]
) -> None:
    config = parse_config({**CONFIG, **changes}, "tests")
    validation = write(tmp_path / "eval", 5, (32, 48), disc_pair)
    arguments = FnArgs(
        train_files=[write(tmp_path / "train", 10, (32, 48), disc_pair)],
        eval_files=[validation],
        serving_model_dir=str(tmp_path / "model"),
        model_run_dir=str(tmp_path / "model_run" / "runs" / "1"),
        custom_config={"settings": config.trainer.model_dump(mode="json"), "code_version": "tests"},
    )
    run_fn(arguments)
    with (Path(arguments.model_run_dir) / "history.csv").open() as file:
        history = list(csv.DictReader(file))
    assert len(history) == 3
    training = json.loads((Path(arguments.model_run_dir) / "training.json").read_text())
    assert training["eval"]["ce_dice"] == pytest.approx(min(float(row["val_loss"]) for row in history), rel=1e-4)
    drawn = {"samples": 20, "foreground_per_batch": 1, "balanced": {}}
    assert training["sampling"] == (drawn if config.training.oversample_foreground else None)
    # What the epochs saw was not what is evaluated now.
    assert training["train"]["ce_dice"] != pytest.approx(float(history[training["best_epoch"] - 1]["loss"]), rel=1e-4)

    image, _ = disc_pair(32, 48, 99)
    signatures = tf.saved_model.load(str(served(arguments, config))).signatures
    tensor = tf.constant(image[None, ..., None] / 255, tf.float32)
    expected = signatures["serve_tensor"](images=tensor)["probability"]
    model = keras.saving.load_model(Path(arguments.serving_model_dir) / "assets.extra" / "model.keras")
    np.testing.assert_allclose(model(tensor, training=False), expected, atol=1e-5)
    from_bytes = signatures["serve_image_bytes"](images=tf.constant([encode_png(image)]))["probability"][0]
    probability = tf.io.decode_png(from_bytes, dtype=tf.uint16) / 65535
    np.testing.assert_allclose(probability, expected[0], atol=1e-4)


def test_a_process_ends_in_peace_while_samples_are_made(tmp_path: Path, disc_pair: Any) -> None:
    """An error or Ctrl-C during training leaves the pipeline at work: the exit code must still be the program's."""
    shard = write(tmp_path / "train", 8, (1024, 1024), disc_pair)
    done = subprocess.run(
        [sys.executable, "-c", BUSY_AT_THE_END, shard], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
