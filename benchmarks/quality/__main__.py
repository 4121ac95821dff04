"""`python -m benchmarks.quality norms --data DIR --out FILE`, then `python -m benchmarks.quality table FILE`.

`contest`, `pace` and `contest-table` are of the contest with other systems.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.quality.contest.command import add_verbs
from benchmarks.quality.experiments import EXPERIMENTS, Experiment, confirmation, of_methods
from benchmarks.quality.rows import read_rows
from components.errors import UsageError


def main(arguments: list[str] | None = None) -> None:
    """Does the trials of an experiment, or prints the table of files."""
    given = _parser().parse_args(arguments)
    try:
        for line in given.told(given):
            print(line, flush=True)
    except UsageError as error:
        sys.exit(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    shown = verbs.add_parser("table", help="rows of files as Markdown")
    shown.add_argument("files", type=Path, nargs="+")
    shown.set_defaults(told=_table)
    add_verbs(verbs)
    for name, experiment in EXPERIMENTS.items():
        verb = verbs.add_parser(name, help=f"compare {', '.join(experiment.methods)}")
        verb.add_argument("--methods", nargs="+", default=list(experiment.methods), choices=list(experiment.methods))
        _add_common(verb, experiment, seeds=[0])
    confirm = verbs.add_parser("confirm", help="measure chosen methods on the test split: once")
    confirm.add_argument("--methods", nargs="+", required=True, metavar="EXPERIMENT/METHOD")
    _add_common(confirm, Experiment({}), seeds=[0, 1, 2])
    return parser


def _add_common(verb: argparse.ArgumentParser, experiment: Experiment, seeds: list[int]) -> None:
    verb.add_argument("--data", type=Path, required=True, help="folder of the data set")
    verb.add_argument("--out", type=Path, required=True, help="CSV: rows that it has are skipped")
    verb.add_argument("--seeds", type=int, nargs="+", default=seeds)
    verb.add_argument("--batch-sizes", type=int, nargs="+", default=experiment.batch_sizes)
    verb.add_argument("--steps", type=int, nargs="+", default=experiment.steps)
    verb.set_defaults(told=_run)
    verb.add_argument("--set", dest="changes", action="append", default=[], help="section.key=value, of all methods")


def _run(given: argparse.Namespace) -> Iterator[str]:
    # Imports TensorFlow.
    from benchmarks.quality.runner import confirm, run

    confirms = given.verb == "confirm"
    chosen = confirmation(given.methods) if confirms else of_methods(EXPERIMENTS[given.verb], given.methods)
    experiment = replace(chosen, batch_sizes=tuple(given.batch_sizes), steps=tuple(given.steps))
    done = confirm if confirms else partial(run, given.verb)
    return done(experiment, given.data, given.out, given.seeds, given.changes)


def _table(given: argparse.Namespace) -> Iterator[str]:
    from benchmarks.quality.table import table

    return table([row for file in given.files for row in read_rows(file)])


if __name__ == "__main__":
    main()
