"""Does the trials of an experiment that its file does not have yet."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory

from benchmarks.quality.experiments import Experiment
from benchmarks.quality.ledger import LEDGER, use_once
from benchmarks.quality.prepared import DEVELOPMENT, data_set, prepare
from benchmarks.quality.rows import Key, Row, append, read_rows
from benchmarks.quality.trial import Result, of_seed, of_steps, trial
from components.errors import UsageError
from components.records.splits import TEST
from components.trainer.version import trainer_version
from pipeline.config.loader import load_config
from pipeline.config.root import Config


def run(
    name: str,
    experiment: Experiment,
    root: Path,
    out: Path,
    seeds: Sequence[int],
    changes: Sequence[str] = (),
    split: str = DEVELOPMENT,
) -> Iterator[str]:
    """Yields a line for each trial that is done, and adds its row to the file `out`; rows that it has are skipped.

    Args:
        name: of the experiment.
        experiment: what of it is wanted.
        root: the data set's folder.
        out: CSV.
        seeds: each of all draws of a training.
        changes: of the config of all methods, as `--set` has them.
        split: that is measured.

    Raises:
        UsageError: no such data set, an impossible config, or a row of other settings in the file.
    """
    known, data_name = data_set(root), root.resolve().name
    base = partial(config_of, data_name, experiment, changes)
    derived = base(of_steps(1, 1)).records
    with TemporaryDirectory() as records:
        data = prepare(root, known, derived, split, Path(records))
        planned = {
            Key(name, data_name, method, batch_size, steps, seed, split): base(
                (*of_steps(steps, batch_size), *of_seed(seed), *experiment.methods[method])
            )
            for seed, steps, batch_size, method in product(
                seeds, experiment.steps, experiment.batch_sizes, experiment.methods
            )
        }
        if other := [key.method for key, config in planned.items() if config.records != derived]:
            raise UsageError(f"{other[0]}: changes [data], which all methods have in common: let the experiment do it")
        missing = _missing(out, planned)
        yield f"{len(planned)} rows, {len(planned) - len(missing)} of them in {out}"
        for key, config in missing.items():
            row = _row(key, config, trial(data, config))
            append(out, row)
            yield (
                f"{key.method}, batch {key.batch_size}, {row.steps_done} steps, seed {key.seed}: "
                f"Dice {row.mean:.4f} of {row.n} images, {row.processor_seconds:.0f} s of the processor"
            )


def confirm(
    experiment: Experiment,
    root: Path,
    out: Path,
    seeds: Sequence[int],
    changes: Sequence[str] = (),
    ledger: Path = LEDGER,
) -> Iterator[str]:
    """As `run`, on the test split, of which `ledger` says what it was used for.

    Raises:
        UsageError: it was used for something else.
    """
    data_set(root)
    for own in experiment.methods.values():
        config_of(root.resolve().name, experiment, changes, (*of_steps(1, 1), *own))
    asked = {
        "methods": [*experiment.methods],
        "batch sizes": [*experiment.batch_sizes],
        "steps": [*experiment.steps],
        "seeds": [*seeds],
        "changes": [*changes],
    }
    use_once(ledger, root.resolve().name, asked)
    yield from run("confirm", experiment, root, out, seeds, changes, TEST)


def config_of(data: str, experiment: Experiment, changes: Sequence[str], own: Sequence[str]) -> Config:
    """Of a data set, with the changes of an experiment, of a command line and of a method, the last of them last."""
    return load_config(str(Path(__file__).parent / f"{data}.toml"), [*experiment.changes, *changes, *own])


def _missing(out: Path, planned: Mapping[Key, Config]) -> dict[Key, Config]:
    found = {row.key: row.config for row in read_rows(out)}
    for key in planned.keys() & found.keys():
        if found[key] != _digest(planned[key]):
            raise UsageError(
                f"{out}: its row of {key.method}, batch {key.batch_size}, {key.steps} steps, seed {key.seed} was "
                "measured with other settings, which do not compare: give another --out"
            )
    return {key: config for key, config in planned.items() if key not in found}


def _digest(config: Config) -> str:
    # A key that is new and not set must not make older rows others.
    settings = "".join(part.model_dump_json(exclude_defaults=True) for part in (config.trainer, config.records))
    return hashlib.sha256(settings.encode()).hexdigest()[:12]


def _row(key: Key, config: Config, result: Result) -> Row:
    cases = [(case.id, case.group, case.value("dice")) for case in result.cases]
    counted = [case for case in cases if not math.isnan(case[2])]
    dice = [value for *_, value in counted]
    return Row(
        key=key,
        n=len(dice),
        mean=fmean(dice),
        median=median(dice),
        steps_done=result.steps,
        parameters=result.parameters,
        seconds=result.seconds,
        processor_seconds=result.processor_seconds,
        config=_digest(config),
        code=trainer_version(config.trainer),
        cases=counted,
    )
