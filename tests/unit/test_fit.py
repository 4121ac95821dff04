"""Trainings as they are fitted: accumulation, averages of weights, what is kept, and budgets by a real clock."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from epochs import HEIGHT, WIDTH, record, trainer_settings, write

from components.task import Task
from components.trainer.batches import TrainingData, evaluation_batches
from components.trainer.callbacks import KeepBest, StopWhenNotFinite
from components.trainer.choices import compile_model
from components.trainer.collapse import Collapse
from components.trainer.fit import Beside, Fitted, fit
from components.trainer.metrics import Judge
from components.trainer.pace import StepPace
from components.trainer.segmenter import Segmenter
from components.trainer.strips import Strips
from components.trainer.weight_average import WeightAverage

SHAPE = (HEIGHT, WIDTH, 1)
TASK = Task(classes=["a", "b", "c"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Eight records."""
    return write(tmp_path_factory.mktemp("records") / "train", [record(number) for number in range(8)])


def small_network(norm: bool) -> Segmenter:
    """Two convolutions, which are compiled quickly."""
    images = keras.Input((None, None, 1))
    features = keras.layers.Conv2D(8, 5, padding="same")(images)
    features = keras.layers.BatchNormalization(momentum=0.9)(features) if norm else features
    probability = keras.layers.Conv2D(4, 1, activation="softmax")(keras.activations.relu(features))
    return Segmenter(keras.Model(images, probability))


def fitted(files: list[str], folder: Path, norm: bool = False, **training: Any) -> tuple[keras.Model, Fitted]:
    keras.utils.set_random_seed(3)
    settings = trainer_settings(TASK, **{"epochs": None, "seed": 3, **training})
    network = small_network(norm)
    compile_model(network, settings)
    data = TrainingData(files, SHAPE, settings.training.batch_size, 3)
    judge = Judge(network, TASK)
    validate = partial(judge, evaluation_batches(files, SHAPE, 8))
    run = folder / "run" / "1"
    run.mkdir(parents=True)
    strips = Strips([], TASK, run / "strips", run / "tensorboard")
    beside = Beside(Collapse(TASK, 99, ends=False), strips, folder, folder / "checkpoint-0" / "1.npz", 0)
    return network, fit(network, data, validate, settings.training, run, beside)


def rows(folder: Path) -> list[dict[str, float]]:
    with (folder / "run" / "1" / "history.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.long
def test_two_batches_of_two_are_learnt_like_one_of_four(files: list[str], tmp_path: Path) -> None:
    halves, one = fitted(files, tmp_path / "a", batch_size=2, accumulate=2, budget="8 steps", learning_rate=0.01)
    whole, other = fitted(files, tmp_path / "b", batch_size=4, budget="4 steps", learning_rate=0.01)
    assert (one.pace.spent.steps, other.pace.spent.steps) == (8, 4)
    for left, right in zip(halves.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


@pytest.mark.long
def test_a_budget_may_end_within_an_epoch_and_tiny_epochs_are_not_all_validated(
    files: list[str], tmp_path: Path
) -> None:
    model, found = fitted(
        files, tmp_path, norm=True, batch_size=4, budget="41 steps", ema=0.9, learning_rate=0.02, warm_up=0.1
    )
    history = rows(tmp_path)
    assert [row["epoch"] for row in history] == [*range(1, 20, 2)[:-1], 20]
    assert (found.pace.spent.steps, found.epochs_run, found.final_rate) == (41, 21, 0)
    assert found.as_json()["stopped_early"] is False
    losses = {
        f"{name}epoch {int(row['epoch']) + 1}": row[key]
        for row in history
        for name, key in (("", "val_loss"), ("ema of ", "val_ema_loss"))
    }
    assert found.as_json()["kept"] == min(losses, key=losses.__getitem__)
    judge = Judge(model, TASK)
    # What is left in the model is what was validated, with batch norm's averages that fit it.
    assert judge(evaluation_batches(files, SHAPE, 8))["loss"] == pytest.approx(min(losses.values()), rel=1e-5)
    assert min(losses.values()) < 0.7 * max(losses.values())
    assert max(row["learning_rate"] for row in history) > 0.01


class Weights:
    """A model of two weights, of which training moves one and batch norm's average is the other."""

    def __init__(self) -> None:
        norm = keras.layers.BatchNormalization(scale=False, center=False)
        self.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False), norm])
        self.model.compile(keras.optimizers.SGD(1.0))
        self.model.optimizer.build(self.model.trainable_variables)

    def become(self, kernel: float, mean: float) -> None:
        self.model.set_weights([np.full((1, 1), kernel), np.full(1, mean), np.ones(1)])


def averaged(values: Sequence[float], momentum: float, accumulate: int = 1) -> tuple[Weights, WeightAverage]:
    """After steps in which kernel and mean become `values` and twice that."""
    weights, pace = Weights(), StepPace(len(values))
    average = WeightAverage(momentum, pace, accumulate)
    average.set_model(weights.model)
    weights.become(1.0, 2.0)
    average.on_train_begin()
    for number, value in enumerate(values):
        pace.begin_step()
        weights.become(value, 2 * value)
        pace.end_step()
        average.on_train_batch_end(number)
    return weights, average


def test_an_average_by_hand() -> None:
    """The momenta of the first updates are 2/11, 3/12, 4/13 and 5/14, of which the last two are more than 0.3."""
    weights, average = averaged([2.0, 4.0, 3.0, 5.0], momentum=0.3)
    expected = 2 * (1 - 2 / 11) + 2 / 11
    expected = 0.25 * expected + 0.75 * 4
    expected = 0.3 * expected + 0.7 * 3
    expected = 0.3 * expected + 0.7 * 5
    with average.in_model():
        kernel, mean, variance = weights.model.get_weights()
        assert (kernel.item(), mean.item(), variance.item()) == pytest.approx((expected, 2 * expected, 1))
    assert weights.model.get_weights()[0].item() == 5.0


def test_an_average_is_of_updates_and_of_the_last_which_is_not_whole() -> None:
    _, average = averaged([1.0, 2.0, 2.0, 4.0, 5.0], momentum=0.5, accumulate=2)
    kernel, *_ = average.state()["averages"]
    updates = average.state()["updates"]
    expected = 2 * (1 - 2 / 11) + 2 / 11
    expected = 0.25 * expected + 0.75 * 4
    expected = 4 / 13 * expected + (1 - 4 / 13) * 5
    assert (updates, kernel.item()) == (3, pytest.approx(expected))


def test_an_average_goes_on_from_its_state() -> None:
    _, average = averaged([2.0, 4.0], momentum=0.9)
    weights, again = Weights(), WeightAverage(0.9, StepPace(9))
    again.set_model(weights.model)
    again.on_train_begin()
    again.restore(average.state())
    assert again.state()["updates"] == 2
    np.testing.assert_array_equal(again.state()["averages"][0], average.state()["averages"][0])


@pytest.mark.parametrize(
    ("last", "kept"),
    [(False, (2, True)), (True, (4, False))],
)
def test_what_is_kept(last: bool, kept: tuple[int, bool]) -> None:
    """Of weights and average of an epoch the better one; an epoch without validation is none."""
    weights, average = averaged([3.0], momentum=0.3)
    best = KeepBest(average, last=last)
    best.set_model(weights.model)
    for epoch, losses in enumerate([(0.5, 0.6), (0.4, 0.3), (), (0.35, 0.36)]):
        best.on_epoch_end(epoch, dict(zip(("val_loss", "val_ema_loss"), losses, strict=False)))
    assert (best.epoch, best.averaged) == kept
    with average.in_model():
        mean = weights.model.get_weights()[0].item()
    best.restore()
    assert weights.model.get_weights()[0].item() == (mean if best.averaged else 3.0)


class Halting(StopWhenNotFinite):
    """From the middle of the budget on, a step takes twice as long."""

    seconds = 8.0
    begun = ended = 0.0

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._step_begun = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        super().on_train_batch_end(batch, logs)
        now = time.monotonic()
        type(self).begun = self.begun or now
        if now - self.begun > self.seconds / 2:
            time.sleep(now - self._step_begun)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        type(self).ended = time.monotonic()


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["cosine", "polynomial"])
def test_a_machine_that_becomes_half_as_fast_ends_in_time(
    files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schedule: str
) -> None:
    monkeypatch.setattr("components.trainer.fit.StopWhenNotFinite", Halting)
    monkeypatch.setattr(Halting, "begun", 0.0)
    budget = f"{Halting.seconds:g} s"
    _, found = fitted(files, tmp_path, batch_size=2, budget=budget, ema=0.99, schedule=schedule, learning_rate=0.01)
    history = rows(tmp_path)
    # Of a machine with other work, too, a validation may take longer than was kept back for it, or not as long.
    assert 0.5 * Halting.seconds <= Halting.ended - Halting.begun <= 1.05 * Halting.seconds
    assert found.final_rate <= 0.01 * 0.01
    assert history[-1]["epoch"] + 1 == found.epochs_run
    assert found.pace.spent.validation <= 0.2 * Halting.seconds
