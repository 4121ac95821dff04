"""Training and answers as theirs; what is kept are the weights of the last epoch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import cv2
import keras
import numpy as np

from benchmarks.quality.contest.contestant import Outcome, Pace
from benchmarks.quality.contest.problem import Problem
from benchmarks.quality.contest.reference.data import batches, image_of, pair_of
from benchmarks.quality.contest.reference.network import dice_loss, network
from benchmarks.quality.contest.versions import digest

SIZES = {"inbreast-mini": (640, 640), "nuclei-mini": (320, 320)}
"""Theirs for mammograms; for nuclei that of their network's file, into which 64 of 96 images fit. Phantoms stay as they
are."""
_BATCH = 2
_PASSES = 3
"""Of the training images, in an epoch."""
_WARM_UP, _PACE_STEPS = 3, 15


class Reference:
    """U-Net of 16 filters, batches of 2, Adam at 1e-3, Dice loss of the batch, a plateau's tenth, an early stop."""

    methods: tuple[str, ...] = ("reference",)

    def version(self, data: str) -> str:
        return digest(*sorted(Path(__file__).parent.glob("*.py")))

    def pace(self, problem: Problem, python: Path | None) -> Pace:
        training = _Training(problem, seed=0)
        clock = _Clock()
        training.fit(_PACE_STEPS, [clock])
        share = training.validation_steps / training.steps_an_epoch
        # The first steps build what they compute by.
        learning, validating = median(clock.learning[_WARM_UP:]), median(clock.validating[1:] or clock.validating)
        facts = {"size": training.size, "parameters": training.model.count_params()}
        return Pace(learning + share * validating, facts)

    def enter(self, problem: Problem, steps: int, seed: int, python: Path | None) -> Outcome:
        training = _Training(problem, seed)
        budget = _Budget(steps)
        began, processor = time.monotonic(), time.process_time()
        training.fit(steps, [budget])
        seconds, spent = time.monotonic() - began, time.process_time() - processor
        answers = list(training.answers())
        keras.backend.clear_session()
        return Outcome({"reference": answers}, budget.done, training.model.count_params(), seconds, spent)


class _Training:
    def __init__(self, problem: Problem, seed: int) -> None:
        keras.utils.set_random_seed(seed)
        self._problem = problem
        self.size = _size_of(problem)
        self.model = network(self.size, problem.channels, len(problem.classes))
        self.model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=dice_loss)
        rng = np.random.default_rng(seed)
        self._train, self._validation = (
            batches([pair_of(problem, source, self.size) for source in sources], _BATCH, rng)
            for sources in (problem.train, problem.validation)
        )
        self.steps_an_epoch = _PASSES * (len(problem.train) // _BATCH)
        self.validation_steps = max(1, len(problem.validation) // _BATCH)

    def fit(self, steps: int, callbacks: list[keras.callbacks.Callback]) -> None:
        """Trains for so many steps at the most."""
        an_epoch = min(steps, self.steps_an_epoch)
        self.model.fit(
            self._train,
            steps_per_epoch=an_epoch,
            epochs=-(-steps // an_epoch),
            validation_data=self._validation,
            validation_steps=self.validation_steps,
            callbacks=[
                keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=3, min_lr=1e-8),
                keras.callbacks.EarlyStopping(patience=5),
                *callbacks,
            ],
            verbose=0,
        )

    def answers(self) -> Iterator[np.ndarray]:
        """Class indices of what is measured, at its size."""
        for source in self._problem.measured:
            given = image_of(self._problem, source, self.size)
            soft = self.model.predict_on_batch(given[None])[0]
            hard = soft.argmax(-1) if soft.shape[-1] > 1 else soft[..., 0] >= 0.5
            height, width = source.truth.classes.shape
            yield cv2.resize(hard.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def _size_of(problem: Problem) -> tuple[int, int]:
    height, width = problem.train[0].image.shape[:2]
    return SIZES.get(problem.data, (height, width))


class _Budget(keras.callbacks.Callback):
    """Ends a training after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps = steps
        self.done = 0

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.done += 1
        if self.done >= self._steps:
            self.model.stop_training = True


class _Clock(keras.callbacks.Callback):
    """Seconds of the processor that each step takes, with the making of its batch."""

    def __init__(self) -> None:
        super().__init__()
        self.learning: list[float] = []
        self.validating: list[float] = []
        self._last = 0.0

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._last = time.process_time()

    def on_test_begin(self, logs: object = None) -> None:
        self._last = time.process_time()

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        self.learning.append(self._since_last())

    def on_test_batch_end(self, batch: int, logs: object = None) -> None:
        self.validating.append(self._since_last())

    def _since_last(self) -> float:
        last, self._last = self._last, time.process_time()
        return self._last - last
