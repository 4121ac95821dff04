"""What is trained, saved and exported: one model, whatever a batch holds beside images."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from epochs import HEIGHT, MODEL, WIDTH, picture, trainer_settings

from components.serving_graph.preprocessing import moments
from components.task import Task
from components.trainer.augmentation import change_on_device
from components.trainer.choices import compile_model
from components.trainer.metrics import Judge
from components.trainer.models.registry import network_module
from components.trainer.segmenter import Segmenter, build_segmenter


def segmenter(task: Task | None = None) -> Segmenter:
    keras.utils.set_random_seed(3)
    model = build_segmenter(1, MODEL, task or Task())
    compile_model(model, trainer_settings(task, learning_rate=0.01))
    # Graphs of single steps cost more than they save.
    model.run_eagerly = True
    return model


def batches() -> tuple[np.ndarray, np.ndarray]:
    images, masks = zip(*(picture(number) for number in range(4)), strict=True)
    return np.stack(images)[..., None] / np.float32(255), (np.stack(masks)[..., None] > 0).astype(np.float32)


def fitted(*batch: Any) -> list[np.ndarray]:
    """The weights after one step."""
    model = segmenter()
    before = model.get_weights()
    model.fit(tf.data.Dataset.from_tensors(batch), verbose=0, shuffle=False)
    assert any(not np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))
    return model.get_weights()


def assert_close(some: list[np.ndarray], others: list[np.ndarray], tolerance: float) -> None:
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance)


@pytest.mark.parametrize("of_parts", [False, True])
def test_it_trains_on_what_the_device_changed(of_parts: bool) -> None:
    images, masks = batches()
    inputs = (images, np.float32([[0.4, 0.2]] * 4)) if of_parts else images
    draws = np.array([[1, 0, 1.5, 0.8, 0.1]] * 4, np.float32)
    by_hand = fitted(*change_on_device(inputs, masks, draws))
    assert_close(by_hand, fitted(inputs, masks, draws), 1e-6)


def test_parts_that_are_whole_records_train_like_records() -> None:
    images, masks = batches()
    assert_close(fitted(images, masks), fitted((images, moments(tf.constant(images))), masks), 1e-4)


def test_a_part_is_standardized_as_in_the_whole() -> None:
    """Far from its border, where the network sees the same: by its own moments it would look brighter or darker."""
    model = segmenter()
    images, _ = batches()
    half = (images[:, :, :24], moments(tf.constant(images)))
    np.testing.assert_allclose(model(half)[:, 8:24, 8:16], model(images)[:, 8:24, 8:16], atol=1e-5)
    assert np.abs(model(images[:, :, :24]) - model(half)).max() > 1e-3


def test_judging_weighs_images_alike_whatever_batches_hold() -> None:
    model = segmenter()
    images, masks = batches()
    judge = Judge(model, Task())
    parts = [(images[:1], masks[:1]), (images[1:], masks[1:])]
    assert judge(parts) == pytest.approx(judge([(images, masks)]), abs=1e-6)
    assert judge(parts)["loss"] == pytest.approx(np.mean(model.loss(masks, model(images))), abs=1e-6)


@pytest.mark.parametrize("classes", [["lesion"], ["breast", "muscle", "lesion"]])
def test_it_comes_back_from_a_file(classes: list[str], tmp_path: Path) -> None:
    task = Task(classes=classes)
    model = segmenter(task)
    images, _ = batches()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    expected = model(images).numpy()
    assert expected.shape == (4, HEIGHT, WIDTH, task.channels)
    np.testing.assert_array_equal(loaded(images), expected)
    with_parts = (images, np.float32([[0.4, 0.2]] * 4))
    np.testing.assert_array_equal(loaded(with_parts), model(with_parts))


def test_a_file_brings_the_module_of_its_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which may have layers of its own: without it Keras would not know them where nothing was trained."""
    segmenter().save(tmp_path / "model.keras")
    monkeypatch.delitem(sys.modules, network_module("unet"))
    keras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert network_module("unet") in sys.modules


def test_the_head_expects_as_much_foreground_as_there_is() -> None:
    classes = Task(classes=["a", "b"])
    expected = {1: [0.1], 3: [0.9, 0.05, 0.05]}
    for task in (Task(), classes):
        network = build_segmenter(1, MODEL, task, foreground=0.1).network
        kernel, bias = network.get_layer("probability").get_weights()
        network.get_layer("probability").set_weights([np.zeros_like(kernel), bias])
        probability = network(np.zeros((1, 8, 8, 1), np.float32)).numpy()[0, 0, 0]
        assert probability == pytest.approx(expected[task.channels], abs=1e-6)
