"""Does the trials of an experiment that its file does not have yet."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory

from benchmarks.quality.experiments import COMMON, DataSet, Experiment
from benchmarks.quality.prepared import data_set, prepare
from benchmarks.quality.rows import Key, Row, append, read_rows
from benchmarks.quality.trial import Result, of_steps, trial
from components.errors import UsageError
from components.trainer.version import trainer_version
from pipeline.config.loader import load_config
from pipeline.config.root import Config


def run(
    name: str,
    experiment: Experiment,
    root: Path,
    out: Path,
    seeds: Sequence[int],
    split: str,
    changes: Sequence[str] = (),
) -> Iterator[str]:
    """Yields a line for each trial that is done, and adds its row to the file `out`; rows that it has are skipped.

    Args:
        name: of the experiment.
        experiment: what of it is wanted.
        root: the data set's folder.
        out: CSV.
        seeds: each of all draws of a training.
        split: that is measured.
        changes: of the config of all methods, as `--set` has them.

    Raises:
        UsageError: no such data set, an impossible config, or a row of other settings in the file.
    """
    known = data_set(root)
    with TemporaryDirectory() as records:
        data = prepare(root, known, _config(known, changes).records, split, Path(records))
        planned = {
            Key(name, root.resolve().name, method, batch_size, steps, seed, split): _config(
                known,
                [
                    *changes,
                    *of_steps(steps, data.training, batch_size),
                    f"training.seed={seed}",
                    f"augmentation.seed={seed}",
                    *experiment.methods[method],
                ],
            )
            for seed, steps, batch_size, method in product(
                seeds, experiment.steps, experiment.batch_sizes, experiment.methods
            )
        }
        missing = _missing(out, planned)
        yield f"{len(planned)} rows, {len(planned) - len(missing)} of them in {out}"
        for key, config in missing.items():
            row = _row(key, config, trial(data, config))
            append(out, row)
            yield (
                f"{key.method}, batch {key.batch_size}, {row.steps_done} steps, seed {key.seed}: "
                f"Dice {row.mean:.4f} of {row.n} images, {row.processor_seconds:.0f} s of the processor"
            )


def _config(known: DataSet, changes: Sequence[str]) -> Config:
    return load_config(known.recipe, [*COMMON, *known.changes, *changes])


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
    settings = config.trainer.model_dump_json() + config.records.model_dump_json()
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
