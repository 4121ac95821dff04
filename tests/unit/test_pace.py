"""Budgets by a clock of their own: when a training ends, what its last rate is, and when it validates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import UsageError
from components.trainer.budget import Budget
from components.trainer.pace import Pace, StepPace, TimePace, pace_of
from components.trainer.schedules import CURVES, rate_factor


@dataclass
class Machine:
    """Takes `step` and `validation` seconds for each, and from `slow_from` on twice as long."""

    step: float
    validation: float
    slow_from: float = float("inf")
    now: float = 1000.0
    begun: float | None = None

    def clock(self) -> float:
        return self.now

    def works(self, seconds: float) -> None:
        self.now += seconds * (2 if self.begun is not None and self.now - self.begun >= self.slow_from else 1)


@dataclass
class Run:
    """What became of a training."""

    rates: list[float] = field(default_factory=list)
    validations: list[int] = field(default_factory=list)
    """Steps before each."""


def train(pace: Pace, machine: Machine, steps_per_epoch: int, schedule: str = "cosine", warm_up: float = 0.0) -> Run:
    """As Keras's loop with `FollowPace` and `Validate`."""
    run = Run()
    for number in epochs():
        for _ in range(steps_per_epoch):
            run.rates.append(rate_factor(schedule, warm_up, pace.begin_step()))
            machine.works(machine.step)
            pace.end_step()
            machine.begun = machine.now if machine.begun is None else machine.begun
            if pace.over:
                break
        if pace.over or pace.validation_due:
            machine.works(machine.validation)
            pace.end_validation()
            run.validations.append(len(run.rates))
        if pace.over:
            return run
        assert number < 10_000, "it does not end"
    return run


def epochs() -> Iterator[int]:
    yield from range(10_001)


def wall(machine: Machine) -> float:
    assert machine.begun is not None
    return machine.now - machine.begun


@settings(max_examples=150, deadline=None)
@given(
    st.integers(20, 2000),
    st.floats(0, 0.3),
    st.integers(1, 400),
    st.floats(0, 1.2),
    st.sampled_from(("cosine", "polynomial")),
    st.sampled_from((0.0, 0.1)),
)
def test_a_machine_that_slows_down_ends_in_time_with_a_rate_of_next_to_nothing(
    steps: int, validation: float, steps_per_epoch: int, slow_from: float, schedule: str, warm_up: float
) -> None:
    budget = 600.0
    machine = Machine(budget / steps, validation * budget, slow_from * budget)
    run = train(TimePace(budget, machine.validation, machine.clock), machine, steps_per_epoch, schedule, warm_up)
    # The last step may be a slow one that began in time, and the last validation be the first that is slow.
    assert wall(machine) <= budget + 2 * machine.step + machine.validation + 1e-6
    assert run.rates[-1] <= 0.01 * max(run.rates)


@pytest.mark.parametrize("slow_from", [0.0, 0.2, 0.5, 0.9, 0.999, 2.0])
@pytest.mark.parametrize("validation", [0.0, 0.02, 0.04])
def test_the_wall_is_the_budget_and_five_percent(slow_from: float, validation: float) -> None:
    """A thousand steps and a validation that takes little of the time, as it should."""
    machine = Machine(0.6, validation * 600, slow_from * 600)
    train(TimePace(600, machine.validation, machine.clock), machine, 7)
    assert 0.9 * 600 <= wall(machine) <= 1.05 * 600


def test_at_a_steady_speed_the_time_is_used_and_not_a_second_more() -> None:
    machine = Machine(1.0, 7.0)
    pace = TimePace(600, 7.0, machine.clock)
    run = train(pace, machine, 30)
    assert 598 <= wall(machine) <= 600
    assert (pace.spent.training, pace.spent.validation) == (len(run.rates) - 1, 7.0 * len(run.validations))
    assert pace.spent.seconds == wall(machine)
    assert pace.seconds_left == 600 - wall(machine)


@pytest.mark.parametrize(("validation", "most"), [(0.01, 50), (1.0, 50), (6.0, 10), (60.0, 1)])
def test_a_tenth_of_the_time_goes_into_validation_and_little_where_it_is_dear(validation: float, most: int) -> None:
    machine = Machine(0.1, validation)
    pace = TimePace(600, validation, machine.clock)
    run = train(pace, machine, 3)
    assert run.validations[-1] == len(run.rates), "the last weights are validated"
    assert 0.6 * most <= len(run.validations) <= most
    assert pace.spent.validation <= 0.1 * 600 + validation


def test_one_halt_is_no_slow_machine() -> None:
    machine = Machine(1.0, 0.0)
    pace = TimePace(100, 0.0, machine.clock)
    for number in range(60):
        pace.begin_step()
        machine.works(30 if number == 50 else 1)
        pace.end_step()
    assert (pace.step_seconds, pace.over) == (1.0, False)


def test_a_training_goes_on_where_another_process_has_left_it() -> None:
    machine = Machine(1.0, 5.0)
    first = TimePace(100, 5.0, machine.clock)
    for _ in range(41):
        first.begin_step()
        machine.works(1)
        first.end_step()
    state = json.loads(json.dumps(first.state()))
    machine.now, machine.begun = 5000.0, None
    second = TimePace(100, 5.0, machine.clock)
    second.restore(state)
    assert second.begin_step() == pytest.approx(40 / 95)
    run = train(second, machine, 10)
    assert 59 <= wall(machine) <= 60
    assert second.spent.steps == 41 + len(run.rates)


@pytest.mark.parametrize(
    ("steps", "steps_per_epoch", "validations"),
    [(100, 10, list(range(10, 101, 10))), (500, 2, [*range(26, 477, 26), 500]), (25, 10, [10, 20, 25])],
)
def test_a_budget_of_steps_is_the_same_on_every_machine(
    steps: int, steps_per_epoch: int, validations: list[int]
) -> None:
    for seconds in (0.1, 7.0):
        pace = pace_of(None, Budget.parse(f"{steps} steps"), steps_per_epoch, pytest.fail, 1)
        run = train(pace, Machine(seconds, 1.0), steps_per_epoch)
        assert (len(run.rates), run.validations) == (steps, validations)
        assert run.rates[-1] == pytest.approx(0, abs=1e-12)


def test_of_epochs_each_is_validated() -> None:
    run = train(pace_of(5, None, 3, pytest.fail, 1), Machine(1, 1), 3)
    assert run.validations == [3, 6, 9, 12, 15]


def test_what_is_left_of_epochs_is_told_by_those_that_were() -> None:
    machine = Machine(2.0, 4.0)
    pace = StepPace(40, clock=machine.clock)
    assert pace.seconds_left is None
    for _ in range(11):
        pace.begin_step()
        machine.works(2)
        pace.end_step()
    assert pace.seconds_left == pytest.approx(20 * 29 / 11)


def test_a_budget_that_one_validation_takes_is_refused() -> None:
    with pytest.raises(UsageError, match=r'budget = "0.0001 s": to validate once takes .* s here, .* Raise it'):
        pace_of(None, Budget.parse("0.0001 s"), 1, lambda: sum(range(100_000)), 2)


@pytest.mark.parametrize(
    ("text", "seconds", "steps"),
    [
        ("45 s", 45, None),
        ("20 min", 1200, None),
        ("20min", 1200, None),
        ("1.5 h", 5400, None),
        ("500 steps", None, 500),
        ("1 step", None, 1),
    ],
)
def test_budgets(text: str, seconds: float | None, steps: int | None) -> None:
    budget = Budget.parse(text)
    assert (budget.seconds, budget.steps, str(budget)) == (seconds, steps, text)


@pytest.mark.parametrize(
    "text",
    ["", "20", "min", "20 m", "0 s", "-3 min", "1.5 steps", "1e3 s", "٣ min", "20 min 5 s", f"{'9' * 400} h", "1,5 h"],
)
def test_no_budgets(text: str) -> None:
    with pytest.raises(ValueError, match='expected a time or a number of steps, such as "45 s"'):
        Budget.parse(text)


@pytest.mark.parametrize(
    ("schedule", "warm_up", "factors"),
    [
        ("cosine", 0.0, [1, 0.8535534, 0.5, 0.1464466, 0]),
        ("polynomial", 0.0, [1, 0.7718895, 0.5358867, 0.2871746, 0]),
        ("constant", 0.0, [1, 1, 1, 1, 1]),
        ("cosine", 0.5, [0, 0.5, 1, 0.5, 0]),
        ("constant", 0.5, [0, 0.5, 1, 1, 1]),
    ],
)
def test_schedules(schedule: str, warm_up: float, factors: list[float]) -> None:
    found = [rate_factor(schedule, warm_up, progress) for progress in (0, 0.25, 0.5, 0.75, 1)]
    assert found == pytest.approx(factors, abs=1e-7)


@pytest.mark.parametrize("schedule", CURVES)
@given(st.floats(-1, 2), st.floats(0, 0.5))
def test_whatever_the_progress_the_rate_is_a_share_of_its_peak(schedule: str, progress: float, warm_up: float) -> None:
    assert 0 <= rate_factor(schedule, warm_up, progress) <= 1
