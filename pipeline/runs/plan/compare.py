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
from components.trainer.budget import duration
from pipeline.config.root import Config
from pipeline.graph.roles import Role
from pipeline.runs.compare.core import compared
from pipeline.runs.folders import artifact_folder
from pipeline.runs.launch import launch
from pipeline.runs.plan.choices import SIZE, Choice, choose
from pipeline.runs.plan.core import Plan, going_with, minutes_of, size_of_records, with_choices
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
        "plain U-Net": going_with(config, [*of_size, *plain]),
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
    return Compared(rows, chosen, replace(default, choices=measured(default.choices, tried[chosen], rows[chosen])))


def cost(config: Config, default: Plan) -> str:
    """What is trained, and how long, before it begins."""
    one = _in_folds(config, default.choices)
    number, k, budget = len(candidates(config, default)), one.folds.k if one.folds else 1, one.training.budget
    each = f"{budget or f'{one.training.epochs} epochs'} of training"
    whole = f": {duration(number * k * budget.seconds)} in all" if budget and budget.seconds else ""
    return f"{number} candidates x {k} folds x {each}{whole}, and start-up and answers on top"


def measured(default: Sequence[Choice], chosen: Sequence[Choice], row: Mapping[str, Any]) -> list[Choice]:
    """The choices that were taken; of those that differ from the default the reason is what was measured."""
    before = {choice.key: choice.value for choice in default}
    return [
        choice
        if choice.key in before and before[choice.key] == choice.value
        else replace(choice, why=f"measured: {told(row)}")
        for choice in chosen
    ]


def told(row: Mapping[str, Any]) -> str:
    """The Dice of a candidate, and by how much it differs from that of the default."""
    return f"mean Dice {row['mean']:.3f} of {row['n']} cases out of fold{_change(row)}"


def _change(row: Mapping[str, Any]) -> str:
    if "change" not in row:
        return ""
    change = row["change"]
    ci95 = change["ci95"]
    interval = f" (95 % CI {ci95[0]:+.3f} to {ci95[1]:+.3f})" if ci95 else f" ({change['no_ci95']})"
    return f", {change['mean']:+.3f}{interval}: {change['verdict'] or 'not told apart'}"


def taken(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The best of those that are better than the default outside the interval; where there is none, the default."""
    better = [label for label, row in rows.items() if row.get("change", {}).get("verdict") == "better"]
    return max(better, key=lambda label: rows[label]["mean"], default=DEFAULT)


def _out_of_fold(
    name: str, config: Config, choices: Sequence[Choice], data: Path | None, out: Path, silent: bool
) -> list[Case]:
    record = launch(name, _in_folds(config, choices), data, out, None, _LAST, silent)
    if record.exit_code:
        raise NotCompared(f"{out}: {record.status}: {'; '.join(record.reasons)}", record.exit_code)
    record.folder = str(out / "runs" / record.id)
    return read_cases(artifact_folder(record, Role.OUT_OF_FOLD) / CASES_FILE)


def _in_folds(config: Config, choices: Sequence[Choice]) -> Config:
    planned = with_choices(config, choices)
    return planned if planned.folds else planned.with_sections({"folds": {"k": _FOLDS}})
