"""A run as a process of its own: its timeout, its record, its retries."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import ValidationError
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential

from components.errors import ExitCode
from pipeline.config.schedule import Schedule
from pipeline.runs.folders import list_runs
from pipeline.runs.record import RunRecord, Status
from pipeline.schedule.clock import Clock, Stop

MASKLINE = (sys.executable, "-P", "-m", "pipeline.cli")
"""The command line of this installation, whatever the current folder holds."""

_STOPPED = (ExitCode.TERMINATED, -signal.SIGTERM, ExitCode.INTERRUPTED, -signal.SIGINT)
_LONGEST_BACKOFF = 3600


@dataclass(frozen=True)
class Ending:
    """How a run ended."""

    exit_code: int
    """Negative: the signal that killed it."""
    status: Status
    reasons: tuple[str, ...] = ()
    run: str | None = None
    pushed: str | None = None
    attempts: int = 1

    @property
    def crashed(self) -> bool:
        """Whether it may go well when started again: neither refused, nor wrong, nor told to end, nor without room."""
        by_signal = self.exit_code < 0 and self.exit_code not in _STOPPED
        return (self.exit_code == ExitCode.FAILED or by_signal) and self.status not in ("timed out", "disk full")


def run_child(command: Sequence[str], out: Path, settings: Schedule, stop: Stop) -> Ending:
    """Runs a command that prints the record of its run; after the timeout it is asked to end, and then killed.

    It is a session of its own, so that a terminal's Ctrl-C does not reach it twice and none of its processes is left.
    """
    earlier = _run_folders(out)
    # In memory: a full disk takes no record away, and a process left behind does not hold a pipe open.
    with os.fdopen(os.memfd_create("record"), "w+b") as stdout:
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, start_new_session=True)
        except OSError as error:
            return Ending(ExitCode.FAILED, "failed", (f"could not be started: {error}",))
        with stop.passed_to(process):
            timed_out = _wait(process, settings.timeout, settings.grace)
        printed = _printed(stdout)
    record = _record(printed) or _left_behind(out, earlier, process.pid)
    ending = _ending(process.returncode, record, printed)
    if not timed_out:
        return ending
    return replace(ending, status="timed out", reasons=(f"[schedule] timeout = {settings.timeout} s",))


def with_retries(run: Callable[[], Ending], settings: Schedule, clock: Clock, stop: Stop) -> Ending:
    """Runs again what has crashed, after waits that double; not once a stop has been asked for."""
    endings: list[Ending] = []

    def attempt() -> Ending:
        if not (endings and stop.signal):
            endings.append(run())
        return endings[-1]

    def last(state: RetryCallState) -> Ending:
        return endings[-1]

    retrying = Retrying(
        retry=retry_if_result(lambda ending: ending.crashed),
        stop=stop_after_attempt(settings.retries + 1),
        wait=wait_exponential(multiplier=settings.backoff, max=_LONGEST_BACKOFF),
        sleep=clock.sleep,
        retry_error_callback=last,
    )
    return replace(retrying(attempt), attempts=len(endings))


def _wait(process: subprocess.Popen[bytes], timeout: float, grace: float) -> bool:
    """Whether the timeout had to end it. What it started ends with it."""
    timed_out = False
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        timed_out = True
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return timed_out


def _ending(code: int, record: RunRecord | None, printed: Mapping[str, Any]) -> Ending:
    """Where the command line has printed an error instead of the record, the record may lack its end."""
    error = printed.get("error")
    full: Status | None = "disk full" if printed.get("status") == "disk full" else None
    said = full or (record.status if record else "failed")
    reasons = record.reasons if record else []
    return Ending(
        exit_code=code,
        status="interrupted" if code in _STOPPED else "killed" if code < 0 else said,
        reasons=tuple(reasons or ([error] if error else [])),
        run=record.id if record else None,
        pushed=record.pushed.version if record and record.pushed else None,
    )


def _printed(stdout: BinaryIO) -> dict[str, Any]:
    """The JSON object that it has printed: its record, or an error; empty where it was none."""
    stdout.seek(0)
    try:
        printed = json.loads(stdout.read())
    except ValueError:
        return {}
    return printed if isinstance(printed, dict) else {}


def _record(printed: dict[str, Any]) -> RunRecord | None:
    try:
        return RunRecord.model_validate(printed)
    except ValidationError:
        return None


def _run_folders(out: Path) -> set[str]:
    return {str(path) for path in out.glob("runs/*")}


def _left_behind(out: Path, earlier: set[str], pid: int) -> RunRecord | None:
    """What a run that did not come to print its record had written, if anything; an earlier one may have its pid."""
    own = [run for run in list_runs(out) if run.pid == pid and run.folder not in earlier]
    return max(own, key=lambda run: run.id, default=None)
