"""What every architecture must do: a test class with two lines puts one through it.

class TestUNet(ArchitectureTests):
    parameters = UNet(levels=3, base_filters=2, normalisation="batch")
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation
from components.serving_graph.export import export_model
from components.task import Task
from components.trainer.choices import loss_named
from components.trainer.deep_supervision import as_served, build_supervised
from components.trainer.losses.registry import LOSSES
from components.trainer.models.architecture import MOMENTUM, Architecture
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.segmenter import Segmenter, body_of, build_segmenter
from components.trainer.settings import Model

ONE, THREE = Task(), Task(classes=["a", "b", "c"])
NORMS = ["none", "batch", "group", "instance"]
TASKS = [pytest.param(ONE, id="one class"), pytest.param(THREE, id="three classes")]


class ArchitectureTests:
    """Of small parameters, so that all of it takes seconds."""

    parameters: ClassVar[Architecture]

    def model(self, **changed: str) -> Model:
        [name] = [name for name, kind in ARCHITECTURES.items() if kind is type(self.parameters)]
        return Model(architecture=name, parameters=self.parameters.model_dump() | changed)

    def build(self, task: Task = ONE, channels: int = 1, seed: int = 1, **changed: str) -> Segmenter:
        keras.utils.set_random_seed(seed)
        return build_segmenter(channels, self.model(**changed), task, 0.3)

    @property
    def size(self) -> tuple[int, int]:
        """The smallest that is not square."""
        return 2 * self.parameters.input_multiple, 3 * self.parameters.input_multiple

    def images(self, count: int = 2, channels: int = 1) -> np.ndarray:
        return np.random.default_rng(0).random((count, *self.size, channels), np.float32)

    def truth(self, task: Task, count: int = 2) -> np.ndarray:
        """Blocks of each class."""
        coarse = np.random.default_rng(1).integers(0, len(task.classes) + 1, (count, 2, 3, 1))
        return coarse.repeat(self.size[0] // 2, 1).repeat(self.size[1] // 3, 2).astype(np.float32)

    @pytest.mark.parametrize("task", TASKS)
    @pytest.mark.parametrize("channels", [1, 3])
    def test_any_multiple_of_its_stride_has_probabilities_of_its_size(self, task: Task, channels: int) -> None:
        model, step = self.build(task, channels), self.parameters.input_multiple
        for rows, columns in ((1, 1), (2, 3), (5, 1)):
            images = np.random.default_rng(0).random((2, rows * step, columns * step, channels), np.float32)
            found = model(images).numpy()
            assert found.shape == (*images.shape[:3], task.channels)
            assert found.dtype == np.float32
            assert ((found > 0) & (found < 1)).all()
            if task.several:
                np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)

    @pytest.mark.parametrize("task", TASKS)
    @pytest.mark.parametrize("loss", LOSSES)
    def test_every_weight_has_a_gradient(self, task: Task, loss: str) -> None:
        model = self.build(task)
        with tf.GradientTape() as tape:
            found = tf.reduce_mean(loss_named(loss, task)(self.truth(task), model(self.images(), training=True)))
        for weight, gradient in zip(
            model.trainable_variables, tape.gradient(found, [w.value for w in model.trainable_variables]), strict=True
        ):
            assert gradient is not None, weight.path
            assert np.isfinite(gradient).all(), weight.path
            # Batch norm takes a bias before it away again, and a layer may be dead for two images.
            assert np.any(gradient) or "bias" in weight.path, weight.path

    @pytest.mark.parametrize("task", TASKS)
    def test_a_few_steps_lower_the_loss(self, task: Task) -> None:
        model, images, truth = self.build(task), self.images(4), self.truth(task, 4)
        model.compile(keras.optimizers.Adam(3e-3), loss=loss_named("ce_dice", task))
        losses = [float(model.train_on_batch(images, truth)) for _ in range(8)]
        assert losses[-1] < losses[0]

    def test_the_same_seed_gives_the_same_network_and_another_another(self) -> None:
        images = self.images()
        one, same, other = (self.build(seed=seed)(images).numpy() for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert np.abs(one - other).max() > 0

    def test_running_averages_follow_within_fifty_steps(self) -> None:
        norms = [layer for layer in self.build().network.layers if isinstance(layer, keras.layers.BatchNormalization)]
        assert all(norm.momentum == MOMENTUM for norm in norms)

    @pytest.mark.parametrize("norm", NORMS)
    def test_norms_of_an_image_alone_do_not_see_the_others(self, norm: str, tmp_path: Path) -> None:
        if "normalisation" not in type(self.parameters).model_fields:
            pytest.skip("it has none to choose")
        model, images = self.build(normalisation=norm, dropout=0.0), self.images()
        both = model(images, training=True).numpy()
        if norm == "batch":
            assert np.abs(both[:1] - model(images[:1], training=True)).max() > 1e-3
        else:
            for mode in (True, False):
                np.testing.assert_allclose(both[:1], model(images[:1], training=mode), atol=1e-5)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
        np.testing.assert_array_equal(loaded(images), model(images))

    def test_side_outputs_are_as_many_as_it_says_ever_coarser_and_whole_parts_of_the_images(self) -> None:
        images, features = body_of(1, self.model())
        assert len(features) == 1 + self.parameters.side_outputs
        sizes = [tuple(found.shape[1:3]) for found in keras.Model(images, features)(self.images())]
        assert sizes[0] == self.size
        assert sizes == sorted(set(sizes), reverse=True)
        assert all(whole % part == 0 for size in sizes for whole, part in zip(self.size, size, strict=True))

    @pytest.mark.parametrize("task", TASKS)
    def test_side_outputs_are_trained_and_never_served(self, task: Task) -> None:
        if self.parameters.side_outputs < 2:
            pytest.skip("it has none to judge")
        keras.utils.set_random_seed(1)
        model, images, truth = build_supervised(1, self.model(), task, 0.3), self.images(), self.truth(task)
        plain, served = self.build(task), as_served(model)
        for one, other in zip(plain.get_weights(), served.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(served(images), model(images))
        assert as_served(plain) is plain
        model.compile(keras.optimizers.SGD(0.01), loss=loss_named("ce_dice", task))
        before = [weight.numpy() for weight in model.trainable_weights]
        # Kernel and bias of each head beside the network's own.
        assert len(before) == len(plain.trainable_weights) + 2 * (self.parameters.side_outputs - 1)
        model.train_on_batch(images, truth)
        moved = [np.any(old != new) for old, new in zip(before, model.trainable_weights, strict=True)]
        assert np.mean(moved) > 0.8
        assert all(moved[-2:])

    @pytest.mark.parametrize("task", TASKS)
    def test_it_comes_back_from_a_file_and_is_served(self, task: Task, tmp_path: Path) -> None:
        model, images = self.build(task), self.images()
        expected = model(images).numpy()
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
        np.testing.assert_array_equal(loaded(images), expected)
        height, width = (max(16, side) for side in self.size)
        derivation = Derivation(height=height, width=width)
        export_model(loaded, tmp_path / "served", task, OperatingPoint(), derivation)
        served = tf.saved_model.load(str(tmp_path / "served")).signatures["serve_tensor"]
        tensor = tf.constant(np.random.default_rng(0).random((1, height, width, 1), np.float32))
        answer = served(images=tensor)
        np.testing.assert_allclose(answer["probability"], model(tensor), atol=1e-5)
        np.testing.assert_array_equal(answer["mask"][..., 0], task.predicted(answer["probability"].numpy(), 0.5))

    @pytest.fixture
    def bfloat16(self) -> Iterator[None]:
        keras.config.set_dtype_policy("mixed_bfloat16")
        yield
        keras.config.set_dtype_policy("float32")

    @pytest.mark.usefixtures("bfloat16")
    @pytest.mark.parametrize("task", TASKS)
    def test_half_precision_keeps_loss_and_gradients_finite(self, task: Task) -> None:
        model = self.build(task)
        with tf.GradientTape() as tape:
            probability = model(1e4 * self.images(), training=True)
            loss = tf.reduce_mean(loss_named("ce_dice", task)(self.truth(task), probability))
        assert probability.dtype == tf.float32
        gradients = tape.gradient(loss, [weight.value for weight in model.trainable_variables])
        assert all(np.isfinite(tf.cast(gradient, tf.float32)).all() for gradient in [loss, *gradients])
