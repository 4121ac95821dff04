"""How far a training is, when it validates and when it ends. Knows no Keras: it is told what happens, by a clock.

The clock begins with the end of the first step, in which the graph is made: that is start-up.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from components.errors import UsageError
from components.trainer.budget import Budget

Clock = Callable[[], float]
"""Seconds since whenever; never back."""

_STEPS_OF_BUDGET = 20
"""So many validations at most, where the budget is in steps."""
_TIMES_OF_BUDGET = 50
"""The same, where it is a time."""
_TRAINING_PER_VALIDATION = 9
"""Between two validations at least nine times as long is trained: a tenth of the time at most is spent on them."""
_LEAST_STEPS = 5
_MOST_STEPS = 200
"""The time of a step is the median of the last few: no single halt is taken for a slow machine."""
_WINDOW = 0.025
"""Of a budget, the share that those few take."""
_MOST_SLOWER = 2.0
"""So much longer, at most, the last validation is expected to take than the one before."""


@dataclass
class Spent:
    """What a training has taken, in plain numbers, from which it can go on."""

    steps: int = 0
    training: float = 0.0
    """Seconds."""
    validation: float = 0.0
    """Seconds, with whatever else is done after an epoch, validated or not."""
    validated_at_step: int = 0
    validated_at: float = 0.0
    """Seconds spent when the last validation was over."""

    @property
    def seconds(self) -> float:
        return self.training + self.validation


class Pace(ABC):
    """Told of steps and validations as they end; asked before each step for the progress at its end."""

    def __init__(self, window: float, clock: Clock) -> None:
        """`window`: seconds of which the steps tell how long one takes."""
        self.spent = Spent()
        self._window = window
        self._clock = clock
        self._mark: float | None = None
        self._recent: deque[float] = deque(maxlen=_MOST_STEPS)
        self._before = 0.0
        self.progress = 0.0
        """Of the whole, 0..1, at the end of the step that is under way, or of the last."""

    def state(self) -> dict[str, Any]:
        """What `restore` takes, in another process as well."""
        return {**asdict(self.spent), "progress": self.progress}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on where `state` was taken. The clock begins anew, with the end of the next step."""
        numbers = {name: np.asarray(value).item() for name, value in state.items()}
        self.progress = numbers.pop("progress")
        self.spent = Spent(**numbers)
        self._before = self.spent.seconds

    @property
    def seconds_here(self) -> float:
        """Spent by this process, without those that it goes on from."""
        return self.spent.seconds - self._before

    def begin_step(self) -> float:
        """The progress at the end of the step that begins."""
        self.progress = self._next_progress()
        return self.progress

    def end_step(self) -> None:
        begun, seconds = self._mark is not None, self._lap()
        self.spent.steps += 1
        self.spent.training += seconds
        if begun:
            self._recent.append(seconds)
        while len(self._recent) > _LEAST_STEPS and sum(self._recent) - self._recent[0] > self._window:
            self._recent.popleft()

    def end_validation(self) -> None:
        self.spent.validation += self._lap()
        self.spent.validated_at_step, self.spent.validated_at = self.spent.steps, self.spent.seconds

    @property
    def step_seconds(self) -> float:
        """How long a step takes at present; 0 while that is not known."""
        return median(self._recent) if self._recent else 0.0

    @property
    @abstractmethod
    def over(self) -> bool:
        """Whether no other step is taken."""

    @property
    @abstractmethod
    def validation_due(self) -> bool:
        """Whether to validate after an epoch that is not the last."""

    @property
    @abstractmethod
    def seconds_left(self) -> float | None:
        """Of training and validation; None while it cannot be told."""

    @abstractmethod
    def _next_progress(self) -> float: ...

    def _lap(self) -> float:
        """Seconds since the last end of a step or a validation; 0 at the first."""
        before, self._mark = self._mark, self._clock()
        return 0.0 if before is None else self._mark - before


class StepPace(Pace):
    """A training of so many steps."""

    def __init__(self, steps: int, steps_per_validation: float = 0, clock: Clock = time.monotonic) -> None:
        """`steps_per_validation`: after the end of an epoch there is none unless as many lie behind and ahead."""
        super().__init__(2.0, clock)
        self._steps = steps
        self._gap = steps_per_validation

    @property
    def over(self) -> bool:
        return self.spent.steps >= self._steps

    @property
    def validation_due(self) -> bool:
        since, ahead = self.spent.steps - self.spent.validated_at_step, self._steps - self.spent.steps
        return min(since, ahead) >= self._gap

    @property
    def seconds_left(self) -> float | None:
        if not self._recent:
            return None
        return self.spent.seconds * (self._steps / self.spent.steps - 1)

    def _next_progress(self) -> float:
        return (self.spent.steps + 1) / self._steps


class TimePace(Pace):
    """A training of so many seconds, of which time for the last validation is kept back.

    A machine that slows down is seen in its steps, and what is kept back grows with them. The step after which another
    would not fit is the last, and is told so before: its progress is 1. None ends the training without.
    """

    def __init__(self, seconds: float, validation: float, clock: Clock = time.monotonic) -> None:
        """`validation`: seconds that one takes, measured before."""
        super().__init__(_WINDOW * seconds, clock)
        self._seconds = seconds
        self._validation = validation
        self._fastest = 0.0
        """Seconds of a step when the machine was as fast as it has been since the last validation; 0: not known."""

    def end_step(self) -> None:
        super().end_step()
        if len(self._recent) >= _LEAST_STEPS:
            self._fastest = min(self._fastest or self.step_seconds, self.step_seconds)

    def end_validation(self) -> None:
        before = self.spent.validation
        super().end_validation()
        self._validation, self._fastest = self.spent.validation - before, self.step_seconds

    @property
    def over(self) -> bool:
        return self.progress >= 1

    @property
    def validation_due(self) -> bool:
        gap = max(_TRAINING_PER_VALIDATION * self._reserve, self._seconds / _TIMES_OF_BUDGET)
        return min(self.spent.seconds - self.spent.validated_at, self._until - self.spent.seconds) >= gap

    @property
    def seconds_left(self) -> float:
        return max(self._seconds - self.spent.seconds, 0.0)

    def _next_progress(self) -> float:
        step, now = self.step_seconds, self.spent.seconds
        return 1.0 if now + 2 * step >= self._until else (now + step) / self._until

    @property
    def _until(self) -> float:
        """Seconds after which there is time for the last validation alone."""
        return self._seconds - self._reserve

    @property
    def _reserve(self) -> float:
        slower = self.step_seconds / self._fastest if self._fastest else 1.0
        return self._validation * min(max(slower, 1.0), _MOST_SLOWER)


def pace_of(
    epochs: int | None, budget: Budget | None, steps_per_epoch: int, validate: Callable[[], Any], times: int
) -> Pace:
    """That of a training of so many epochs, or of a budget.

    Args:
        epochs: or None.
        budget: where there are no epochs.
        steps_per_epoch: of the training.
        validate: called to time it, where the budget is a time; in the training `times` in a row.

    Raises:
        UsageError: a validation takes all of the budget.
    """
    if epochs is not None:
        return StepPace(epochs * steps_per_epoch)
    assert budget
    if budget.steps is not None:
        return StepPace(budget.steps, budget.steps / _STEPS_OF_BUDGET)
    assert budget.seconds
    validation = times * _timed(validate)
    if validation > budget.seconds / 4:  # The first time a graph is made.
        validation = times * _timed(validate)
    if validation >= budget.seconds:
        raise UsageError(
            f'[training] budget = "{budget}": to validate once takes {validation:.1f} s here, which leaves no time to '
            "train. Raise it, or set a number of steps"
        )
    return TimePace(budget.seconds, validation)


def _timed(call: Callable[[], Any]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun
