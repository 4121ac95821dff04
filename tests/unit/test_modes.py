"""A model's loss in inference mode beside that in training mode: right after few steps, and told where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from epochs import trainer_settings

from components.task import Task
from components.trainer.choices import compile_model
from components.trainer.models.architecture import MOMENTUM
from components.trainer.modes import ModeLosses, begin_averages, losses_in_both_modes, mixed, warnings
from components.trainer.segmenter import Segmenter, build_segmenter
from components.trainer.settings import Model

pytestmark = pytest.mark.long

NETWORK: dict[str, Any] = {"levels": 4, "base_filters": 4, "normalisation": "batch", "dropout": 0.05}
IMAGES, BATCH, STEPS = 12, 4, 100


def norms(model: Segmenter) -> list[keras.layers.BatchNormalization]:
    return [layer for layer in model.network.layers if isinstance(layer, keras.layers.BatchNormalization)]


def network(**parameters: Any) -> Segmenter:
    keras.utils.set_random_seed(1)
    model = build_segmenter(1, Model(parameters=NETWORK | parameters), Task(), foreground=0.15)
    compile_model(model, trainer_settings(learning_rate=0.001))
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


def begun(records: tf.data.Dataset, **parameters: Any) -> Segmenter:
    model = network(**parameters)
    begin_averages(model, records.batch(BATCH))
    return model


@pytest.fixture(scope="module")
def trained(records: tf.data.Dataset) -> Segmenter:
    model = begun(records)
    endless = records.shuffle(IMAGES, seed=1).batch(BATCH).repeat()
    model.fit(endless, steps_per_epoch=STEPS, shuffle=False, verbose=0)
    return model


@pytest.fixture
def lagging(trained: Segmenter) -> Segmenter:
    """As trained with Keras's momentum: the averages are still partly the 0 and 1 that they began with."""
    model = network()
    model.set_weights(trained.get_weights())
    left = 0.99**STEPS
    for norm in norms(model):
        norm.moving_mean.assign((1 - left) * norm.moving_mean)
        norm.moving_variance.assign(left + (1 - left) * norm.moving_variance)
    return model


def test_after_a_hundred_steps_the_model_is_judged_as_it_was_trained(
    trained: Segmenter, batches: tf.data.Dataset
) -> None:
    losses = losses_in_both_modes(trained, trained.loss, batches)
    # It has learnt, or its averages would hardly matter.
    assert losses.training < 0.35
    assert losses.inference == pytest.approx(losses.training, rel=0.2)
    assert list(warnings(losses, losses)) == []


def test_the_averages_begin_with_the_mean_moments_of_the_batches(records: tf.data.Dataset) -> None:
    model = network(dropout=0.0)
    batches = list(records.batch(BATCH))
    first = norms(model)[0]
    inputs = keras.Model(model.network.inputs, first.input)
    moments = [np.mean(inputs(model.standardize(images)), (0, 1, 2)) for images, _ in batches]
    begin_averages(model, batches)
    np.testing.assert_allclose(first.moving_mean, np.mean(moments, 0), rtol=1e-4)
    assert {norm.momentum for norm in norms(model)} == {MOMENTUM}
    unlike = [(np.full_like(batches[0][0], number), None) for number in range(100)]
    begin_averages(model, [*batches, *[batches[0]] * 5, *unlike])
    np.testing.assert_allclose(first.moving_mean, np.mean([*moments, *[moments[0]] * 5], 0), rtol=1e-4)


@pytest.mark.slow
def test_the_first_steps_lower_the_loss_in_inference_mode_too(
    records: tf.data.Dataset, batches: tf.data.Dataset
) -> None:
    """With averages that begin with 0 and 1 it rises: the epochs in which nothing is learnt yet look best."""
    model = begun(records, levels=5)
    model.optimizer.learning_rate = 3e-4
    losses = [losses_in_both_modes(model, model.loss, batches)]
    for _ in range(4):
        model.fit(batches, shuffle=False, verbose=0)
        losses.append(losses_in_both_modes(model, model.loss, batches))
    assert [loss.inference for loss in losses] == sorted((loss.inference for loss in losses), reverse=True)
    assert [loss.inference for loss in losses] == pytest.approx([loss.training for loss in losses], rel=0.02)


def test_dropout_has_no_part_in_it(batches: tf.data.Dataset) -> None:
    model = network(normalisation="none", dropout=0.25)
    losses = losses_in_both_modes(model, model.loss, batches)
    assert losses.inference == pytest.approx(losses.training, abs=1e-7)
    rates = {layer.rate for layer in model.network.layers if isinstance(layer, keras.layers.Dropout)}
    assert rates == {0.25, 0.5, 0.75}


def test_averages_that_lag_are_told(lagging: Segmenter, batches: tf.data.Dataset) -> None:
    losses = losses_in_both_modes(lagging, lagging.loss, batches)
    [told] = warnings(losses, losses)
    assert told.startswith(f"the training loss is {losses.inference:.3f} in inference mode")
    assert f"{losses.training:.3f} in training mode: the averages of batch norm do not fit" in told


def test_validation_images_that_look_otherwise_are_told_as_such(trained: Segmenter, batches: tf.data.Dataset) -> None:
    """As of another scanner: with noise of its own. The averages fit what was trained on."""
    noise = tf.random.stateless_normal((BATCH, 32, 32, 1), (1, 2), stddev=1.0)
    others = batches.map(lambda images, masks: (images + noise, masks))
    train, validation = (losses_in_both_modes(trained, trained.loss, seen) for seen in (batches, others))
    [told] = warnings(train, validation)
    assert told.startswith(f"the validation loss is {validation.inference:.3f} in inference mode")
    assert "they look unlike those of training" in told


def test_looking_changes_nothing(trained: Segmenter, batches: tf.data.Dataset) -> None:
    before = trained.get_weights()
    once, again = (losses_in_both_modes(trained, trained.loss, batches) for _ in range(2))
    assert once.inference == again.inference
    for one, other in zip(before, trained.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_losses_are_means_over_records_with_the_moments_of_their_own_batch(
    trained: Segmenter, batches: tf.data.Dataset
) -> None:
    """In one batch of all, and without dropout, both are known."""
    model = network(dropout=0.0)
    model.set_weights([weight.numpy() for weight in trained.weights])
    losses = losses_in_both_modes(model, model.loss, batches.unbatch().batch(IMAGES))
    images, masks = next(iter(batches.unbatch().batch(IMAGES)))
    assert losses.inference == pytest.approx(float(np.mean(model.loss(masks, model(images)))), rel=1e-5)
    for norm in norms(model):
        norm.momentum = 0.0
    model(images, training=True)
    assert losses.training == pytest.approx(float(np.mean(model.loss(masks, model(images)))), rel=1e-3)


def test_of_many_records_some_are_looked_at_from_all_over() -> None:
    """Six times as many as are looked at, which are mixed."""
    numbers = np.arange(384, dtype=np.float32)
    spread = list(mixed(tf.data.Dataset.from_tensor_slices((numbers, -numbers)).batch(50), 8))
    assert [len(images) for images, _ in spread] == [8] * 8
    seen = np.concatenate([images for images, _ in spread])
    assert sorted(seen) == list(range(0, 384, 6))
    assert list(seen) != sorted(seen)
    np.testing.assert_array_equal(np.concatenate([masks for _, masks in spread]), -seen)


def test_no_more_than_64_records_are_looked_at(trained: Segmenter, records: tf.data.Dataset) -> None:
    endless = iter(records.repeat().batch(30))
    losses_in_both_modes(trained, trained.loss, endless)
    # Three batches; the fourth begins with the seventh record.
    np.testing.assert_array_equal(next(endless)[0][0], next(iter(records.skip(6)))[0])


@pytest.mark.parametrize(
    ("inference", "training", "far"),
    [
        *((0.61, 0.5, True), (0.59, 0.5, False), (24.2, 0.4, True)),
        *((0.3, 0.5, False), (0.03, 0.015, False), (0.05, 0.025, True)),
    ],
)
def test_far_apart_is_a_fifth_more_in_inference(inference: float, training: float, far: bool) -> None:
    assert ModeLosses(inference, training).far_apart is far
