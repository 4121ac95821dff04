"""The verbs of the contest."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.quality.contest.contestants import CONTESTANTS
from components.records.splits import TEST, fold_split

_DEVELOPMENT = "development"


def add_verbs(verbs: Any) -> None:
    """Each says by `told` what it does: it yields lines."""
    enter = verbs.add_parser("contest", help="train a contestant at budgets, and measure it")
    _add_who(enter)
    enter.add_argument("--minutes", type=int, nargs="+", required=True, help="budgets: minutes of two cores")
    enter.add_argument("--seeds", type=int, nargs="+", default=[0])
    enter.add_argument("--out", type=Path, required=True, help="CSV: trainings that it has are skipped")
    enter.set_defaults(told=_contest)
    pace = verbs.add_parser("pace", help="measure what a step of a contestant costs, and keep it in paces.json")
    _add_who(pace)
    pace.set_defaults(told=_pace)
    shown = verbs.add_parser("contest-table", help="files of a contest as Markdown")
    shown.add_argument("files", type=Path, nargs="+")
    shown.add_argument("--against", required=True, metavar="METHOD[@MINUTES]", help="what differences are to")
    shown.set_defaults(told=_table)


def _add_who(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--data", required=True, help="folder of a data set, phantoms or phantoms-multiclass")
    verb.add_argument("--method", required=True, choices=list(CONTESTANTS))
    measured = verb.add_mutually_exclusive_group()
    measured.add_argument("--split", choices=(_DEVELOPMENT, TEST), default=_DEVELOPMENT, help="test: once")
    measured.add_argument("--folds", type=int, nargs="+", default=[], help="from 1 on, in place of a split")
    verb.add_argument("--python", type=Path, help="interpreter with nnunetv2, for nnunet alone")


def _contest(given: argparse.Namespace) -> Iterator[str]:
    # Imports TensorFlow.
    from benchmarks.quality.contest.runner import contest

    # Whoever ends it, ends the program that it has started as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return contest(given.data, given.method, given.minutes, given.seeds, _splits(given), given.out, given.python)


def _pace(given: argparse.Namespace) -> Iterator[str]:
    from benchmarks.quality.contest.runner import measure_pace

    # The folds are alike.
    yield measure_pace(given.data, given.method, _splits(given)[0], given.python)


def _splits(given: argparse.Namespace) -> list[str]:
    return [fold_split(number) for number in given.folds] or [given.split]


def _table(given: argparse.Namespace) -> Iterator[str]:
    from benchmarks.quality.contest.results import Row
    from benchmarks.quality.contest.summary import contest_table
    from benchmarks.quality.rows import read_rows

    return contest_table([row for file in given.files for row in read_rows(file, Row)], given.against)
