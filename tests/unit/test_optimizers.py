"""Every optimizer that a config may name, made of its settings, and their updates against those worked by hand."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.trainer.choices import optimizer_named
from components.trainer.follow_pace import apply_accumulated
from components.trainer.optimizers.registry import OPTIMIZERS
from components.trainer.settings import Training


def made(name: str, **training: Any) -> keras.Optimizer:
    return optimizer_named(Training(epochs=1, optimizer=name, learning_rate=0.02, **training))


def updated(optimizer: keras.Optimizer, *gradients: float, begin: float = 1.0, name: str = "kernel") -> float:
    """A weight after so many steps."""
    weight = keras.Variable(begin, name=name)
    optimizer.build([weight])
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [weight])
    return float(weight)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("key", ["clip_value", "clip_norm"])
def test_an_optimizer_has_its_learning_rate_and_cuts_gradients_where_it_is_told_to(name: str, key: str) -> None:
    for value in (None, 0.5):
        optimizer = made(name, **{key: value})
        assert float(optimizer.learning_rate) == pytest.approx(0.02)
        found = {"clip_value": optimizer.clipvalue, "clip_norm": optimizer.global_clipnorm}
        assert found.pop(key) == value
        assert list(found.values()) == [None]


def test_adamw_by_hand() -> None:
    """Of the first step Adam's part is the rate, whatever the gradient; the decay is a share of the weight."""
    assert updated(made("adamw"), 3.0) == pytest.approx(1 - 0.02 * 0.01 - 0.02)
    assert updated(made("adamw", weight_decay=0.5), 3.0, begin=2.0) == pytest.approx(2 - 2 * 0.02 * 0.5 - 0.02)
    assert updated(made("adamw", weight_decay=0.0), 3.0) == updated(made("adam"), 3.0)


@pytest.mark.parametrize("name", ["bias", "gamma", "beta"])
def test_adamw_leaves_shifts_and_scales_undecayed(name: str) -> None:
    assert updated(made("adamw", weight_decay=0.5), 3.0, name=name) == pytest.approx(1 - 0.02)


def test_sgd_by_hand() -> None:
    """v = 0.5 v + g; w = w - 0.02 (g + 0.5 v), with g the gradient and 0.1 w."""
    first = 1 - 0.02 * 1.5 * (3 + 0.1)
    velocity = 0.5 * (3 + 0.1) + (2 + 0.1 * first)
    second = first - 0.02 * (2 + 0.1 * first + 0.5 * velocity)
    assert updated(made("sgd", momentum=0.5, weight_decay=0.1), 3.0, 2.0) == pytest.approx(second)


def test_sgd_stands_still_at_a_rate_of_nothing() -> None:
    """Whatever its velocity: a schedule that has ended has ended."""
    optimizer, weight = made("sgd"), keras.Variable(1.0)
    optimizer.build([weight])
    for rate in (0.02, 0.02, 0.0):
        before = float(weight)
        optimizer.learning_rate = rate
        optimizer.apply([tf.constant(3.0)], [weight])
        assert (float(weight) == before) == (rate == 0)


def test_the_norm_is_that_of_all_gradients() -> None:
    """Of (3, 4) it is 5: a clip to 1 divides both by it."""
    optimizer = made("sgd", momentum=0.5, weight_decay=0.0, clip_norm=1.0)
    weights = [keras.Variable(1.0), keras.Variable(1.0)]
    optimizer.build(weights)
    optimizer.apply([tf.constant(3.0), tf.constant(4.0)], weights)
    np.testing.assert_allclose(weights, [1 - 0.02 * 1.5 * 0.6, 1 - 0.02 * 1.5 * 0.8], rtol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_accumulated_gradients_make_the_update_of_their_mean(name: str) -> None:
    assert updated(made(name, accumulate=3), 1.0, 2.0, 6.0) == pytest.approx(updated(made(name), 3.0), rel=1e-6)


def test_what_waits_for_other_batches_at_the_end_is_not_lost() -> None:
    """One batch of the two of an update: it has the weight of a half, as in every other."""
    optimizer = made("sgd", accumulate=2, momentum=0.5, weight_decay=0.0)
    model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.build((None, 1))
    model.compile(optimizer)
    optimizer.build(model.trainable_variables)
    for gradient, steps in ((2.0, 1), (4.0, 2), (6.0, 3)):
        optimizer.apply([tf.constant([[gradient]])], model.trainable_variables)
        if steps < 3:
            before = float(model.get_weights()[0][0, 0])
    assert float(model.get_weights()[0][0, 0]) == before
    apply_accumulated(model, 3)
    first = 1 - 0.02 * 1.5 * 3
    assert before == pytest.approx(first)
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(first - 0.02 * (3 + 0.5 * (0.5 * 3 + 3)))
    apply_accumulated(model, 4)
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(first - 0.02 * (3 + 0.5 * (0.5 * 3 + 3)))
