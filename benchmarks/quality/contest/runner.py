"""Does the trainings of a contest that its file does not have yet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np

from benchmarks.quality.contest.contestant import Contestant, Outcome
from benchmarks.quality.contest.contestants import CONTESTANTS
from benchmarks.quality.contest.paces import PACES, keep, steps_of
from benchmarks.quality.contest.problem import Problem, folder_of, problem_of
from benchmarks.quality.contest.results import Key, Row
from benchmarks.quality.ledger import LEDGER, use_once
from benchmarks.quality.rows import append, read_rows
from benchmarks.quality.trial import case_of
from components.errors import UsageError
from components.example_gen.core import Source
from components.records.splits import TEST


def contest(
    data: str,
    name: str,
    minutes: Sequence[int],
    seeds: Sequence[int],
    splits: Sequence[str],
    out: Path,
    python: Path | None = None,
    paces: Path = PACES,
    ledger: Path = LEDGER,
    contestant: Contestant | None = None,
) -> Iterator[str]:
    """Yields a line for each training that is done, and adds its rows to the file `out`; those that it has are skipped.

    Args:
        data: a folder, or the name of phantoms.
        name: of who takes part.
        minutes: budgets, of two cores.
        seeds: each of all draws of a training.
        splits: that are measured.
        out: CSV.
        python: the interpreter of an environment that the contestant needs for itself.
        paces: what steps cost.
        ledger: what test splits were used for.
        contestant: in place of that of the name.

    Raises:
        UsageError: no such data, no pace, a row of another version in the file, a test split that was used.
    """
    entered = contestant or CONTESTANTS[name]()
    with folder_of(data) as root:
        version = entered.version(root.name)
        steps = {
            (budget, split): steps_of(budget, root.name, split, name, paces)
            for budget, split in product(minutes, splits)
        }
        if TEST in splits:
            _use_test(ledger, root.name, name, minutes, seeds, version)
        planned = [
            [Key(root.name, method, budget, seed, split) for method in entered.methods]
            for split, budget, seed in product(splits, minutes, seeds)
        ]
        missing = _missing(out, planned, version)
        yield f"{len(planned)} trainings, {len(planned) - len(missing)} of them in {out}"
        for keys in missing:
            problem, budget = problem_of(root, keys[0].split), (keys[0].minutes, keys[0].split)
            outcome = entered.enter(problem, steps[budget], keys[0].seed, python)
            rows = [_row(key, problem, outcome, version) for key in keys]
            append(out, *rows)
            yield from map(_told, rows)


def measure_pace(data: str, name: str, split: str, python: Path | None = None, paces: Path = PACES) -> str:
    """Measures what a step of a contestant costs, keeps it, and tells it."""
    with folder_of(data) as root:
        pace = CONTESTANTS[name]().pace(problem_of(root, split), python)
        keep(pace, root.name, split, name, paces)
        return f"{root.name}, {split}, {name}: {pace.seconds:.3f} s of the processor a step; {dict(pace.facts)}"


def _use_test(ledger: Path, data: str, name: str, minutes: Sequence[int], seeds: Sequence[int], version: str) -> None:
    """Each budget has an entry of its own beside those of other experiments: budgets may be run one by one."""
    for budget in minutes:
        use_once(ledger, f"{data}: contest, {name}, {budget} minutes", {"seeds": [*seeds], "version": version})


def _missing(out: Path, planned: Sequence[Sequence[Key]], version: str) -> list[Sequence[Key]]:
    found = {row.key: row.code for row in read_rows(out, Row)}
    for key in (key for keys in planned for key in keys):
        if found.get(key, version) != version:
            raise UsageError(
                f"{out}: its row of {key.method} on {key.data}, {key.split}, {key.minutes} minutes, seed {key.seed} is "
                f"of version {found[key]}, now it is {version}: they do not compare. Give another --out"
            )
    return [keys for keys in planned if any(key not in found for key in keys)]


def _row(key: Key, problem: Problem, outcome: Outcome, version: str) -> Row:
    answers = outcome.answers[key.method]
    measured = [_case(problem, *pair) for pair in zip(problem.measured, answers, strict=True)]
    cases = [case for case in measured if not math.isnan(case[2])]
    return Row(
        key=key,
        n=len(cases),
        mean=fmean(case[2] for case in cases),
        steps=outcome.steps,
        parameters=outcome.parameters,
        seconds=round(outcome.seconds, 1),
        processor_seconds=round(outcome.processor_seconds, 1),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        code=version,
        cases=cases,
    )


def _case(problem: Problem, source: Source, answer: np.ndarray) -> tuple[str, str, float, dict[str, float]]:
    case = case_of(source, answer, problem.config)
    dice = {name: scores.values["dice"] for name, scores in case.classes.items()}
    shown = {name: value for name, value in dice.items() if not math.isnan(value)}
    return case.id, case.group, case.value("dice"), shown


def _told(row: Row) -> str:
    key = row.key
    return (
        f"{key.data}, {key.split}, {key.method}, {key.minutes} minutes, seed {key.seed}: Dice {row.mean:.4f} of "
        f"{row.n} images, {row.steps} steps, {row.processor_seconds:.0f} s of the processor"
    )
