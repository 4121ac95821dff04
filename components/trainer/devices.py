"""Training on several accelerators of one machine: each holds the model and takes an equal share of every batch."""

from __future__ import annotations

import functools

import tensorflow as tf

from components.errors import UsageError


def accelerators() -> list[str]:
    """What TensorFlow computes on, such as `GPU:0`; the processor where there is nothing better."""
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    return [device.name.rpartition("/device:")[2] for device in found]


def strategy_for(
    devices: list[str], records: int, batch_size: int, accumulate: int = 1
) -> tf.distribute.Strategy | None:
    """How devices share each batch; None for a single one.

    Raises:
        UsageError: they cannot share a batch equally, there are too few records for one, or batches are accumulated.
    """
    if len(devices) < 2:
        return None
    several = f"{len(devices)} accelerators ({', '.join(devices)})"
    if batch_size % len(devices):
        raise UsageError(
            f"[training] batch_size = {batch_size} cannot be shared equally by {several}: take a multiple of "
            f'{len(devices)}, or set [training] distribute = "none"'
        )
    if records < batch_size:
        raise UsageError(
            f"[training] batch_size = {batch_size}: there are {records} training records, and {several} take full "
            'batches only. Lower it, or set [training] distribute = "none"'
        )
    if accumulate > 1:
        raise UsageError(
            f"[training] accumulate = {accumulate}: Keras cannot on {several}. Take batch_size = "
            f'{batch_size * accumulate} without it, of which each has its share, or set [training] distribute = "none"'
        )
    return _mirrored(tuple(devices))


@functools.cache
def _mirrored(devices: tuple[str, ...]) -> tf.distribute.Strategy:
    """One for all trainings of a process: the sums over devices of two would bear the same keys, and fail."""
    return tf.distribute.MirroredStrategy(devices)
