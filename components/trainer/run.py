"""`run_fn` of the stock TFX Trainer."""

from __future__ import annotations

import io
import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from keras.src.saving.saving_lib import save_model
from tfx.components.trainer.fn_args_utils import FnArgs

from components.artifacts import CHECKPOINTS, KERAS_FILE, TRAINING_FILE
from components.errors import UsageError
from components.files import write_bytes, write_json
from components.serving_graph.export import export_windows
from components.trainer.attempts import Attempt, again, attempt, better, collapses, second_folder, shares
from components.trainer.callbacks import TrainingDiverged
from components.trainer.checkpoint import fingerprint
from components.trainer.deep_supervision import as_served
from components.trainer.determinism import deterministic_operations
from components.trainer.devices import accelerators
from components.trainer.modes import ModeLosses, losses_in_both_modes, mixed, warnings
from components.trainer.precision import precision_for
from components.trainer.settings import TrainerSettings

_LOG = logging.getLogger("maskline.trainer")


def run_fn(fn_args: FnArgs) -> None:
    """Trains, restores the best epoch and exports.

    `fn_args.custom_config` holds `TrainerSettings`, `code_version` and, where any are read, the SHA-256 of `files` by
    their paths; `fn_args.base_model` is the champion's folder where a warm start is asked for.
    Written are the SavedModel that answers windows, in its `assets.extra` the Keras model, and in the run's folder
    `history.csv`, `training.json` and TensorBoard logs.

    Raises:
        DiskFull: before the training, where the model would not fit on the disk.
    """
    settings = TrainerSettings.model_validate(fn_args.custom_config["settings"])
    with deterministic_operations(settings.training.deterministic):
        _run(fn_args, settings)


def _run(fn_args: FnArgs, settings: TrainerSettings) -> None:
    run_dir = Path(fn_args.model_run_dir)
    run_dir.mkdir(parents=True, exist_ok=True)
    checkpoints, retry = _checkpoints(fn_args, settings), settings.training.retry_collapsed
    # A collapse ends the first of two attempts alone: a slow starter loses some epochs by it, and no more.
    attempts = [attempt(fn_args, settings, run_dir, checkpoints / "1.npz", ends=retry)]
    if attempts[0].collapse.found and retry:
        attempts += _second(fn_args, again(settings, attempts[0]), run_dir, checkpoints / "2.npz")
    _conclude(fn_args, settings, attempts, better(attempts, run_dir))
    shutil.rmtree(checkpoints, ignore_errors=True)


def _second(fn_args: FnArgs, settings: TrainerSettings | None, run_dir: Path, checkpoint: Path) -> Iterator[Attempt]:
    """None where there is no budget for it, or where it fails: the first is whole, whatever it is worth."""
    if settings is None:
        _LOG.warning("training has collapsed, and nothing is left of its budget for another seed")
        return
    try:
        yield attempt(fn_args, settings, second_folder(run_dir), checkpoint, ends=False)
    except (TrainingDiverged, UsageError) as error:
        _LOG.warning("training with another seed, after a collapse, came to nothing: %s", error)


def _checkpoints(fn_args: FnArgs, settings: TrainerSettings) -> Path:
    """A folder for this training, and for one that is the same in all that it depends on."""
    files = [*tf.io.gfile.glob(fn_args.train_files), *tf.io.gfile.glob(fn_args.eval_files)]
    champion = Path(fn_args.base_model) if fn_args.base_model else None
    devices = accelerators()
    precision = precision_for(settings.training.precision, devices, settings.model.built).name
    name = fingerprint([fn_args.custom_config, devices, precision], files, champion)
    # A failed node loses its own folders; the one of all its runs stays.
    return Path(fn_args.model_run_dir).parent.parent / f"{CHECKPOINTS}{name}"


def _conclude(fn_args: FnArgs, settings: TrainerSettings, attempts: Sequence[Attempt], kept: Attempt) -> None:
    """What is measured and exported of the attempt that is kept."""
    derivation, training, run_dir = settings.derivation, settings.training, Path(fn_args.model_run_dir)
    model, judge, served = kept.model, kept.judge, as_served(kept.model)
    # The history's training numbers are means over an epoch in which the weights move, with dropout: not these.
    summary = {
        **kept.origin,
        **_summary(kept, attempts),
        "budget": str(training.budget) if training.budget else None,
        "devices": kept.devices,
        "sampling": kept.data.sampling,
        "attempts": [one.as_json() for one in attempts],
        "strips": kept.strips.told(),
        "train": _by_name(judge(kept.data.in_order()), training.loss),
        "eval": _by_name(judge(kept.validation), training.loss),
        **_in_both_modes(
            losses_in_both_modes(model, model.loss, shares(kept.data, kept.fitted.epochs_run, kept.share)),
            losses_in_both_modes(model, model.loss, mixed(kept.validation, kept.share)),
            collapses(attempts, kept, training.retry_collapsed),
        ),
    }
    write_json(run_dir / TRAINING_FILE, summary)
    serving_dir = Path(fn_args.serving_model_dir)
    export_windows(served, serving_dir, derivation)
    # TensorFlow Serving ignores this folder; a SavedModel cannot be trained further, a Keras file can.
    extra = serving_dir / "assets.extra"
    extra.mkdir()
    write_bytes(extra / KERAS_FILE, keras_file(served))
    config = {
        "shape": derivation.shape,
        **settings.model_dump(mode="json"),
        "code_version": fn_args.custom_config["code_version"],
    }
    # The strips stay with the run, and so do the names of what they show.
    write_json(extra / TRAINING_FILE, {**{key: summary[key] for key in summary if key != "strips"}, "config": config})


def keras_file(model: keras.Model) -> bytes:
    """What `model.save` writes, made in memory: of the HDF5 within it nothing meets a disk, which may be full."""
    content = io.BytesIO()
    save_model(model, content)
    return content.getvalue()


def _by_name(found: dict[str, float], loss: str) -> dict[str, float]:
    """The loss under its own name, as the evaluation has it."""
    return {loss if name == "loss" else name: value for name, value in found.items()}


def _in_both_modes(train: ModeLosses, validation: ModeLosses, collapsed: Iterable[str]) -> dict[str, Any]:
    told = [*collapsed, *warnings(train, validation)]
    for warning in told:
        _LOG.warning("%s", warning)
    return {"modes": {"train": asdict(train), "eval": asdict(validation)}, "warnings": told}


def _summary(kept: Attempt, attempts: Sequence[Attempt]) -> dict[str, Any]:
    return {
        **kept.fitted.as_json(),
        "parameters": as_served(kept.model).count_params(),
        "seconds": round(sum(one.seconds for one in attempts), 1),
        "processor_seconds": round(sum(one.processor_seconds for one in attempts), 1),
        "seconds_start_up": round(sum(one.seconds_before for one in attempts), 2),
    }
