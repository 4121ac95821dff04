"""One training from start to end, and the one that it is started once again as where it has collapsed."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.artifacts import STRIPS
from components.disk import ask_room
from components.parallel import without_inner_threads
from components.trainer.augmentation import EpochChanges
from components.trainer.batches import Batch, TrainingData, evaluation_batches
from components.trainer.choices import compile_model
from components.trainer.collapse import Collapse
from components.trainer.deep_supervision import as_served, build_supervised
from components.trainer.devices import accelerators, strategy_for
from components.trainer.fit import Beside, Fitted, fit
from components.trainer.footprint import ask_memory, footprint, free_on
from components.trainer.metrics import Judge
from components.trainer.modes import begin_averages
from components.trainer.precision import precision_for
from components.trainer.pretrained import load_pretrained
from components.trainer.segmenter import Segmenter, build_segmenter
from components.trainer.settings import TrainerSettings
from components.trainer.strip_samples import chosen_samples
from components.trainer.strips import Strips
from components.trainer.warm_start import start

_LOG = logging.getLogger("maskline.trainer")
_SEEDS_APART = 1000
"""More than there are folds, whose seeds follow each other."""
_SECOND, _OTHER = "retry", "collapsed"
_LEAST_GRAPH = 300_000
"""Bytes, with the signatures; no network here is smaller."""


@dataclass(frozen=True)
class Attempt:
    """A training that is over, with the weights that are kept."""

    seed: int
    folder: Path
    devices: list[str]
    data: TrainingData
    validation: tf.data.Dataset
    origin: Mapping[str, Any]
    """Where its weights began and what it computed in, for `training.json`."""
    model: Segmenter
    judge: Judge
    fitted: Fitted
    collapse: Collapse
    strips: Strips
    seconds: float
    """Of the fit, in earlier processes as well."""
    processor_seconds: float
    """Of the fit, in this process."""
    seconds_before: float
    """From the start of the attempt to the first step, and whatever else is no part of a budget."""

    @property
    def share(self) -> int:
        """Records of a batch that one device takes, and no more."""
        return self.data.batch_size // len(self.devices)

    def as_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "epochs_run": self.fitted.epochs_run,
            "val_loss": self.fitted.best.lowest,
            "collapsed": self.collapse.found or None,
            "resumed": self.fitted.checkpoint.resumed,
        }


def attempt(fn_args: FnArgs, settings: TrainerSettings, run_dir: Path, checkpoint: Path, ends: bool) -> Attempt:
    """A training in a folder of its own, with all that is watched on the way; a collapse `ends` it, or does not.

    Raises:
        DiskFull: before the training, where the model would not fit on the disk.
        UsageError: before it, where a batch would not fit into memory.
    """
    entered = time.monotonic()
    derivation, training = settings.derivation, settings.training
    keras.utils.set_random_seed(training.seed)
    without_inner_threads()
    # Of one accelerator training takes the first, as TensorFlow does by itself.
    devices = accelerators() if training.distribute == "auto" else accelerators()[:1]
    data = training_data(tf.io.gfile.glob(fn_args.train_files), settings, full_batches=len(devices) > 1)
    eval_files = tf.io.gfile.glob(fn_args.eval_files)
    validation = evaluation_batches(eval_files, derivation.shape, training.batch_size, derivation.tiles is not None)
    strategy = strategy_for(devices, data.records, training.batch_size, training.accumulate)
    precision = precision_for(training.precision, devices, settings.model.built)
    _LOG.info("computes in %s: %s", precision.name, precision.reason)
    with strategy.scope() if strategy else nullcontext():
        build = build_supervised if training.deep_supervision else build_segmenter
        with precision.building():
            model = build(derivation.channels, settings.model, settings.task, data.foreground)
        champion = Path(fn_args.base_model) if fn_args.base_model else None
        begun = start(model, champion, settings)
        pretrained = load_pretrained(model, champion, begun, settings, fn_args.custom_config.get("files", {}))
        compile_model(model, settings)
    if strategy:
        # Keras would build losses and metrics from a training batch, as if it were one without draws for the device.
        blank = np.zeros((1, *derivation.shape), np.float32)
        model.test_on_batch(blank, blank[..., :1])
    # Known before hours of training.
    folder = checkpoint.parent.parent
    ask_room(folder, least_size(model), "the model")
    share = training.batch_size // len(devices)
    ask_memory(footprint(model.network, seen_shape(settings)), training.batch_size, share, free_on(devices))
    begin_averages(model, shares(data, 0, share))
    judge = Judge(model, settings.task)
    patience = training.early_stopping_patience or training.collapse_epochs
    collapse = Collapse(settings.task, min(training.collapse_epochs, patience), ends)
    strips = Strips(chosen_samples(eval_files), settings.task, run_dir / STRIPS, run_dir / "tensorboard")
    beside = Beside(collapse, strips, folder, checkpoint, least_size(model))
    started, processor = time.monotonic(), time.process_time()
    fitted = fit(model, data, partial(judge, validation), training, run_dir, beside)
    ended, processor = time.monotonic(), time.process_time() - processor
    if precision.name != "float32":
        # What is measured, saved and served is the same on every machine.
        model = _in_float32(as_served(model), settings)
        judge = Judge(model, settings.task)
    return Attempt(
        seed=training.seed,
        folder=run_dir,
        devices=devices,
        data=data,
        validation=validation,
        origin={**begun.as_json(), **pretrained, **precision.as_json()},
        model=model,
        judge=judge,
        fitted=fitted,
        collapse=collapse,
        strips=strips,
        seconds=ended - started + fitted.checkpoint.seconds_before,
        processor_seconds=processor,
        seconds_before=ended - entered - fitted.pace.seconds_here,
    )


def _in_float32(trained: Segmenter, settings: TrainerSettings) -> Segmenter:
    """A model with the weights of one that computes in less."""
    model = build_segmenter(settings.derivation.channels, settings.model, settings.task)
    compile_model(model, settings)
    model.set_weights(trained.get_weights())
    return model


def least_size(model: keras.Model) -> int:
    """Bytes that SavedModel and Keras model take at least: the weights in each, and a graph."""
    return 2 * sum(weight.nbytes for weight in model.get_weights()) + _LEAST_GRAPH


def shares(data: TrainingData, epoch: int, share: int) -> Iterator[Batch]:
    """Of each batch of an epoch the part that one device takes."""
    return (tf.nest.map_structure(lambda tensor: tensor[:share], batch) for batch in data.seen(epoch))


def again(settings: TrainerSettings, collapsed: Attempt) -> TrainerSettings | None:
    """With another seed, and what is left of the budget; None where that is nothing."""
    training, pace = settings.training, collapsed.fitted.pace
    changes: dict[str, Any] = {"seed": training.seed + _SEEDS_APART}
    if training.budget:
        # What is left at the end was kept back for the last validation.
        changes["budget"] = None if pace.over else training.budget.without(pace.spent.seconds, pace.spent.steps)
        if changes["budget"] is None:
            return None
    return settings.model_copy(update={"training": training.model_copy(update=changes)})


def second_folder(run_dir: Path) -> Path:
    """Of the second attempt, while it is on; made where it is missing."""
    folder = run_dir / _SECOND
    folder.mkdir(exist_ok=True)
    return folder


def better(attempts: Sequence[Attempt], run_dir: Path) -> Attempt:
    """The one to keep, whose files then are in `run_dir` itself."""
    kept = min(attempts, key=lambda attempt: (bool(attempt.collapse.found), attempt.fitted.best.lowest))
    if kept.folder != run_dir:
        (run_dir / _OTHER).mkdir()
        for path in kept.folder.iterdir():
            shutil.move(run_dir / path.name, run_dir / _OTHER)
            shutil.move(path, run_dir)
        kept.folder.rmdir()
    return kept


def collapses(attempts: Sequence[Attempt], kept: Attempt, retried: bool) -> Iterator[str]:
    """What people must be told of attempts that have collapsed; `retried`: another seed was to be tried, or was."""
    for attempt in attempts:
        if not attempt.collapse.found:
            continue
        text = f"training with seed {attempt.seed} collapsed: {attempt.collapse.found}"
        if attempt is not kept:
            yield f"{text}; of {len(attempts)} trainings, that with seed {kept.seed} is kept"
        elif len(attempts) > 1:
            yield f"{text}, and with another seed it did no better. Lower [training] learning_rate, or look at the data"
        elif retried:
            yield f"{text}, and with another seed it came to nothing. Lower [training] learning_rate, or raise budget"
        else:
            yield f"{text}. Set [training] retry_collapsed = true, lower learning_rate, or change seed"


def training_data(files: list[str], settings: TrainerSettings, full_batches: bool) -> TrainingData:
    training, augmentation = settings.training, settings.augmentation
    changed = augmentation is not None or training.patch is not None
    return TrainingData(
        files,
        settings.derivation.shape,
        training.batch_size,
        training.seed,
        EpochChanges(training.seed, augmentation, training.windows) if changed else None,
        full_batches=full_batches,
        tiled=settings.derivation.tiles is not None,
        sampling=training.sampling(settings.task),
    )


def seen_shape(settings: TrainerSettings) -> tuple[int, int, int]:
    """Height, width and channels of what training sees of a record."""
    height, width, channels = settings.derivation.shape
    patch = settings.training.patch
    return (patch.height, patch.width, channels) if patch else (height, width, channels)
