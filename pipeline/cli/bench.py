"""`maskline bench`: how fast this machine is at what a recipe asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from pipeline.cli.verbs import AsJson, Debug, Overrides, Recipe, print_json, verb
from pipeline.terminal import say

bench_app = typer.Typer(no_args_is_help=True, help="How fast this machine is, and what limits it.")

_BATCHES = 4
"""So many batches of records are derived: enough to shuffle, and quickly made."""


@bench_app.callback()
def _several_verbs() -> None:
    """Without it Typer would take the only verb for the whole."""


@bench_app.command("training")
@verb
def training_command(
    recipe: Recipe,
    data: Annotated[Path | None, typer.Option(help="Folder with the images.")] = None,
    overrides: Overrides = None,
    seconds: Annotated[float, typer.Option(min=1, help="How long to train, the start left out.")] = 10.0,
    json_output: AsJson = False,
    debug: Debug = False,
) -> None:
    """Measure a recipe's training step, with loading and without: images a second, memory, and what limits it.

    Nothing is kept.
    """
    found = measure_training(recipe, data, overrides or [], seconds)
    if json_output:
        print_json(found)
    else:
        for line in in_lines(found):
            say(line)


def measure_training(recipe: str, data: Path | None, overrides: list[str], seconds: float) -> dict[str, Any]:
    """As `training_speed`, as JSON, on the first records of the data.

    Raises:
        UsageError: there are no data, or none that can be used; a batch does not fit into memory.
    """
    from pipeline.cli.preview import few_phantoms
    from pipeline.config.loader import load_config
    from pipeline.runs.launch import source_folder
    from pipeline.runs.plan.core import as_planned
    from pipeline.runs.quiet import quiet
    from pipeline.runs.reading import reading_bar

    config = few_phantoms(load_config(recipe, overrides))
    with TemporaryDirectory() as folder:
        source, _ = source_folder(config.data, data, Path(folder) / "phantoms")
        with reading_bar("Planning") as watch:
            config, _ = as_planned(config, source, watch)
        with quiet(Path(os.devnull)):
            from components.trainer.speed import training_speed

            shard = Path(folder) / "train"
            _write(shard, source, config, _BATCHES * config.training.batch_size)
            return training_speed([str(shard)], config.trainer, seconds).as_json()


def in_lines(found: dict[str, Any]) -> Iterator[str]:
    """A line for each measure."""
    cached, loaded = found["cached_step_seconds"], found["loaded_step_seconds"]
    yield f"device         {found['device']}, {found['threads']} threads"
    yield f"precision      {found['precision']} ({found['precision_reason']})"
    yield f"batch          {found['batch_size']} images"
    yield (
        f"with loading   {found['images_per_second']:.1f} images/s; a step {_milliseconds(loaded['wall'])}, "
        f"of the processor {_milliseconds(loaded['processor'])}"
    )
    yield (
        f"without        {found['images_per_second_cached']:.1f} images/s; a step {_milliseconds(cached['wall'])}, "
        f"of the processor {_milliseconds(cached['processor'])}"
    )
    yield f"data           {100 * found['data_share']:.0f} % of a step"
    yield f"limited by     {found['limited_by']}"
    yield f"memory         {found['peak_memory'] / 1e9:.1f} GB at most"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def _write(shard: Path, source: Path, config: Any, count: int) -> None:
    """Records of training samples, the same ones again where there are fewer than `count`.

    Raises:
        UsageError: there are none.
    """
    import tensorflow as tf

    from components.errors import UsageError
    from components.records.tfexample import serialize

    found = list(islice(_records(source, config, serialize), count))
    if not found:
        raise UsageError(f"{source}: no training image can be used; `maskline check` tells why")
    with tf.io.TFRecordWriter(str(shard)) as writer:
        for record in islice(chain.from_iterable([found] * count), count):
            writer.write(record)


def _records(source: Path, config: Any, make: Any) -> Iterator[bytes]:
    from components.example_gen.listing import list_samples
    from components.example_gen.outcome import outcome_of
    from components.records.splits import TEST
    from pipeline.runs.laid_out import pointed_to_init

    with pointed_to_init(source):
        listing = list_samples(source, config.records)
    for sample in listing.samples:
        if sample.split not in ("eval", TEST):
            yield from outcome_of(sample, source, config.records, make)[1]
