"""What may take long is decoded in a process of its own, which its own timer ends."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from decoders import end_by_fault, parent_of, print_first, process, refuse, work

from components.errors import MasklineError
from components.imaging.files import child
from components.imaging.files.codecs import Limits, UnreadableImage, decode_image, decode_mask
from components.imaging.files.limits import decode_within
from components.imaging.files.unreadable import TooManyPixels

NOISE = np.random.default_rng(0).integers(0, 256, (1100, 1100), np.uint8)
LARGE = cv2.imencode(".png", NOISE)[1].tobytes()


@pytest.fixture(autouse=True)
def _found_there(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A child finds the decoders of the tests; those from before do not."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    child._forget()
    yield
    child._end()


def test_a_large_file_is_decoded_apart_with_the_same_pixels() -> None:
    assert decode_within(9, parent_of, LARGE) == os.getpid()
    assert decode_within(9, parent_of, LARGE[:1000]) != os.getpid() != decode_within(math.inf, parent_of, LARGE)
    for limits in (Limits(), Limits(seconds=math.inf)):
        np.testing.assert_array_equal(decode_image(LARGE, limits), NOISE)
        np.testing.assert_array_equal(decode_mask(LARGE, limits).pixels, NOISE)


def test_many_scans_are_decoded_apart() -> None:
    assert decode_within(9, parent_of, b"\xff\xd8\xff" + b"\xff\xda" * 33) == os.getpid()


def test_the_timer_ends_what_takes_too_long_and_the_next_file_is_read() -> None:
    begin = time.monotonic()
    with pytest.raises(UnreadableImage, match=r"takes more than 0.5 seconds to decode: .* raise \[data\] max_seconds"):
        child.run_apart(0.5, work, b"")
    assert time.monotonic() - begin < 20
    np.testing.assert_array_equal(decode_image(LARGE, Limits()), NOISE)


def test_a_fault_of_a_decoder_is_a_reason_and_the_next_file_is_read() -> None:
    with pytest.raises(UnreadableImage, match="breaks its decoder, whose process ended with SIGSEGV"):
        child.run_apart(9, end_by_fault, b"")
    np.testing.assert_array_equal(decode_image(LARGE, Limits()), NOISE)


def test_one_that_somebody_ended_costs_no_file() -> None:
    number = child.run_apart(9, process, b"")
    os.kill(number, signal.SIGKILL)
    os.waitid(os.P_PID, number, os.WEXITED | os.WNOWAIT)
    np.testing.assert_array_equal(decode_image(LARGE, Limits()), NOISE)


def test_the_timer_holds_whatever_the_parent_does_with_its_signal() -> None:
    before = signal.signal(signal.SIGPROF, signal.SIG_IGN)
    try:
        with pytest.raises(UnreadableImage, match=r"takes more than 0.3 seconds"):
            child.run_apart(0.3, work, b"")
    finally:
        signal.signal(signal.SIGPROF, before)


def test_where_no_process_can_be_started_no_file_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    for executable in ("", "/bin/false", None):
        monkeypatch.setattr(sys, "executable", executable)
        with pytest.raises(MasklineError, match="no process for decoding can be started"):
            child.run_apart(9, parent_of, b"")


def test_an_interrupt_leaves_nobody_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    number = child.run_apart(9, process, b"")
    monkeypatch.setattr(child._Child, "_answer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        child.run_apart(60, work, b"")
    assert not Path(f"/proc/{number}").exists()


def test_errors_and_answers_come_back_as_they_are(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(TooManyPixels, match=r"^of their own$"):
        child.run_apart(9, refuse, b"")
    assert child.run_apart(9, print_first, b"answer") == b"answer"
    assert capfd.readouterr().out == ""


def test_the_limit_on_pixels_holds_there_as_well() -> None:
    with pytest.raises(TooManyPixels, match="1100 x 1100 = 1210000 pixels"):
        decode_image(LARGE, Limits(pixels=1_209_999))


def test_a_fork_has_children_of_its_own() -> None:
    child.run_apart(9, parent_of, b"")
    forked = os.fork()
    if not forked:
        os._exit(child.run_apart(9, parent_of, b"") != os.getpid())
    assert os.waitpid(forked, 0)[1] == 0


def test_no_process_is_left_behind() -> None:
    script = (
        "import os; from components.imaging.files import child\n"
        "from decoders import process\n"
        "print(child.run_apart(9, process, b''), flush=True); os.kill(os.getpid(), 9)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    number = int(answer.stdout)
    for _ in range(100):
        if not Path(f"/proc/{number}").exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"process {number} is still there")
