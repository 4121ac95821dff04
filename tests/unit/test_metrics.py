"""The Dice watched in training against the per-image Dice of the evaluation."""

from collections.abc import Callable

import numpy as np
import pytest

from components.measures.confusion import confusion
from components.measures.overlap import dice
from components.task import Task
from components.trainer.metrics import MeanDice


@pytest.mark.parametrize("threshold", [0.3, 0.5])
@pytest.mark.parametrize("sizes", [(7,), (3, 3, 1), (1, 4, 2)])
def test_mean_over_images_with_foreground(disc_pair: Callable, sizes: tuple[int, ...], threshold: float) -> None:
    rng = np.random.default_rng(3)
    truths = np.stack([disc_pair(20, 28, seed, empty=seed in (1, 6))[1] for seed in range(7)])
    probabilities = rng.uniform(size=truths.shape).astype(np.float32) * (0.4 + 0.6 * truths)
    counts = [confusion(truth, p >= threshold) for truth, p in zip(truths, probabilities, strict=True)]
    expected = np.mean([dice(count) for count in counts if count.truth_pixels])

    metric = MeanDice(Task(), threshold)
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        batch = slice(end - size, end)
        metric.update_state(truths[batch, ..., None].astype(np.float32), probabilities[batch, ..., None])
    assert float(metric.result()) == pytest.approx(expected, abs=1e-6)

    metric.reset_state()
    metric.update_state(truths[:1, ..., None], probabilities[:1, ..., None])
    assert float(metric.result()) == pytest.approx(dice(counts[0]), abs=1e-6)


def test_a_probability_at_the_threshold_is_foreground() -> None:
    metric = MeanDice(Task())
    metric.update_state(np.array([1, 1, 0, 0]).reshape(1, 2, 2, 1), np.float32([0.5, 0.4, 0.5, 0]).reshape(1, 2, 2, 1))
    assert float(metric.result()) == pytest.approx(0.5)
