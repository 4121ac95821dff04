"""How answers become masks: in NumPy against worked masks and SciPy, and in TensorFlow as in NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage

from components.inference.operating_point import OperatingPoint, tempered
from components.serving_graph import operating_point as graph
from components.task import Task

ONE, TWO = Task(), Task(classes=["mass", "calcification"])


def drawn(*rows: str) -> np.ndarray:
    return np.array([[int(cell) for cell in row.replace(".", "0")] for row in rows], np.uint8)


def as_probability(mask: np.ndarray, task: Task) -> np.ndarray:
    if task.several:
        return np.eye(task.channels, dtype=np.float32)[mask]
    return mask[..., None].astype(np.float32)


def in_graph(mask: np.ndarray, task: Task, point: OperatingPoint, scale: float = 1.0) -> np.ndarray:
    serve = tf.function(lambda probability: graph.masked(probability, task, point, scale))
    return serve(tf.constant(as_probability(mask, task))).numpy()[..., 0]


BEFORE = drawn(
    "111....22",
    "1.1..1.2.",
    "111...2..",
    ".....11..",
    "2222.1.11",
    "2..2.111.",
    "21.2.1.1.",
    "2222.111.",
)
"""Holes: (1, 1) in 1; (5..6, 1..2), beside a 1 within 2; (4, 6) and (6, 6) in 1.
(1, 5) is a speck, (2, 6) hangs by a diagonal."""


@pytest.mark.parametrize(
    ("point", "after"),
    [
        (OperatingPoint(), BEFORE),
        (
            OperatingPoint(fill_holes=True),
            drawn(
                "111....22",
                "111..1.2.",
                "111...2..",
                ".....11..",
                "2222.1111",
                "2..2.111.",
                "21.2.111.",
                "2222.111.",
            ),
        ),
        (
            OperatingPoint(least_region=5),
            drawn(
                "111......",
                "1.1......",
                "111......",
                ".....11..",
                "2222.1.11",
                "2..2.111.",
                "2..2.1.1.",
                "2222.111.",
            ),
        ),
        (
            OperatingPoint(fill_holes=True, largest=True),
            drawn(
                ".........",
                ".........",
                ".........",
                ".....11..",
                "2222.1111",
                "2..2.111.",
                "2..2.111.",
                "2222.111.",
            ),
        ),
    ],
)
def test_a_mask_is_postprocessed(point: OperatingPoint, after: np.ndarray) -> None:
    np.testing.assert_array_equal(point.mask(as_probability(BEFORE, TWO), TWO), after)
    np.testing.assert_array_equal(in_graph(BEFORE, TWO, point), after)


def test_the_least_region_is_in_pixels_that_the_model_sees() -> None:
    mask = drawn("11..", "11..", "....", "...1")
    np.testing.assert_array_equal(OperatingPoint(least_region=2).mask(as_probability(mask, ONE), ONE, 2.0)[3], 0)
    assert OperatingPoint(least_region=2).mask(as_probability(mask, ONE), ONE, 2.0).sum() == 4
    assert OperatingPoint(least_region=2).mask(as_probability(mask, ONE), ONE, 2.1).sum() == 0
    assert in_graph(mask, ONE, OperatingPoint(least_region=2), 2.0).sum() == 4
    assert in_graph(mask, ONE, OperatingPoint(least_region=2), 2.1).sum() == 0


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("density", [0.3, 0.6, 0.95])
def test_random_masks_are_as_scipy_has_them_and_the_graph_as_numpy(seed: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    mask = (rng.random((37, 53)) < density).astype(np.uint8)
    filled = OperatingPoint(fill_holes=True).mask(as_probability(mask, ONE), ONE)
    np.testing.assert_array_equal(filled, ndimage.binary_fill_holes(mask))
    labels, _ = ndimage.label(mask, np.ones((3, 3)))
    areas = np.bincount(labels.ravel())
    large = np.flatnonzero(areas >= 6)
    chosen = OperatingPoint(least_region=6).mask(as_probability(mask, ONE), ONE)
    np.testing.assert_array_equal(chosen, np.isin(labels, large[large > 0]))
    classes = mask * rng.integers(1, 3, mask.shape, np.uint8)
    for point in (
        OperatingPoint(fill_holes=True, least_region=3),
        OperatingPoint(fill_holes=True, largest=True),
    ):
        for given, task in ((mask, ONE), (classes, TWO)):
            np.testing.assert_array_equal(in_graph(given, task, point), point.mask(as_probability(given, task), task))


@pytest.mark.parametrize("task", [ONE, TWO])
def test_temperature_divides_the_logits(task: Task) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 4, (5, 6, task.channels)).astype(np.float32)
    answers = tf.nn.softmax if task.several else tf.sigmoid
    found, wanted = answers(logits).numpy(), answers(logits / 2.5).numpy()
    np.testing.assert_allclose(tempered(found, 2.5), wanted, atol=1e-5)
    np.testing.assert_allclose(graph.tempered(tf.constant(found), 2.5), wanted, atol=1e-5)
    edge = np.array([[0.0, 1.0]], np.float32).T[..., : task.channels] if not task.several else np.eye(3, dtype="f4")
    np.testing.assert_array_equal(tempered(edge, 0.3), edge)


def test_a_mirrored_answer_is_the_mean_of_four() -> None:
    image = np.arange(12, dtype=np.float32).reshape(1, 3, 4, 1)

    def predict(images: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        return images * tf.reshape(tf.range(12, dtype=tf.float32), (1, 3, 4, 1))

    weights = np.arange(12, dtype=np.float32).reshape(3, 4)
    mean = (weights + weights[::-1] + weights[:, ::-1] + weights[::-1, ::-1]) / 4
    answer = graph.answering(predict, OperatingPoint(mirror=True))(tf.constant(image), None)
    np.testing.assert_allclose(answer[0, ..., 0], image[0, ..., 0] * mean)
