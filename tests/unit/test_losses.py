"""The training loss against plain NumPy, and where masks are empty."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from components.measures import overlap
from components.trainer.choices import loss_named
from components.trainer.losses.bce_dice import bce_dice, soft_dice
from components.trainer.losses.registry import LOSSES


def as_batch(*planes: np.ndarray) -> np.ndarray:
    return np.stack(planes).astype(np.float32)[..., None]


def test_worked_example() -> None:
    truth = np.array([[1, 0], [0, 0]])
    half = np.full((2, 2), 0.5)
    # Soft Dice (2 x 0.5 + 1) / (1 + 2 + 1) = 0.5; cross-entropy ln 2.
    assert soft_dice(as_batch(truth), as_batch(half)).numpy() == pytest.approx([0.5])
    assert bce_dice(as_batch(truth), as_batch(half)).numpy() == pytest.approx([(np.log(2) + 0.5) / 2])


def test_each_image_has_the_loss_that_numpy_gives_it(disc_pair: Callable) -> None:
    rng = np.random.default_rng(1)
    truths = [disc_pair(24, 32, seed, empty=seed == 2)[1] for seed in range(4)]
    probabilities = [rng.uniform(0.001, 0.999, truth.shape).astype(np.float32) for truth in truths]
    expected = [overlap.bce_dice(*pair) for pair in zip(truths, probabilities, strict=True)]
    assert bce_dice(as_batch(*truths), as_batch(*probabilities)).numpy() == pytest.approx(expected, abs=1e-6)


def test_an_image_is_weighed_alone_whatever_its_batch(disc_pair: Callable) -> None:
    truths = [disc_pair(24, 24, seed)[1] for seed in range(3)]
    probabilities = [0.2 + 0.5 * np.roll(truth, seed, axis=1) for seed, truth in enumerate(truths)]
    alone = [
        float(bce_dice(as_batch(truth), as_batch(probability))[0])
        for truth, probability in zip(truths, probabilities, strict=True)
    ]
    assert bce_dice(as_batch(*truths), as_batch(*probabilities)).numpy() == pytest.approx(alone)


@pytest.mark.parametrize(("level", "dice"), [(0.0, 1.0), (0.01, 1 / (0.01 * 64 * 64 + 1))])
def test_soft_dice_of_an_empty_mask(level: float, dice: float) -> None:
    empty = np.zeros((64, 64))
    assert soft_dice(as_batch(empty), as_batch(empty + level)).numpy() == pytest.approx([dice])


@pytest.mark.parametrize("foreground", [0, 1])
@pytest.mark.parametrize("level", [0.0, 1e-8, 0.5, 1.0])
def test_loss_and_gradient_are_finite_for_uniform_masks(foreground: int, level: float) -> None:
    truth = tf.fill((2, 16, 16, 1), float(foreground))
    probability = tf.Variable(tf.fill((2, 16, 16, 1), level))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(bce_dice(truth, probability))
    gradient = tape.gradient(loss, probability).numpy()
    assert np.isfinite(loss.numpy())
    assert np.isfinite(gradient).all()
    if level == 0.5:
        assert (np.sign(gradient) == (-1 if foreground else 1)).all()


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_tells_right_from_wrong_in_each_image(name: str) -> None:
    truth = as_batch(np.eye(16), np.zeros((16, 16)), np.ones((16, 16)))
    right, wrong = (loss_named(name)(truth, probability).numpy() for probability in (truth, 1 - truth))
    assert right.shape == (3,)
    assert (right < wrong).all()
