"""What people are told of a run at its end, wherever it ran."""

from __future__ import annotations

from collections.abc import Iterator

from components.errors import ExitCode
from pipeline.runs.record import Distribution, RunRecord, Scores

_WORDS: dict[int | None, str] = {
    ExitCode.REFUSED: "Refused",
    ExitCode.DATA_REFUSED: "Refused",
    ExitCode.STILL_RUNNING: "Still running",
    ExitCode.INTERRUPTED: "Interrupted",
    ExitCode.TERMINATED: "Interrupted",
}
"""Before a reason; every other code is a failure."""


def conclusion(record: RunRecord) -> list[str]:
    """The last lines of a run: its score, why it ended as it did, what was pushed or why not, the report."""
    return list(_lines(record))


def _lines(record: RunRecord) -> Iterator[str]:
    if record.folds and record.out_of_fold:
        yield _score(f"Out of fold ({len(record.folds['table'])} folds pooled)", record.out_of_fold)
        if record.out_of_fold.collapsed:
            yield f"Collapsed out of fold: {record.out_of_fold.collapsed}"
    if record.scores:
        yield _score("Test", record.scores)
        if record.scores.collapsed:
            yield f"Collapsed: {record.scores.collapsed}"
        yield from (f"Note: {note}" for note in record.scores.notes)
    word = _WORDS.get(record.exit_code, "Failed")
    yield from (f"{word}: {reason}" for reason in record.reasons)
    yield from (f"Log of the step: {step.log}" for step in record.steps if step.state == "failed" and step.log)
    if record.pushed:
        yield f"Pushed: version {record.pushed.version} to {record.pushed.path}"
    elif record.not_pushed:
        yield f"Not pushed: {record.not_pushed}"
    for form, verdict in record.engines.items():
        yield f"{form}: {'offered' if verdict['offered'] else 'refused'}: {verdict['reason']}"
    if record.report:
        yield f"Report: {record.report}"


def _score(what: str, scores: Scores) -> str:
    found, empty = scores.mean, scores.empty_cases
    classes = "".join(
        f"; {name} {_mean(of_class)}{_absent(scores, name)}" for name, of_class in scores.of_classes.items()
    )
    without = (
        f"; something was predicted in {scores.empty_cases_with_prediction} of {empty} cases without foreground"
        if empty
        else ""
    )
    return f"{what}: mean foreground {scores.title} {_mean(found)}{_interval(found)}, {found.n} cases{classes}{without}"


def _interval(found: Distribution) -> str:
    if found.ci95:
        return f" (95 % CI {found.ci95[0]:.3f} to {found.ci95[1]:.3f})"
    return f" (95 % CI: {found.no_ci95})" if found.no_ci95 else ""


def _absent(scores: Scores, name: str) -> str:
    absent = scores.absent.get(name)
    return f" (predicted in {absent.with_prediction} of {absent.cases} without)" if absent and absent.cases else ""


def _mean(found: Distribution) -> str:
    return "undefined" if found.mean is None else f"{found.mean:.3f}"
