"""Follows a run on the cluster: a line per node as it ends, then its state and exit code."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from components.errors import ExitCode
from pipeline.kubeflow.cluster.api import ClusterError
from pipeline.kubeflow.cluster.client import Cluster
from pipeline.kubeflow.cluster.record import PENDING, ClusterRun
from pipeline.runs.console import RunConsole
from pipeline.runs.record import State, Step

EXIT_CODES = {
    "SUCCEEDED": ExitCode.DONE,
    "FAILED": ExitCode.FAILED,
    "SKIPPED": ExitCode.FAILED,
    "CANCELED": ExitCode.INTERRUPTED,
}
"""Of the states that a run ends in. kfp's own wait does not know that CANCELED is one, and never returns."""
POLL_SECONDS = 10.0

_STATES: dict[str, State] = {"SUCCEEDED": "ran", "SKIPPED": "skipped", "FAILED": "failed", "CANCELED": "failed"}
_GATE = re.compile(rf"exit (?:code|status) {ExitCode.DATA_REFUSED}\b")
"""What the data gate ends with, or says in its last word. Other codes are the launcher's or the kernel's, and mean
failure. Released servers drop Argo's message, and the launcher replaces the code by its own: then it is failure too."""


def wait(
    cluster: Cluster, started: ClusterRun, nodes: Collection[str], timeout: float | None, console: RunConsole
) -> ClusterRun:
    """A run that was started as it is when it ends, or after `timeout` seconds; None: however long that takes.

    `nodes` are those of the graph; drivers and other tasks of Kubeflow's own are left out.

    Raises:
        ClusterError: the cluster cannot be asked any more. The run goes on.
    """
    deadline = None if timeout is None else cluster.timer.now() + timeout
    shown: set[str] = set()
    while True:
        run = _asked(cluster, started.id)
        steps = list(_steps(run, nodes))
        for step in steps:
            if step.id not in shown:
                shown.add(step.id)
                console.finished(step)
        if run.state in EXIT_CODES:
            return _seen(started, run.state, steps, _exit_code(run), _reasons(run, steps))
        left = POLL_SECONDS if deadline is None else deadline - cluster.timer.now()
        if left <= 0:
            reason = f"not ended after {timeout:g} s. The run goes on; `maskline kubeflow runs` shows when it ends"
            return _seen(started, run.state or PENDING, steps, ExitCode.STILL_RUNNING, [reason])
        cluster.timer.sleep(min(POLL_SECONDS, left))


def _asked(cluster: Cluster, run_id: str) -> Any:
    try:
        return cluster.run(run_id)
    except ClusterError as error:
        raise ClusterError(f"{error}. The run {run_id} goes on without this command") from None


def _seen(started: ClusterRun, state: str, steps: list[Step], exit_code: int, reasons: list[str]) -> ClusterRun:
    seen = started.model_copy()
    seen.state, seen.exit_code, seen.steps, seen.reasons = state, exit_code, steps, reasons
    return seen


def _reasons(run: Any, steps: list[Step]) -> list[str]:
    failed = [f"{step.id}: {step.reason}" for step in steps if step.state == "failed" and step.reason]
    return [*failed, *filter(None, [_error(run)])]


def _exit_code(run: Any) -> int:
    texts = [_error(run), *(_error(task) for task in _task_details(run))] if run.state == "FAILED" else []
    return ExitCode.DATA_REFUSED if any(map(_GATE.search, texts)) else EXIT_CODES[run.state]


def _steps(run: Any, nodes: Collection[str]) -> Iterator[Step]:
    """The nodes of the graph that have ended."""
    for task in _task_details(run):
        if task.display_name in nodes and task.state in _STATES:
            yield Step(
                id=task.display_name,
                state=_STATES[task.state],
                seconds=_seconds(task),
                reason="cancelled" if task.state == "CANCELED" else _error(task),
            )


def _task_details(run: Any) -> list[Any]:
    return (run.run_details and run.run_details.task_details) or []


def _seconds(task: Any) -> float:
    """Servers write year 1 for what has not happened."""
    if not (task.start_time and task.end_time):
        return 0.0
    return max(0.0, (task.end_time - task.start_time).total_seconds())


def _error(item: Any) -> str:
    """What a run or a task says of its failure, on one line."""
    errors = [item.error, *(status.error for status in item.state_history or [])]
    return next((" ".join(error.message.split()) for error in errors if error and error.message), "")
