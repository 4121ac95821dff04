"""How long an epoch takes, told once and early, by a clock that the test moves."""

from __future__ import annotations

import logging

import pytest

from components.trainer.epoch_time import TellEpochTime, in_words


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("components.trainer.epoch_time.time.monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("steps", "step_seconds", "told_at"),
    [(50, 1.0, 6), (50, 0.125, 17), (3, 1.0, 3)],
    ids=["five steps", "two seconds of fast ones", "an epoch of three"],
)
def test_it_is_told_once_from_the_steps_after_the_first(
    steps: int, step_seconds: float, told_at: int, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "maskline.trainer")
    tell = TellEpochTime(40, steps)
    found = []
    clock[0] += 60  # the graph is made
    for epoch in range(2):
        for step in range(steps):
            tell.on_train_batch_end(step)
            found.append(tell.seconds)
            clock[0] += step_seconds
        clock[0] += 30 * epoch
    assert found.index(next(filter(None, found))) + 1 == told_at
    assert tell.seconds == pytest.approx(steps * step_seconds)
    [record] = caplog.records
    assert f"an epoch will take about {in_words(steps * step_seconds)}, 40 of them" in record.getMessage()


def test_of_epochs_of_one_step_nothing_is_known(clock: list[float]) -> None:
    tell = TellEpochTime(3, 1)
    for _ in range(3):
        tell.on_train_batch_end(0)
    assert tell.seconds is None


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.44, "0.4 s"), (84.6, "85 s"), (100, "2 min"), (720, "12 min"), (12240, "3.4 h")]
)
def test_times_are_told_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
