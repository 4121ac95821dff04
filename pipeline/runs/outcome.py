"""What a run came to: counts, metrics and verdict, read from what its nodes have left."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from components.artifacts import (
    ACCOUNT_FILE,
    CHECKS_FILE,
    ENGINES_FILE,
    METRICS_FILE,
    REPORT_FILE,
    TRAINING_FILE,
    Account,
    Checks,
    Engines,
    FoldMetrics,
    Metrics,
    Training,
    read_artifact,
)
from components.errors import ExitCode
from components.state import BrokenState
from pipeline.graph.roles import Role
from pipeline.runs.alike import alike, told
from pipeline.runs.record import Counts, Pushed, RunRecord

_MOST_REJECTS = 10
Found = TypeVar("Found")


@dataclass(frozen=True)
class Output:
    """An artifact of a node, whatever ran it."""

    path: Path
    properties: Mapping[str, Any]
    """What the node has noted of it; truth values are numbers."""


Outputs = Mapping[Role, Output]
"""Of each role that of its final node, as far as the run came."""


def notices(outputs: Outputs) -> Iterator[str]:
    """What people must be told as soon as a node has ended: sources that were rejected, warnings of the training, folds
    that have failed.

    `outputs` is what that node has left. Of an ensemble the trainings of its members have told their warnings.
    """
    if account := _account(outputs):
        groups = alike(account["rejects"])
        yield from (f"rejected {'; '.join(told(group))}" for group in groups[:_MOST_REJECTS])
        if more := sum(map(len, groups[_MOST_REJECTS:])):
            yield f"and {more} more; all are in the report"
    if folds := _out_of_fold(outputs):
        yield from folds["reasons"]
    elif training := _training(outputs):
        yield from training["warnings"]


def conclude(record: RunRecord, outputs: Outputs) -> None:
    """Notes how a run has ended whose nodes have all ended well: done, or refused by the evaluation or at the push."""
    blessed, reasons = _verdict(outputs)
    late = _refused_at_the_push(outputs) if blessed else None
    if blessed is False or late:
        record.end("refused by the evaluation", ExitCode.REFUSED, [*reasons, *([late] if late else [])])
    else:
        record.end("done", ExitCode.DONE, reasons)
    report = outputs.get(Role.REPORT)
    record.blessed = blessed
    record.report = str(report.path / REPORT_FILE) if report else None


def complete(record: RunRecord, outputs: Outputs) -> None:
    """Notes what the nodes have found and done, however far the run came."""
    account, training = _readable(_account, outputs), _readable(_training, outputs)
    test, folds = _readable(_test, outputs), _readable(_out_of_fold, outputs)
    record.counts = _counts(account) if account else None
    trained = {"train": training.get("train"), "eval": training.get("eval")} if training else {}
    record.metrics = {split: found for split, found in {**trained, "test": test}.items() if found}
    collapsed = test.get("collapsed") if test else None
    record.warnings = [*(training["warnings"] if training else []), *([f"collapsed: {collapsed}"] if collapsed else [])]
    if folds:
        pooled = {key: found for key, found in folds.items() if key != "folds"}
        record.folds = {"table": folds["folds"], "pooled": pooled}
    record.devices = training["devices"] if training else None
    if engines := _readable(_engines, outputs):
        record.engines = {**engines["engines"]}
    record.pushed, record.not_pushed = _pushed(outputs)
    record.artifacts = {role.name.lower(): str(output.path) for role, output in outputs.items()}


def _readable(read: Callable[[Outputs], Found | None], outputs: Outputs) -> Found | None:
    """What is broken has ended the run, whose reason names it; the rest of the record is worth having."""
    with suppress(BrokenState):
        return read(outputs)
    return None


def _counts(account: Account) -> Counts:
    return Counts(sources=account["sources"], rejects=len(account["rejects"]), records=account["records"])


def _verdict(outputs: Outputs) -> tuple[bool | None, list[str]]:
    """Whether the candidate may be served, and why not; None before it was evaluated."""
    test = _test(outputs)
    checks = _file(outputs, Role.SERVING_CHECK, CHECKS_FILE, Checks)
    if test is None or checks is None:
        return None, []
    failed = [check for check in checks["checks"] if not check["passed"]]
    reasons = [*test["reasons"], *(f"serving check {check['name']}: {check['detail']}" for check in failed)]
    return not reasons, reasons


def _pushed(outputs: Outputs) -> tuple[Pushed | None, str | None]:
    """The model that this run pushed, or None and why nothing was pushed."""
    notes = _push(outputs)
    if not notes.get("pushed"):
        return None, notes.get("reason")
    return Pushed(version=notes["pushed_version"], path=notes["pushed_destination"]), None


def _refused_at_the_push(outputs: Outputs) -> str | None:
    """Why a blessed candidate was refused when it was its turn: the champion had changed by then."""
    notes = _push(outputs)
    return notes["reason"] if notes.get("refused") else None


def _push(outputs: Outputs) -> Mapping[str, Any]:
    artifact = outputs.get(Role.PUSH)
    return artifact.properties if artifact else {}


def _account(outputs: Outputs) -> Account | None:
    return _file(outputs, Role.EXAMPLES, ACCOUNT_FILE, Account)


def _training(outputs: Outputs) -> Training | None:
    return _file(outputs, Role.TRAINING, TRAINING_FILE, Training)


def _out_of_fold(outputs: Outputs) -> FoldMetrics | None:
    return _file(outputs, Role.OUT_OF_FOLD, METRICS_FILE, FoldMetrics)


def _engines(outputs: Outputs) -> Engines | None:
    return _file(outputs, Role.ENGINES, ENGINES_FILE, Engines)


def _test(outputs: Outputs) -> Metrics | None:
    return _file(outputs, Role.EVALUATION, METRICS_FILE, Metrics)


def _file(outputs: Outputs, role: Role, name: str, shape: type[Found]) -> Found | None:
    artifact = outputs.get(role)
    return read_artifact(artifact.path / name, shape) if artifact else None
