"""Whether two exported models are the same one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.artifacts import TRAINING_FILE
from components.files import read_json

_OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"


def model_sha256(model: Path) -> str:
    """SHA-256 over the weights of a SavedModel and the config and code version that it was trained and exported by.

    Not over its files: two exports of equal weights differ in them.
    """
    variables = tf.train.load_checkpoint(str(model / "variables" / "variables"))
    digest = hashlib.sha256(repr(read_json(model / "assets.extra" / TRAINING_FILE)["config"]).encode())
    for name in sorted(set(variables.get_variable_to_shape_map()) - {_OBJECT_GRAPH}):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(variables.get_tensor(name)).tobytes())
    return digest.hexdigest()
