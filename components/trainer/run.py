"""`run_fn` of the stock TFX Trainer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs

from components.artifacts import HISTORY_FILE, KERAS_FILE, TRAINING_FILE
from components.files import write_json
from components.parallel import without_inner_threads
from components.serving_graph.export import export_model
from components.serving_graph.preprocessing import Standardize
from components.trainer.augmentation import EpochChanges, Trainee
from components.trainer.batches import TrainingData, evaluation_batches
from components.trainer.callbacks import ReportProgress, StopWhenNotFinite, ValidateOnOneDevice
from components.trainer.choices import loss_named, optimizer_named
from components.trainer.devices import accelerators, strategy_for
from components.trainer.metrics import ForegroundDice
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.modes import Batch, ModeLosses, begin_averages, losses_in_both_modes, mixed, warnings
from components.trainer.settings import Model, TrainerSettings, Training
from components.trainer.warm_start import start

_LOG = logging.getLogger("maskline.trainer")


def run_fn(fn_args: FnArgs) -> None:
    """Trains, restores the best epoch and exports.

    `fn_args.custom_config` holds `TrainerSettings` and `code_version`; `fn_args.base_model` is the
    champion's folder where a warm start is asked for.
    Written are the SavedModel, in its `assets.extra` the Keras model, and in the run's folder `history.csv`,
    `training.json`, the best weights and TensorBoard logs.
    """
    settings = TrainerSettings.model_validate(fn_args.custom_config["settings"])
    shape, training, augmentation = settings.derivation.shape, settings.training, settings.augmentation
    keras.utils.set_random_seed(training.seed)
    without_inner_threads()
    run_dir = Path(fn_args.model_run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    train_files = tf.io.gfile.glob(fn_args.train_files)
    changed = augmentation is not None or training.patch is not None
    changes = EpochChanges(training.seed, augmentation, training.patch) if changed else None
    # Of one accelerator training takes the first, as TensorFlow does by itself.
    devices = accelerators() if training.distribute == "auto" else accelerators()[:1]
    full = len(devices) > 1
    data = TrainingData(train_files, shape, training.batch_size, training.seed, changes, full_batches=full)
    strategy = strategy_for(devices, data.records, training.batch_size)
    validation = evaluation_batches(tf.io.gfile.glob(fn_args.eval_files), shape, training.batch_size)
    model = build_model(shape, settings.model, data.foreground, any_size=training.patch is not None)
    begun = start(model, Path(fn_args.base_model) if fn_args.base_model else None, settings)
    compile_model(model, settings)
    started = time.monotonic()
    # Patches come standardized: the network itself is trained on them.
    trained = model.layers[-1] if training.patch else model
    # This model is on one device, which takes its share of a batch and no more.
    share = training.batch_size // len(devices)
    begin_averages(trained, _shares(data, 0, share))
    if strategy:
        history = _fit_on_several(strategy, model, settings, data, validation, run_dir)
    else:
        history = _fit(_trainee(model, settings), data, validation, training, run_dir)
    seconds = time.monotonic() - started
    # The history's training numbers are means over an epoch in which the weights move, with dropout: not these.
    summary = {
        **begun.as_json(),
        **_summary(model, history, training.epochs, seconds),
        "devices": devices,
        "train": _evaluated(model, data.in_order()),
        "eval": _evaluated(model, validation),
        **_in_both_modes(
            losses_in_both_modes(trained, model.loss, _shares(data, len(history["loss"]), share)),
            losses_in_both_modes(model, model.loss, mixed(validation, share)),
        ),
    }
    write_json(run_dir / TRAINING_FILE, summary)
    serving_dir = Path(fn_args.serving_model_dir)
    export_model(model, serving_dir, settings.threshold, settings.derivation)
    # TensorFlow Serving ignores this folder; a SavedModel cannot be trained further, a Keras file can.
    extra = serving_dir / "assets.extra"
    extra.mkdir()
    model.save(extra / KERAS_FILE)
    config = {"shape": shape, **settings.model_dump(mode="json"), "code_version": fn_args.custom_config["code_version"]}
    write_json(extra / TRAINING_FILE, {**summary, "config": config})


def build_model(
    shape: tuple[int, int, int], model: Model, foreground: float = 0.5, any_size: bool = False
) -> keras.Model:
    """The architecture of the `[model]` section behind per-image standardisation.

    `any_size`: the network itself, the model's last layer, takes patches of any size too.
    """
    expected = min(max(foreground, 0.001), 0.999)
    height, width = (None, None) if any_size else shape[:2]
    architecture = ARCHITECTURES[model.architecture](**model.parameters)
    network = architecture.build(height, width, shape[2], foreground=expected)
    images = keras.Input(shape, name="images")
    return keras.Model(images, network(Standardize(name="standardize")(images)), name=model.architecture)


def compile_model(model: keras.Model, settings: TrainerSettings) -> None:
    """Loss, optimizer and metric of the `[training]` section."""
    training, threshold = settings.training, settings.threshold
    optimizer = optimizer_named(training.optimizer, training.learning_rate, training.clip_value)
    model.compile(
        optimizer=optimizer, loss=loss_named(training.loss, settings.task), metrics=[ForegroundDice(threshold)]
    )


def _trainee(model: keras.Model, settings: TrainerSettings) -> keras.Model:
    """What is fitted: the model, or a form of it that shares its weights and optimizer."""
    on_device = settings.augmentation is not None and settings.augmentation.on_device
    patches = settings.training.patch is not None
    if not (on_device or patches):
        return model
    trainee = Trainee(model, standardized=patches)
    trainee.compile(model.optimizer, model.loss, metrics=[ForegroundDice(settings.threshold)])
    return trainee


def _fit_on_several(
    strategy: tf.distribute.Strategy,
    model: keras.Model,
    settings: TrainerSettings,
    data: TrainingData,
    validation: tf.data.Dataset,
    run_dir: Path,
) -> dict[str, list[float]]:
    """As `_fit`; the model itself stays on one device: it is what validates, and what is exported."""
    with strategy.scope():
        mirrored = keras.models.clone_model(model)
        compile_model(mirrored, settings)
        trainee = _trainee(mirrored, settings)
    mirrored.set_weights(model.get_weights())
    # Keras would build losses and metrics from a training batch, as if it were one for validation.
    blank = np.zeros((1, *model.input_shape[1:]), np.float32)
    trainee.test_on_batch(blank, blank[..., :1])
    validate = ValidateOnOneDevice(mirrored, model, validation)
    history = _fit(trainee, data, None, settings.training, run_dir, [validate])
    model.set_weights(mirrored.get_weights())
    # With the state of the optimizer, as a model that was trained alone is saved.
    model.optimizer.build(model.trainable_variables)
    for own, trained in zip(model.optimizer.variables, mirrored.optimizer.variables, strict=True):
        own.assign(trained.numpy())
    return history


def _fit(
    model: keras.Model,
    data: TrainingData,
    validation: tf.data.Dataset | None,
    training: Training,
    run_dir: Path,
    first: Sequence[keras.callbacks.Callback] = (),
) -> dict[str, list[float]]:
    """Trains and leaves the weights of the epoch with the lowest validation loss in the model.

    Where `validation` is None, one of the callbacks that come `first` does it.
    """
    best = str(run_dir / "best.weights.h5")
    callbacks = [
        *first,
        # A failed node loses its own folders; the one of all its runs stays.
        StopWhenNotFinite(data, run_dir.parent.parent),
        # The loss counts images without foreground, which the Dice leaves out: a model that sees lesions
        # everywhere must not win.
        keras.callbacks.ModelCheckpoint(best, monitor="val_loss", save_best_only=True, save_weights_only=True),
        keras.callbacks.ReduceLROnPlateau(
            monitor="val_loss", factor=training.reduce_lr_factor, patience=training.reduce_lr_patience
        ),
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=training.early_stopping_patience),
        keras.callbacks.CSVLogger(str(run_dir / HISTORY_FILE)),
        keras.callbacks.TensorBoard(str(run_dir / "tensorboard"), write_graph=False),
        ReportProgress(training.epochs, data.steps_per_epoch),
    ]
    history = model.fit(
        data.batches(),
        epochs=training.epochs,
        steps_per_epoch=data.steps_per_epoch,
        validation_data=validation,
        callbacks=callbacks,
        shuffle=False,  # of the batches: the data come shuffled
        verbose=0,
    ).history
    model.load_weights(best)
    return history


def _shares(data: TrainingData, epoch: int, share: int) -> Iterator[Batch]:
    """Of each batch of an epoch the part that one device takes."""
    return ((images[:share], masks[:share]) for images, masks in data.seen(epoch))


def _evaluated(model: keras.Model, batches: tf.data.Dataset) -> dict[str, float]:
    """Loss, under its own name, and metrics of a split."""
    found = model.evaluate(batches, verbose=0, return_dict=True)
    return {model.loss.__name__ if name == "loss" else name: value for name, value in found.items()}


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
