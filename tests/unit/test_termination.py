"""SIGTERM while a run is on."""

from __future__ import annotations

import os
import signal

import pytest

from pipeline.runs.termination import Terminated, graceful


def test_without_a_signal_nothing_happens() -> None:
    with graceful() as before:
        before("Trainer")


def test_the_first_signal_ends_the_run_before_the_next_node() -> None:
    with graceful() as before:
        os.kill(os.getpid(), signal.SIGTERM)
        # What is on goes on.
        total = sum(range(1000))
        with pytest.raises(Terminated, match="before Evaluator") as ended:
            before("Evaluator")
    assert total == 499500
    assert ended.value.exit_code == 143


def test_the_second_signal_interrupts_at_once() -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()

    with graceful(), pytest.raises(KeyboardInterrupt):
        twice()


def test_the_signal_is_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with graceful():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
