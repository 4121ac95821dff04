"""Layers that find what is bright, on the disk as a model that is served, and records to judge it by."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from components.engine_export.measured import Cases
from components.imaging.geometry.placement import letterbox
from components.inference.engines.engine import Asked
from components.inference.operating_point import OWN
from components.records.record import Record
from components.records.settings import Derivation
from components.records.tfexample import serialize, shard_name, shard_writer
from components.task import Task

SIDE = 16
DERIVATION = Derivation(height=SIDE, width=SIDE)
SAMPLES = [
    Asked(np.random.default_rng(seed).random((1, SIDE, SIDE, 1), np.float32), np.array([[0.5, 0.3]], np.float32))
    for seed in range(4)
]


def drawn(number: int) -> tuple[np.ndarray, np.ndarray]:
    """An image, a square brighter than its noise, and its truth."""
    rng, truth = np.random.default_rng(number), np.zeros((SIDE, SIDE), np.uint8)
    top, left = rng.integers(1, 7, 2)
    truth[top : top + 8, left : left + 8] = 1
    return (rng.integers(0, 60, (SIDE, SIDE)) + 190 * truth).astype(np.uint8), truth


def network(gain: float = 1.0) -> keras.Model:
    """Layers that find what is bright; `gain` is that of the last one."""
    keras.utils.set_random_seed(0)
    images = keras.Input((SIDE, SIDE, 1))
    hidden = keras.layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer="ones")(images)
    hidden = keras.layers.BatchNormalization(momentum=0.0)(hidden)
    middle = keras.layers.Conv2D(4, 1, kernel_initializer=keras.initializers.Constant(0.25), activation="relu")(hidden)
    last = keras.layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(gain), bias_initializer="zeros")
    model = keras.Model(images, keras.ops.sigmoid(last(middle) - 3.2))
    model(np.stack([drawn(number)[0] for number in range(8)])[..., None] / np.float32(255), training=True)
    return model


def save(model: keras.Model, folder: Path) -> Path:
    """As a SavedModel that has what is asked of one that is served."""
    spec = tf.TensorSpec([None, SIDE, SIDE, 1], tf.float32, name="images")
    answer = tf.function(lambda images: {"probability": model(images)}, input_signature=[spec])
    tf.saved_model.save(model, folder, signatures={"serve_tensor": answer, OWN: answer})
    (folder / "assets.extra").mkdir()
    config = {"derivation": DERIVATION.model_dump(mode="json"), "task": Task().model_dump()}
    (folder / "assets.extra/training.json").write_text(json.dumps({"config": config}))
    return folder


def cases_in(examples: Path, count: int) -> Cases:
    """Records of so many groups to judge by, a case each, and of twenty others that were learnt from."""
    examples.mkdir(parents=True, exist_ok=True)
    place = letterbox(SIDE, SIDE, SIDE, SIDE).as_json()
    for split, numbers in {"train": range(count, count + 20), "eval": range(count)}.items():
        with shard_writer(str(examples), split, shard_name(0, 1)) as writer:
            for number in numbers:
                image, truth = drawn(number)
                names = (f"c{number}", f"p{number}", f"c{number}.png", number.to_bytes(32, "big"))
                writer.write(serialize(Record(image, truth, *names, place)))
    return Cases(str(examples), ["train"], ["eval"], "skip")
