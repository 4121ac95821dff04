"""`run_fn` of the stock TFX Trainer."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras.src.saving.saving_lib import save_model
from tfx.components.trainer.fn_args_utils import FnArgs

from components.artifacts import KERAS_FILE, TRAINING_FILE
from components.disk import ask_room
from components.files import write_bytes, write_json
from components.parallel import without_inner_threads
from components.serving_graph.export import export_model
from components.trainer.augmentation import EpochChanges
from components.trainer.batches import Batch, TrainingData, evaluation_batches
from components.trainer.callbacks import Validate
from components.trainer.choices import loss_named, optimizer_named
from components.trainer.devices import accelerators, strategy_for
from components.trainer.fit import fit
from components.trainer.footprint import ask_memory, footprint, free_on
from components.trainer.metrics import Judge, MeanDice
from components.trainer.modes import ModeLosses, begin_averages, losses_in_both_modes, mixed, warnings
from components.trainer.precision import precision_for
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import TrainerSettings
from components.trainer.warm_start import start

_LOG = logging.getLogger("maskline.trainer")
_LEAST_GRAPH = 300_000
"""Bytes, with the signatures; no network here is smaller."""


def run_fn(fn_args: FnArgs) -> None:
    """Trains, restores the best epoch and exports.

    `fn_args.custom_config` holds `TrainerSettings` and `code_version`; `fn_args.base_model` is the
    champion's folder where a warm start is asked for.
    Written are the SavedModel, in its `assets.extra` the Keras model, and in the run's folder `history.csv`,
    `training.json` and TensorBoard logs.

    Raises:
        DiskFull: before the training, where the model would not fit on the disk.
        UsageError: before it, where a batch would not fit into memory.
    """
    settings = TrainerSettings.model_validate(fn_args.custom_config["settings"])
    derivation, training = settings.derivation, settings.training
    keras.utils.set_random_seed(training.seed)
    without_inner_threads()
    run_dir = Path(fn_args.model_run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    # Of one accelerator training takes the first, as TensorFlow does by itself.
    devices = accelerators() if training.distribute == "auto" else accelerators()[:1]
    data = _training_data(tf.io.gfile.glob(fn_args.train_files), settings, full_batches=len(devices) > 1)
    validation = evaluation_batches(
        tf.io.gfile.glob(fn_args.eval_files), derivation.shape, training.batch_size, derivation.tiles is not None
    )
    strategy = strategy_for(devices, data.records, training.batch_size)
    precision = precision_for(training.precision, devices)
    _LOG.info("computes in %s: %s", precision.name, precision.reason)
    with strategy.scope() if strategy else nullcontext():
        with precision.building():
            model = build_segmenter(derivation.channels, settings.model, settings.task, data.foreground)
        begun = start(model, Path(fn_args.base_model) if fn_args.base_model else None, settings)
        compile_model(model, settings)
    if strategy:
        # Keras would build losses and metrics from a training batch, as if it were one without draws for the device.
        blank = np.zeros((1, *derivation.shape), np.float32)
        model.test_on_batch(blank, blank[..., :1])
    # Known before hours of training. A failed node loses its own folders; the one of all its runs stays.
    ask_room(run_dir.parent.parent, least_size(model), "the model")
    # A device takes its share of a batch and no more.
    share = training.batch_size // len(devices)
    ask_memory(footprint(model.network, _seen_shape(settings)), training.batch_size, share, free_on(devices))
    started = time.monotonic()
    begin_averages(model, _shares(data, 0, share))
    judge = Judge(model, settings.task, settings.threshold)
    history = fit(model, data, Validate(judge, validation), training, run_dir)
    seconds = time.monotonic() - started
    if precision.name != "float32":
        # What is measured, saved and served is the same on every machine.
        model = _in_float32(model, settings)
        judge = Judge(model, settings.task, settings.threshold)
    # The history's training numbers are means over an epoch in which the weights move, with dropout: not these.
    summary = {
        **begun.as_json(),
        **_summary(model, history, training.epochs, seconds),
        "devices": devices,
        **precision.as_json(),
        "train": _by_name(judge(data.in_order()), training.loss),
        "eval": _by_name(judge(validation), training.loss),
        **_in_both_modes(
            losses_in_both_modes(model, model.loss, _shares(data, len(history["loss"]), share)),
            losses_in_both_modes(model, model.loss, mixed(validation, share)),
        ),
    }
    write_json(run_dir / TRAINING_FILE, summary)
    serving_dir = Path(fn_args.serving_model_dir)
    export_model(model, serving_dir, settings.task, settings.threshold, derivation)
    # TensorFlow Serving ignores this folder; a SavedModel cannot be trained further, a Keras file can.
    extra = serving_dir / "assets.extra"
    extra.mkdir()
    write_bytes(extra / KERAS_FILE, keras_file(model))
    config = {
        "shape": derivation.shape,
        **settings.model_dump(mode="json"),
        "code_version": fn_args.custom_config["code_version"],
    }
    write_json(extra / TRAINING_FILE, {**summary, "config": config})


def least_size(model: keras.Model) -> int:
    """Bytes that SavedModel and Keras model take at least: the weights in each, and a graph."""
    return 2 * sum(weight.nbytes for weight in model.get_weights()) + _LEAST_GRAPH


def keras_file(model: keras.Model) -> bytes:
    """What `model.save` writes, made in memory: of the HDF5 within it nothing meets a disk, which may be full."""
    content = io.BytesIO()
    save_model(model, content)
    return content.getvalue()


def compile_model(model: keras.Model, settings: TrainerSettings) -> None:
    """Loss, optimizer and metric of the `[training]` section."""
    training = settings.training
    optimizer = optimizer_named(training.optimizer, training.learning_rate, training.clip_value)
    loss = loss_named(training.loss, settings.task)
    model.compile(optimizer=optimizer, loss=loss, metrics=[MeanDice(settings.task, settings.threshold)])


def _in_float32(trained: keras.Model, settings: TrainerSettings) -> keras.Model:
    """A model with the weights of one that computes in less."""
    model = build_segmenter(settings.derivation.channels, settings.model, settings.task)
    compile_model(model, settings)
    model.set_weights(trained.get_weights())
    return model


def _training_data(files: list[str], settings: TrainerSettings, full_batches: bool) -> TrainingData:
    training, augmentation = settings.training, settings.augmentation
    changed = augmentation is not None or training.patch is not None
    return TrainingData(
        files,
        settings.derivation.shape,
        training.batch_size,
        training.seed,
        EpochChanges(training.seed, augmentation, training.patch) if changed else None,
        full_batches=full_batches,
        tiled=settings.derivation.tiles is not None,
    )


def _seen_shape(settings: TrainerSettings) -> tuple[int, int, int]:
    """Height, width and channels of what training sees of a record."""
    height, width, channels = settings.derivation.shape
    patch = settings.training.patch
    return (patch.height, patch.width, channels) if patch else (height, width, channels)


def _shares(data: TrainingData, epoch: int, share: int) -> Iterator[Batch]:
    """Of each batch of an epoch the part that one device takes."""
    return (tf.nest.map_structure(lambda tensor: tensor[:share], batch) for batch in data.seen(epoch))


def _by_name(found: dict[str, float], loss: str) -> dict[str, float]:
    """The loss under its own name, as the evaluation has it."""
    return {loss if name == "loss" else name: value for name, value in found.items()}


def _in_both_modes(train: ModeLosses, validation: ModeLosses) -> dict[str, Any]:
    told = list(warnings(train, validation))
    for warning in told:
        _LOG.warning("%s", warning)
    return {"modes": {"train": asdict(train), "eval": asdict(validation)}, "warnings": told}


def _summary(model: keras.Model, history: dict[str, list[float]], epochs: int, seconds: float) -> dict[str, Any]:
    best = min(range(len(history["val_loss"])), key=history["val_loss"].__getitem__)
    return {
        "best_epoch": best + 1,
        "epochs_run": len(history["loss"]),
        "stopped_early": len(history["loss"]) < epochs,
        "parameters": model.count_params(),
        "seconds": round(seconds, 1),
    }
