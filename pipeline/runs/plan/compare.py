"""Candidate plans tried on folds of one's own data: another than the default must be better outside the interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from components.artifacts import CASES_FILE
from components.errors import MasklineError
from components.evaluator.per_case import Case, read_cases
from components.measures.all import MEASURES
from pipeline.config.root import Config
from pipeline.graph.roles import Role
from pipeline.runs.compare.core import compared
from pipeline.runs.folders import artifact_folder
from pipeline.runs.launch import launch
from pipeline.runs.plan.choices import SIZE, Choice, choose
from pipeline.runs.plan.core import Plan, minutes_of, size_of_records, with_choices
from pipeline.runs.plan.networks import PLAIN

DEFAULT = "default"
_FOLDS, _LAST, _MEASURE = 3, "OutOfFold", "dice"


class NotCompared(MasklineError):
    """A candidate could not be trained: ends as its run has ended."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class Compared:
    """What candidates came to, out of fold."""

    rows: Mapping[str, Mapping[str, Any]]
    """Of each its Dice as `evaluator.values.summary` has it; of all but the default the `change`, with its verdict."""
    chosen: str
    plan: Plan


def candidates(config: Config, default: Plan) -> dict[str, Sequence[Choice]]:
    """The default first; all are of records of its size, so that they are measured on the same truth."""
    sized = with_choices(config, [choice for choice in default.choices if choice.key in SIZE])
    size = size_of_records(sized, default.seen)
    of_size = [choice for choice in default.choices if choice.key in SIZE]
    plain = choose(default.seen, minutes_of(config), PLAIN, size)
    return {
        DEFAULT: default.choices,
        "plain U-Net": [*of_size, *plain],
        "strong augmentation": [
            replace(choice, value="strong") if choice.key == "augmentation.strength" else choice
            for choice in default.choices
        ],
    }


def compare_candidates(
    name: str, config: Config, default: Plan, data: Path | None, out: Path, silent: bool
) -> Compared:
    """Trains each candidate on folds of all that is not test, each in a folder below `out`, where it goes on.

    Raises:
        NotCompared: a candidate's run did not end.
        UsageError: as of any run.
    """
    tried = candidates(config, default)
    cases = [
        _out_of_fold(f"{name}-{label}", config, choices, data, out / label.replace(" ", "-"), silent)
        for label, choices in tried.items()
    ]
    measure = MEASURES[_MEASURE]
    rows = compared(cases, list(tried), {_MEASURE: measure}, config.data.task.classes)["means"][_MEASURE]
    chosen = taken(rows)
    return Compared(rows, chosen, replace(default, choices=tried[chosen]))


def taken(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The best of those that are better than the default outside the interval; where there is none, the default."""
    better = [label for label, row in rows.items() if row.get("change", {}).get("verdict") == "better"]
    return max(better, key=lambda label: rows[label]["mean"], default=DEFAULT)


def _out_of_fold(
    name: str, config: Config, choices: Sequence[Choice], data: Path | None, out: Path, silent: bool
) -> list[Case]:
    planned = with_choices(config, choices)
    if planned.folds is None:
        planned = planned.with_sections({"folds": {"k": _FOLDS}})
    record = launch(name, planned, data, out, None, _LAST, silent)
    if record.exit_code:
        raise NotCompared(f"{out}: {record.status}: {'; '.join(record.reasons)}", record.exit_code)
    record.folder = str(out / "runs" / record.id)
    return read_cases(artifact_folder(record, Role.OUT_OF_FOLD) / CASES_FILE)
