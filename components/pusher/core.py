"""Whether two exported models are the same one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.artifacts import TRAINING_FILE, Trained, read_artifact


def model_sha256(model: Path) -> str:
    """SHA-256 over the weights of a SavedModel and the config and code version that it was trained and exported by.

    Not over its files: two exports of equal weights differ in them, and in the names of the weights.
    """
    variables = tf.train.load_checkpoint(str(model / "variables" / "variables"))
    # Weights are floating-point numbers; the others are the graph of objects and the states of dropout.
    names = [name for name, kind in variables.get_variable_to_dtype_map().items() if kind.is_floating]
    weights = sorted(_sha256(np.asarray(variables.get_tensor(name))) for name in names)
    config = read_artifact(model / "assets.extra" / TRAINING_FILE, Trained)["config"]
    return hashlib.sha256(json.dumps([config, weights], sort_keys=True).encode()).hexdigest()


def _sha256(weights: np.ndarray) -> str:
    return hashlib.sha256(f"{weights.shape} {weights.dtype} ".encode() + weights.tobytes()).hexdigest()
