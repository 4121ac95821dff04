"""What a model is asked on."""

from __future__ import annotations

import cv2
import tensorflow as tf

from components.errors import UsageError


def compute_on(device: str | None, threads: int | None) -> str:
    """Sets it for this process, before TensorFlow computes anything: `cpu`, `gpu`, or None for the best there is.

    Returns:
        `cpu` or `gpu`.

    Raises:
        UsageError: there is no GPU.
    """
    found = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not found:
        raise UsageError("--device gpu: TensorFlow finds none here; `maskline doctor` shows what it finds. Take cpu")
    if device == "cpu" and found:
        tf.config.set_visible_devices([], "GPU")
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        cv2.setNumThreads(threads)
    return "gpu" if found and device != "cpu" else "cpu"
