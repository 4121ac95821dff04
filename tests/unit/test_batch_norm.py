"""Batch norm in one kernel: the numbers of Keras's own."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.batch_norm import BatchNorm

Layer = keras.layers.BatchNormalization
FEATURES = np.random.default_rng(0).normal(3, 2, (3, 8, 6, 4)).astype(np.float32)


def trained(kind: type[Layer], dtype: str = "float32") -> tuple[Layer, list[np.ndarray]]:
    """A layer after a step of training; what it gave, its averages, and gradients of features, scale and offset."""
    layer = kind(momentum=0.9, dtype=dtype)
    layer.build(FEATURES.shape)
    layer.gamma.assign([1.0, 2.0, 0.5, 1.5])
    features = tf.Variable(FEATURES)
    with tf.GradientTape() as tape:
        normed = layer(features, training=True)
        loss = tf.reduce_sum(tf.cast(normed, tf.float32) ** 3)
    gradients = tape.gradient(loss, [features, layer.gamma.value, layer.beta.value])
    found = [normed, layer.moving_mean, layer.moving_variance, *gradients]
    return layer, [np.asarray(tf.cast(each, tf.float32)) for each in found]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("mixed_bfloat16", 2e-2)])
def test_outputs_averages_and_gradients_are_those_of_keras(dtype: str, tolerance: float) -> None:
    _, expected = trained(Layer)
    layer, found = trained(BatchNorm, dtype)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * np.abs(other).max())
    assert layer.moving_variance.dtype == "float32"


def test_averages_of_half_precision_features_are_not_of_half_precision() -> None:
    """Exact for what the features are once they are rounded: sums of them are not."""
    layer, _ = trained(BatchNorm, "mixed_bfloat16")
    rounded = np.asarray(tf.cast(tf.cast(FEATURES, tf.bfloat16), tf.float32))
    np.testing.assert_allclose(layer.moving_mean, 0.1 * rounded.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, 0.9 + 0.1 * rounded.var((0, 1, 2)), rtol=1e-5)


def test_in_inference_and_frozen_it_is_that_of_keras() -> None:
    (ours, _), (theirs, _) = trained(BatchNorm), trained(Layer)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_array_equal(ours(FEATURES), theirs(FEATURES))
    ours.trainable = False
    np.testing.assert_array_equal(ours(FEATURES, training=True), theirs(FEATURES))


def test_it_comes_back_from_a_file_as_it_was(tmp_path: Path) -> None:
    images = keras.Input((None, None, 4))
    keras.Model(images, BatchNorm(momentum=0.9)(images)).save(tmp_path / "model.keras")
    [_, layer] = keras.saving.load_model(tmp_path / "model.keras").layers
    assert type(layer) is BatchNorm
    assert layer.momentum == 0.9
