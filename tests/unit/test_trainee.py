"""What is fitted in a model's place: the model's weights, the model's validation, and no trace of it."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from epochs import HEIGHT, MODEL, WIDTH, picture

from components.serving_graph.preprocessing import Standardize
from components.trainer.augmentation import Trainee, change_on_device
from components.trainer.run import build_model, compile_model
from components.trainer.settings import Training

TRAINING = Training(epochs=1, optimizer="adam", learning_rate=0.01, loss="bce_dice")


def network(any_size: bool = False) -> keras.Model:
    keras.utils.set_random_seed(3)
    model = build_model((HEIGHT, WIDTH, 1), MODEL, any_size=any_size)
    compile_model(model, TRAINING, 0.5)
    # Graphs of single steps cost more than they save.
    model.run_eagerly = True
    return model


def trainee_of(model: keras.Model, standardized: bool) -> Trainee:
    trainee = Trainee(model, standardized)
    trainee.compile(model.optimizer, model.loss, run_eagerly=True)
    return trainee


class TestTrainee:
    def batches(self) -> tuple[np.ndarray, np.ndarray]:
        images, masks = zip(*(picture(number) for number in range(4)), strict=True)
        return np.stack(images)[..., None] / np.float32(255), (np.stack(masks)[..., None] > 0).astype(np.float32)

    def fitted(self, dataset: tf.data.Dataset, kind: str) -> list[np.ndarray]:
        model = network(any_size=kind == "patches")
        fitted = model if kind == "model" else trainee_of(model, kind == "patches")
        before = model.get_weights()
        fitted.fit(dataset, verbose=0, shuffle=False)
        assert any(not np.array_equal(one, other) for one, other in zip(before, model.get_weights(), strict=True))
        return model.get_weights()

    def test_it_trains_the_weights_of_the_model_on_what_the_device_changed(self) -> None:
        images, masks = self.batches()
        draws = np.array([[1, 0, 1.5, 0.8, 0.1]] * 4, np.float32)
        there = tuple(pixels.numpy() for pixels in change_on_device(images, masks, draws))
        by_hand = self.fitted(tf.data.Dataset.from_tensors(there), "model")
        by_device = self.fitted(tf.data.Dataset.from_tensors((images, masks, draws)), "device")
        for one, other in zip(by_hand, by_device, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)

    def test_patches_that_are_whole_records_train_like_records(self) -> None:
        images, masks = self.batches()
        plain = self.fitted(tf.data.Dataset.from_tensors((images, masks)), "model")
        patches = self.fitted(tf.data.Dataset.from_tensors((Standardize()(images), masks)), "patches")
        for one, other in zip(plain, patches, strict=True):
            np.testing.assert_allclose(one, other, atol=1e-4)

    @pytest.mark.parametrize("standardized", [False, True])
    def test_validation_is_that_of_the_model(self, standardized: bool) -> None:
        model = network(any_size=True)
        images, masks = self.batches()
        validation = tf.data.Dataset.from_tensors((images, masks))
        expected = model.evaluate(validation, verbose=0)[0]
        trainee = trainee_of(model, standardized)
        draws = np.array([[1, 1, 2, 0.5, 0.2]] * 4, np.float32)
        training = tf.data.Dataset.from_tensors((images, masks) if standardized else (images, masks, draws))
        model.optimizer.learning_rate = 0.0
        history = trainee.fit(training, validation_data=validation, verbose=0, shuffle=False).history
        assert history["val_loss"] == [pytest.approx(expected, abs=1e-6)]
        assert history["loss"] != history["val_loss"]

    def test_the_model_is_left_without_a_trace_of_it(self, tmp_path: Path) -> None:
        model = network(any_size=True)
        images, masks = self.batches()
        trainee = trainee_of(model, standardized=True)
        trainee.fit(tf.data.Dataset.from_tensors((images[:, :8, :12], masks[:, :8, :12])), verbose=0, shuffle=False)
        trainee.save_weights(tmp_path / "best.weights.h5")
        expected = model(images, training=False)
        model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
        trainee.load_weights(tmp_path / "best.weights.h5")
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert loaded.input_shape == (None, HEIGHT, WIDTH, 1)
        assert loaded.output_shape == (None, HEIGHT, WIDTH, 1)
        np.testing.assert_allclose(loaded(images, training=False), expected, atol=1e-6)
        assert type(loaded) is type(model)
