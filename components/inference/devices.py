"""What a model is asked on."""

from __future__ import annotations

import cv2
import tensorflow as tf

from components.errors import UsageError

CPU, GPU = "cpu", "gpu"


def in_use() -> str:
    """`gpu` where TensorFlow may compute on one in this process, else `cpu`."""
    return GPU if tf.config.get_visible_devices("GPU") else CPU


def compute_on(device: str | None, threads: int | None) -> str:
    """Sets it for this process, before TensorFlow computes anything: `cpu`, `gpu`, or None for the best there is.

    Returns:
        `cpu` or `gpu`.

    Raises:
        UsageError: there is no GPU.
    """
    found = tf.config.list_physical_devices("GPU")
    if device == GPU and not found:
        raise UsageError("--device gpu: TensorFlow finds none here; `maskline doctor` shows what it finds. Take cpu")
    if device == CPU and found:
        tf.config.set_visible_devices([], "GPU")
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        cv2.setNumThreads(threads)
    return in_use()
