"""Training on several accelerators of one machine: each holds the model and takes an equal share of every batch."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import tensorflow as tf

from components.errors import UsageError


def strategy_for(devices: Sequence[str], batch_size: int) -> tf.distribute.Strategy | None:
    """The strategy for devices such as `GPU:0`, all accelerators where none are named; None for one device or none.

    Raises:
        UsageError: a device that TensorFlow does not find, or a batch that they cannot share equally.
    """
    found = tf.config.list_logical_devices()
    known = {_short(device.name): device.device_type for device in found}
    for device in devices:
        if device not in known:
            raise UsageError(f"[training] devices: {device} is not there. TensorFlow finds {', '.join(sorted(known))}")
    names = devices or [name for name, kind in known.items() if kind == "GPU"]
    if len(names) < 2 and not devices:
        return None
    if batch_size % len(names):
        raise UsageError(
            f"[training] batch_size = {batch_size} cannot be shared equally by {len(names)} devices "
            f"({', '.join(names)}): take a multiple of {len(names)}, or name fewer in [training] devices"
        )
    return _mirrored(tuple(names))


@functools.cache
def _mirrored(names: tuple[str, ...]) -> tf.distribute.Strategy:
    """One for all trainings of a process: the sums over devices of two would bear the same keys, and fail."""
    return tf.distribute.MirroredStrategy(names)


def refuse_without_full_batch(records: int, batch_size: int) -> None:
    """Raises UsageError: several devices train on full batches only, and there is none."""
    if records < batch_size:
        raise UsageError(
            f"[training] batch_size = {batch_size}: there are {records} training records, and several devices take "
            "full batches only. Lower it, or name one device in [training] devices."
        )


def device_names(strategy: tf.distribute.Strategy | None) -> list[str]:
    """What training runs on: the devices of a strategy, or the one that TensorFlow takes by itself."""
    if strategy:
        return [_short(name) for name in strategy.extended.worker_devices]
    kinds = {device.device_type for device in tf.config.list_logical_devices()}
    return ["GPU:0" if "GPU" in kinds else "CPU:0"]


def _short(name: str) -> str:
    """`GPU:0` of /job:localhost/replica:0/task:0/device:GPU:0."""
    return name.rpartition("/device:")[2]
