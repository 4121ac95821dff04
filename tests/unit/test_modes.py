"""A model's loss in inference mode beside that in training mode: right after few steps, and told where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.models.architecture import MOMENTUM
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.modes import ModeLosses, begin_averages, losses_in_both_modes, warnings
from components.trainer.run import build_model, compile_model

TRAINING: dict[str, Any] = {"optimizer": "adam", "learning_rate": 0.001, "clip_value": None, "loss": "bce_dice"}
NETWORK: dict[str, Any] = {"levels": 4, "base_filters": 4, "batch_norm": True, "dropout": 0.05}
IMAGES, BATCH, STEPS = 12, 4, 100


def norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    return [layer for layer in model.layers[-1].layers if isinstance(layer, keras.layers.BatchNormalization)]


def network(**parameters: Any) -> keras.Model:
    keras.utils.set_random_seed(1)
    model = build_model((32, 32, 1), {"architecture": "unet", "parameters": NETWORK | parameters}, foreground=0.15)
    compile_model(model, TRAINING, 0.5)
    return model


@pytest.fixture(scope="module")
def records(disc_pair: Callable) -> tf.data.Dataset:
    images, masks = zip(*(disc_pair(32, 32, seed) for seed in range(IMAGES)), strict=True)
    return tf.data.Dataset.from_tensor_slices(
        (np.stack(images)[..., None] / np.float32(255), np.stack(masks)[..., None].astype(np.float32))
    )


@pytest.fixture(scope="module")
def batches(records: tf.data.Dataset) -> tf.data.Dataset:
    return records.batch(BATCH)


def fitted(records: tf.data.Dataset, steps: int) -> keras.Model:
    model = network()
    batches = records.shuffle(IMAGES, seed=1).batch(BATCH).repeat()
    begin_averages(model, model.layers[-1], (images for images, _ in batches.take(3)))
    model.fit(batches, steps_per_epoch=steps, shuffle=False, verbose=0)
    return model


@pytest.fixture(scope="module")
def trained(records: tf.data.Dataset) -> keras.Model:
    return fitted(records, STEPS)


@pytest.fixture
def lagging(trained: keras.Model) -> keras.Model:
    """As trained with Keras's momentum: the averages are still partly the 0 and 1 that they began with."""
    model = network()
    model.set_weights(trained.get_weights())
    left = 0.99**STEPS
    for norm in norms(model):
        norm.moving_mean.assign((1 - left) * norm.moving_mean)
        norm.moving_variance.assign(left + (1 - left) * norm.moving_variance)
    return model


def test_after_a_hundred_steps_the_model_is_judged_as_it_was_trained(
    trained: keras.Model, batches: tf.data.Dataset
) -> None:
    losses = losses_in_both_modes(trained, batches, BATCH)
    # It has learnt, or its averages would hardly matter.
    assert losses.training < 0.35
    assert losses.inference == pytest.approx(losses.training, rel=0.2)
    assert list(warnings({"train": losses})) == []


def test_the_averages_begin_with_the_mean_moments_of_the_batches(records: tf.data.Dataset) -> None:
    model = network(dropout=0.0)
    batches = [images for images, _ in records.batch(BATCH)]
    first = norms(model)[0]
    inputs = keras.Model(model.layers[-1].inputs, first.input)
    standardize = model.layers[-2]
    moments = [np.mean(inputs(standardize(images)), (0, 1, 2)) for images in batches]
    begin_averages(model, model.layers[-1], batches)
    np.testing.assert_allclose(first.moving_mean, np.mean(moments, 0), rtol=1e-4)
    assert {norm.momentum for norm in norms(model)} == {MOMENTUM}
    unlike = [np.full_like(batches[0], number) for number in range(100)]
    begin_averages(model, model.layers[-1], [*batches, *[batches[0]] * 5, *unlike])
    np.testing.assert_allclose(first.moving_mean, np.mean([*moments, *[moments[0]] * 5], 0), rtol=1e-4)


def test_nor_is_it_judged_otherwise_after_two_epochs_of_three_steps(
    records: tf.data.Dataset, batches: tf.data.Dataset
) -> None:
    losses = losses_in_both_modes(fitted(records, 6), batches, BATCH)
    assert losses.inference == pytest.approx(losses.training, rel=0.2)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_no_architecture_forgets_its_first_averages_too_slowly(name: str) -> None:
    model = build_model((32, 32, 1), {"architecture": name, "parameters": NETWORK})
    assert norms(model)
    assert all(norm.momentum**50 < 0.01 for norm in norms(model))


def test_averages_that_lag_are_told(lagging: keras.Model, batches: tf.data.Dataset) -> None:
    losses = losses_in_both_modes(lagging, batches, BATCH)
    told = list(warnings({"train": losses, "eval": ModeLosses(0.3, 0.3)}))
    assert len(told) == 1
    assert f"training loss is {losses.inference:.3f} in inference mode" in told[0]
    assert f"{losses.training:.3f} in training mode" in told[0]


def test_looking_changes_nothing(trained: keras.Model, batches: tf.data.Dataset) -> None:
    before = trained.get_weights()
    once, again = (losses_in_both_modes(trained, batches, BATCH) for _ in range(2))
    assert once.inference == again.inference
    for one, other in zip(before, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_losses_are_means_over_records_with_the_moments_of_their_own_batch(
    trained: keras.Model, batches: tf.data.Dataset
) -> None:
    """In one batch of all, and without dropout, both are known."""
    model = network(dropout=0.0)
    model.set_weights([weight.numpy() for weight in trained.weights])
    losses = losses_in_both_modes(model, batches, IMAGES)
    images, masks = next(iter(batches.unbatch().batch(IMAGES)))
    assert losses.inference == pytest.approx(float(np.mean(model.loss(masks, model(images)))), rel=1e-5)
    for norm in norms(model):
        norm.momentum = 0.0
    model(images, training=True)
    assert losses.training == pytest.approx(float(np.mean(model.loss(masks, model(images)))), rel=1e-3)


def test_of_many_records_some_are_looked_at_from_all_over(trained: keras.Model) -> None:
    """Six times as many as are looked at."""
    seen: list[float] = []

    class Watched(keras.Model):
        def call(self, images: tf.Tensor, training: bool = False) -> tf.Tensor:
            seen.extend(images[:, 0, 0, 0].numpy())
            return trained(images, training=training)

    model = Watched()
    model.compile(loss=trained.loss)
    numbered = tf.data.Dataset.range(384).map(
        lambda number: (tf.fill((32, 32, 1), tf.cast(number, tf.float32)), tf.zeros((32, 32, 1)))
    )
    losses_in_both_modes(model, numbered.batch(50), 8)
    assert sorted(seen) == sorted([float(number) for number in range(0, 384, 6)] * 2)


@pytest.mark.parametrize(
    ("inference", "training", "far"),
    [
        *((0.61, 0.5, True), (0.59, 0.5, False), (24.2, 0.4, True)),
        *((0.3, 0.5, False), (0.03, 0.015, False), (0.05, 0.025, True)),
    ],
)
def test_far_apart_is_a_fifth_more_in_inference(inference: float, training: float, far: bool) -> None:
    assert ModeLosses(inference, training).far_apart is far
