"""`python -m benchmarks.quality norms --data DIR --out FILE`, then `python -m benchmarks.quality table FILE`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.quality.experiments import EXPERIMENTS, Experiment
from benchmarks.quality.rows import read_rows
from components.errors import UsageError


def main(arguments: list[str] | None = None) -> None:
    """Does the trials of an experiment, or prints the table of a file."""
    given = _parser().parse_args(arguments)
    try:
        _table(given.file) if given.verb == "table" else _run(given)
    except UsageError as error:
        sys.exit(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("table").add_argument("file", type=Path)
    for name, experiment in EXPERIMENTS.items():
        verb = verbs.add_parser(name, help=f"compare {', '.join(experiment.methods)}")
        verb.add_argument("--data", type=Path, required=True, help="folder of the data set")
        verb.add_argument("--out", type=Path, required=True, help="CSV: rows that it has are skipped")
        verb.add_argument("--seeds", type=int, nargs="+", default=[0])
        verb.add_argument("--methods", nargs="+", default=list(experiment.methods), choices=list(experiment.methods))
        verb.add_argument("--batch-sizes", type=int, nargs="+", default=experiment.batch_sizes)
        verb.add_argument("--steps", type=int, nargs="+", default=experiment.steps)
        verb.add_argument(
            "--set", dest="changes", action="append", default=[], help="section.key=value, of all methods"
        )
    return parser


def _run(given: argparse.Namespace) -> None:
    # Imports TensorFlow.
    from benchmarks.quality.prepared import DEVELOPMENT
    from benchmarks.quality.runner import run

    for line in run(given.verb, _wanted(given), given.data, given.out, given.seeds, DEVELOPMENT, given.changes):
        print(line, flush=True)


def _wanted(given: argparse.Namespace) -> Experiment:
    experiment = EXPERIMENTS[given.verb]
    methods = {name: experiment.methods[name] for name in experiment.methods if name in given.methods}
    return replace(experiment, methods=methods, batch_sizes=tuple(given.batch_sizes), steps=tuple(given.steps))


def _table(file: Path) -> None:
    from benchmarks.quality.table import table

    for line in table(read_rows(file)):
        print(line)


if __name__ == "__main__":
    main()
