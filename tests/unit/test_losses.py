"""Training losses against plain NumPy and scikit-learn, where masks are empty, and where pixels are ignored."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from numpy_loss import bce_dice
from sklearn.metrics import log_loss

from components.imaging.truth.classes import IGNORE
from components.task import Task
from components.trainer.choices import loss_named
from components.trainer.losses.ce_dice import ce_dice, soft_dice
from components.trainer.losses.registry import LOSSES

ONE, THREE = Task(), Task(classes=["a", "b", "c"])


def as_batch(*planes: np.ndarray) -> np.ndarray:
    return np.stack(planes).astype(np.float32)[..., None]


def softmax(shape: tuple[int, ...], seed: int) -> np.ndarray:
    values = np.exp(2 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)
    return values / values.sum(axis=-1, keepdims=True)


def probabilities(task: Task, size: tuple[int, ...], seed: int) -> np.ndarray:
    return softmax((*size, 4), seed)[..., : task.channels]


def truths(task: Task, size: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, len(task.classes) + 1, (*size, 1)).astype(np.float32)


def test_worked_example() -> None:
    truth = np.array([[1, 0], [0, 0]])
    half = np.full((2, 2), 0.5)
    # Soft Dice (2 x 0.5 + 1) / (1 + 2 + 1) = 0.5; cross-entropy ln 2.
    assert soft_dice(as_batch(truth), as_batch(half)).numpy() == pytest.approx(np.array([[0.5]]))
    assert ce_dice(as_batch(truth), as_batch(half), False).numpy() == pytest.approx([(np.log(2) + 0.5) / 2])


def test_worked_example_of_two_classes() -> None:
    truth = np.float32([[1, 2]]).reshape(1, 1, 2, 1)
    probability = np.float32([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]).reshape(1, 1, 2, 3)
    # Soft Dice of class 1 (2 x 0.5 + 1) / (1 + 0.6 + 1), of class 2 (2 x 0.8 + 1) / (1 + 1.1 + 1); no background.
    expected = (-(np.log(0.5) + np.log(0.8)) / 2 + 1 - (2 / 2.6 + 2.6 / 3.1) / 2) / 2
    assert ce_dice(truth, probability, False).numpy() == pytest.approx([expected], abs=1e-6)


def test_cross_entropy_of_classes_is_that_of_scikit_learn() -> None:
    truth, probability = truths(THREE, (1, 16, 24), 0), softmax((1, 16, 24, 4), 1)
    dice = [
        (2 * probability[truth[..., 0] == k, k].sum() + 1) / ((truth == k).sum() + probability[..., k].sum() + 1)
        for k in (1, 2, 3)
    ]
    entropy = log_loss(truth.ravel().astype(int), probability.reshape(-1, 4).astype(float))
    assert ce_dice(truth, probability, False).numpy() == pytest.approx([(entropy + 1 - np.mean(dice)) / 2], abs=1e-5)


def test_each_image_has_the_loss_that_numpy_gives_it(disc_pair: Callable) -> None:
    rng = np.random.default_rng(1)
    discs = [disc_pair(24, 32, seed, empty=seed == 2)[1] for seed in range(4)]
    found = [rng.uniform(0.001, 0.999, truth.shape).astype(np.float32) for truth in discs]
    expected = [bce_dice(*pair) for pair in zip(discs, found, strict=True)]
    assert ce_dice(as_batch(*discs), as_batch(*found), False).numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("task", [ONE, THREE])
@pytest.mark.parametrize("name", LOSSES)
def test_an_image_is_weighed_alone_whatever_its_batch(name: str, task: Task) -> None:
    loss = loss_named(name, task)
    truth, probability = truths(task, (3, 12, 16), 0), probabilities(task, (3, 12, 16), 1)
    alone = [float(loss(truth[i, None], probability[i, None])[0]) for i in range(3)]
    assert loss(truth, probability).numpy() == pytest.approx(alone)


@pytest.mark.parametrize(("level", "dice"), [(0.0, 1.0), (0.01, 1 / (0.01 * 64 * 64 + 1))])
def test_soft_dice_of_an_empty_mask(level: float, dice: float) -> None:
    empty = np.zeros((64, 64))
    assert soft_dice(as_batch(empty), as_batch(empty + level)).numpy() == pytest.approx(np.array([[dice]]))


@pytest.mark.parametrize("foreground", [0, 1])
@pytest.mark.parametrize("level", [0.0, 1e-8, 0.5, 1.0])
@pytest.mark.parametrize("name", LOSSES)
def test_loss_and_gradient_are_finite_for_uniform_masks(name: str, foreground: int, level: float) -> None:
    truth = tf.fill((2, 16, 16, 1), float(foreground))
    probability = tf.Variable(tf.fill((2, 16, 16, 1), level))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(loss_named(name, ONE)(truth, probability))
    gradient = tape.gradient(loss, probability).numpy()
    assert np.isfinite(loss.numpy())
    assert np.isfinite(gradient).all()
    if level == 0.5:
        assert (np.sign(gradient) == (-1 if foreground else 1)).all()


@pytest.mark.parametrize("task", [ONE, THREE])
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_tells_right_from_wrong_in_each_image(name: str, task: Task) -> None:
    truth = as_batch(np.eye(16), np.zeros((16, 16)), np.ones((16, 16)))
    right = truth if task is ONE else np.eye(4, dtype=np.float32)[truth[..., 0].astype(int)]
    found, other = (
        loss_named(name, task)(truth, p).numpy() for p in (right, (1 - right) / max(1, right.shape[-1] - 1))
    )
    assert found.shape == (3,)
    assert (found < other).all()


@pytest.mark.parametrize("task", [ONE, THREE])
@pytest.mark.parametrize("name", LOSSES)
class TestIgnored:
    SIZE = (2, 12, 16)

    def answer(
        self, name: str, task: Task, truth: np.ndarray, probability: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Losses, and their gradients with respect to the probabilities."""
        loss = loss_named(name, task.model_copy(update={"ignores": True}))
        variable = tf.Variable(probability)
        with tf.GradientTape() as tape:
            losses = loss(truth, variable)
        return losses.numpy(), tape.gradient(losses, variable).numpy()

    def test_what_is_predicted_there_changes_nothing(self, name: str, task: Task) -> None:
        truth, one, other = truths(task, self.SIZE, 0), *(probabilities(task, self.SIZE, seed) for seed in (1, 2))
        truth[:, 3:9, 2:7] = IGNORE
        other = np.where(truth == IGNORE, other, one)
        losses, gradients = self.answer(name, task, truth, one)
        others, others_gradients = self.answer(name, task, truth, other)
        np.testing.assert_array_equal(losses, others)
        np.testing.assert_array_equal(gradients, others_gradients)
        assert not gradients[:, 3:9, 2:7].any()
        assert gradients.any()

    def test_the_rest_counts_as_if_there_were_nothing_else(self, name: str, task: Task) -> None:
        truth, probability = truths(task, self.SIZE, 0), probabilities(task, self.SIZE, 1)
        expected = loss_named(name, task)(truth[:, :8], probability[:, :8]).numpy()
        truth[:, 8:] = IGNORE
        assert self.answer(name, task, truth, probability)[0] == pytest.approx(expected, abs=1e-6)

    def test_an_image_of_which_nothing_is_judged_has_no_gradient(self, name: str, task: Task) -> None:
        truth = np.full((*self.SIZE, 1), IGNORE, np.float32)
        losses, gradients = self.answer(name, task, truth, probabilities(task, self.SIZE, 1))
        assert np.isfinite(losses).all()
        assert not gradients.any()
