"""Runs as child processes: exit codes, timeouts, signals, retries. The children are real scripts."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from schedule_parts import FakeClock, ids, is_alive, script

from pipeline.config.schedule import Schedule
from pipeline.runs.record import RunRecord, write_run
from pipeline.schedule.child import Ending, run_child, with_retries
from pipeline.schedule.clock import Stop, SystemClock

FINE = Schedule()


@pytest.fixture(autouse=True)
def a_terminal() -> Iterator[None]:
    """As if this were not run under nohup, where SIGHUP is ignored and stays so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 130, 143])
def test_exit_code_status_run_and_version_come_from_the_child(tmp_path: Path, code: int) -> None:
    said = '"status": "done", "reasons": ["a", "b"], "pushed": {"version": "7", "path": "/x"}'
    record = f'{{"id": "r", "recipe": "demo", {said}}}'
    ending = run_child(script(tmp_path, f"echo '{record}'; exit {code}"), tmp_path, FINE, Stop())
    status = "interrupted" if code >= 130 else "done"
    assert ending == Ending(code, status, ("a", "b"), "r", "7")


def test_an_error_of_the_command_line_is_the_reason(tmp_path: Path) -> None:
    child = script(tmp_path, """echo '{"exit_code": 2, "error": "no data"}'; exit 2""")
    assert run_child(child, tmp_path, FINE, Stop()) == Ending(2, "failed", ("no data",))


@pytest.mark.parametrize("record", [None, "running"])
def test_a_full_disk_is_no_crash_though_its_record_was_cut_off(
    tmp_path: Path, record: Literal["running"] | None
) -> None:
    said = '{"exit_code": 1, "status": "disk full", "error": "disk full: /x"}'
    wait = (
        f"echo $$ > {tmp_path}/pid; while [ ! -e {tmp_path}/runs/3/run.json ]; do sleep 0.01; done; " if record else ""
    )
    if record:
        threading.Thread(target=leave_records, args=(tmp_path,)).start()
    ending = run_child(script(tmp_path, f"{wait}echo '{said}'; exit 1"), tmp_path, FINE, Stop())
    assert (ending.exit_code, ending.status, ending.reasons) == (1, "disk full", ("disk full: /x",))
    assert ending.run == ("2" if record else None)
    assert not ending.crashed


@pytest.mark.parametrize("text", ["", "not JSON", "[1, 2]", "null"])
def test_a_child_that_prints_no_record_is_judged_by_its_exit_code(tmp_path: Path, text: str) -> None:
    assert run_child(script(tmp_path, f"echo '{text}'; exit 1"), tmp_path, FINE, Stop()) == Ending(1, "failed")


def test_a_child_that_cannot_be_started_is_a_crash(tmp_path: Path) -> None:
    ending = run_child([str(tmp_path / "nothing")], tmp_path, FINE, Stop())
    assert (ending.exit_code, ending.status, ending.crashed) == (1, "failed", True)
    assert "could not be started" in ending.reasons[0]


def test_a_killed_run_is_found_by_its_process(tmp_path: Path) -> None:
    """kill -9 in the middle: no record on standard output, but a folder."""
    child = script(tmp_path, f"echo $$ > {tmp_path}/pid; echo half a rec; sleep 60")
    threading.Thread(target=kill_once_there, args=(tmp_path,)).start()
    ending = run_child(child, tmp_path, FINE, Stop())
    assert (ending.exit_code, ending.status, ending.run, ending.crashed) == (-9, "killed", "2", True)


def test_a_damaged_record_of_another_run_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "runs" / "1").mkdir(parents=True)
    (tmp_path / "runs" / "1" / "run.json").write_text("{")
    assert run_child(script(tmp_path, "exit 1"), tmp_path, FINE, Stop()) == Ending(1, "failed")


def test_a_run_of_before_is_not_taken_for_this_one_though_their_processes_have_one_number(tmp_path: Path) -> None:
    (tmp_path / "runs" / "1").mkdir(parents=True)
    record = '{\\"id\\": \\"1\\", \\"status\\": \\"done\\", \\"pushed\\": {\\"version\\": \\"7\\"}, \\"pid\\": $$}'
    child = script(tmp_path, f'echo "{record}" > {tmp_path}/runs/1/run.json; exit 1')
    assert run_child(child, tmp_path, FINE, Stop()) == Ending(1, "failed")


def kill_once_there(out: Path) -> None:
    os.kill(leave_records(out), signal.SIGKILL)


def leave_records(out: Path) -> int:
    """Records of three runs, the second that of the process whose number is in a file, which is returned."""
    wait_for(lambda: ids(out / "pid"))
    [pid] = ids(out / "pid")
    for name, owner in (("1", 1), ("2", pid), ("3", 1)):
        (out / "runs" / name).mkdir(parents=True)
        write_run(out / "runs" / name, RunRecord(id=name, recipe="demo", status="running", pid=owner))
    return pid


def test_what_a_killed_run_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    child = script(tmp_path, f"sleep 60 & echo $! > {tmp_path}/pids; kill -9 $$")
    begin = time.monotonic()
    assert run_child(child, tmp_path, FINE, Stop()).exit_code == -9
    # Its worker held standard output open; nobody waited for it.
    assert time.monotonic() - begin < 5
    [worker] = ids(tmp_path / "pids")
    wait_for(lambda: not is_alive(worker))


def test_a_timeout_lets_the_child_end_by_itself(tmp_path: Path) -> None:
    record = '{"id": "r", "recipe": "demo", "status": "interrupted", "reasons": []}'
    child = script(
        tmp_path, f"trap 'echo \"{record.replace(chr(34), chr(92) + chr(34))}\"; exit 143' TERM; sleep 60 & wait"
    )
    ending = run_child(child, tmp_path, Schedule(timeout=1, grace=30), Stop())
    assert ending == Ending(143, "timed out", ("[schedule] timeout = 1 s",), "r")
    assert not ending.crashed


def test_a_child_deaf_to_a_timeout_is_killed_after_the_grace(tmp_path: Path) -> None:
    child = script(tmp_path, f"trap '' TERM; sleep 60 & echo $$ $! > {tmp_path}/pids; wait")
    begin = time.monotonic()
    ending = run_child(child, tmp_path, Schedule(timeout=1, grace=1), Stop())
    assert 2 <= time.monotonic() - begin < 10
    assert (ending.exit_code, ending.status, ending.crashed) == (-9, "timed out", False)
    wait_for(lambda: not any(map(is_alive, ids(tmp_path / "pids"))))


@pytest.mark.parametrize(
    ("sent", "number"),
    [(signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGINT), (signal.SIGHUP, signal.SIGTERM)],
)
def test_a_signal_is_passed_on_and_waited_for(tmp_path: Path, sent: signal.Signals, number: signal.Signals) -> None:
    child = script(
        tmp_path,
        f"trap 'sleep 0.2; echo TERM >> {tmp_path}/got; exit 143' TERM\n"
        f"trap 'echo INT >> {tmp_path}/got; exit 130' INT\n"
        f"touch {tmp_path}/ready; while :; do sleep 0.05; done",
    )
    stop = Stop()
    me = os.getpid()

    def send() -> None:
        wait_for(lambda: (tmp_path / "ready").exists())
        os.kill(me, sent)

    with stop.listening():
        threading.Thread(target=send).start()
        ending = run_child(child, tmp_path, FINE, stop)
    assert (ending.exit_code, ending.status, ending.crashed) == (128 + number, "interrupted", False)
    assert (tmp_path / "got").read_text() == f"{number.name.removeprefix('SIG')}\n"
    assert stop.signal == number


def test_a_second_signal_is_passed_on_too(tmp_path: Path) -> None:
    child = script(
        tmp_path,
        f"trap 'echo >> {tmp_path}/got; [ $(wc -l < {tmp_path}/got) = 2 ] && exit 130' TERM\n"
        f"touch {tmp_path}/ready; while :; do sleep 0.05; done",
    )
    stop = Stop()
    me = os.getpid()

    def send() -> None:
        wait_for(lambda: (tmp_path / "ready").exists())
        os.kill(me, signal.SIGTERM)
        wait_for(lambda: (tmp_path / "got").exists())
        os.kill(me, signal.SIGTERM)

    with stop.listening():
        threading.Thread(target=send).start()
        assert run_child(child, tmp_path, FINE, stop).exit_code == 130


def test_a_terminal_that_is_closed_asks_once(tmp_path: Path) -> None:
    child = script(
        tmp_path,
        f"trap 'echo >> {tmp_path}/got' TERM\ntouch {tmp_path}/ready\n"
        f"while [ ! -e {tmp_path}/end ]; do sleep 0.05; done; exit 143",
    )
    stop = Stop()
    me = os.getpid()

    def send() -> None:
        wait_for(lambda: (tmp_path / "ready").exists())
        os.kill(me, signal.SIGHUP)
        wait_for(lambda: (tmp_path / "got").exists())
        os.kill(me, signal.SIGHUP)
        time.sleep(0.2)
        (tmp_path / "end").touch()

    with stop.listening():
        threading.Thread(target=send).start()
        assert run_child(child, tmp_path, FINE, stop).exit_code == 143
    assert (tmp_path / "got").read_text() == "\n"


def test_a_signal_just_before_the_start_reaches_the_child(tmp_path: Path) -> None:
    stop = Stop()
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(lambda: stop.signal)
        ending = run_child(["sleep", "60"], tmp_path, FINE, stop)
    assert (ending.exit_code, ending.status, ending.crashed) == (-signal.SIGTERM, "interrupted", False)


def test_the_signals_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with Stop().listening():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_under_nohup_a_closed_terminal_is_no_stop() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        stop = Stop()
        with stop.listening():
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.signal is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_stop_ends_a_sleep() -> None:
    stop = Stop()
    with stop.listening():
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
        begin = time.monotonic()
        SystemClock(stop).sleep(30)
        assert 0.05 < time.monotonic() - begin < 10


def test_the_child_has_a_session_of_its_own(tmp_path: Path) -> None:
    """A terminal sends Ctrl-C to all of the session in front; the child gets it from the scheduler alone."""
    run_child(script(tmp_path, f"cut -d' ' -f1,6 /proc/$$/stat > {tmp_path}/ids"), tmp_path, FINE, Stop())
    pid, session = ids(tmp_path / "ids")
    assert session == pid != os.getsid(0)


def night(until: str = "2026-01-02") -> FakeClock:
    return FakeClock(datetime(2026, 1, 1, 2, tzinfo=UTC), datetime.fromisoformat(f"{until}T00:00+00:00"))


def retried(clock: FakeClock, codes: list[int], **settings: int) -> tuple[Ending, list[float]]:
    """The last ending, and the minutes at which the attempts started."""
    times: list[float] = []

    def run() -> Ending:
        times.append((clock.now() - datetime(2026, 1, 1, 2, tzinfo=UTC)).total_seconds() / 60)
        return Ending(codes[len(times) - 1], "failed")

    return with_retries(run, Schedule(**settings), clock, clock.stop), times


def test_crashes_are_tried_again_after_waits_that_double() -> None:
    ending, minutes = retried(night(), [1, -9, 1, 0], retries=5, backoff=60)
    assert (ending.exit_code, ending.attempts) == (0, 4)
    assert minutes == [0, 1, 3, 7]


def test_retries_are_bounded_and_so_are_their_waits() -> None:
    ending, minutes = retried(night(), [1] * 9, retries=8, backoff=1200)
    assert (ending.exit_code, ending.attempts) == (1, 9)
    assert [after - before for before, after in pairwise(minutes)] == [20, 40, *[60] * 6]


@pytest.mark.parametrize("code", [0, 2, 3, 4, 130, 143, -15, -2])
def test_what_is_no_crash_is_not_tried_again(code: int) -> None:
    ending, minutes = retried(night(), [code, 0], retries=5)
    assert (ending.exit_code, ending.attempts, minutes) == (code, 1, [0])


def test_no_retries_no_second_attempt() -> None:
    assert retried(night(), [1, 0], retries=0)[0].attempts == 1


def test_a_stop_during_the_wait_ends_the_attempts() -> None:
    clock = FakeClock(datetime(2026, 1, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, 2, 0, 30, tzinfo=UTC))
    ending, minutes = retried(clock, [1, 0], retries=5)
    assert (ending.exit_code, ending.attempts, minutes) == (1, 1, [0])


def test_a_timeout_is_not_tried_again() -> None:
    assert not Ending(1, "timed out").crashed
    assert not Ending(-9, "timed out").crashed
