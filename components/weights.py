"""Whether two exported models are the same one, and whether a version still is the one that was pushed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.artifacts import MADE_ANEW, TRAINING_FILE, Trained
from components.serving_dir import MANIFEST_FILE, PUT_BACK
from components.serving_papers import Manifest
from components.state import BrokenState, broken_named, read_state


def model_sha256(model: Path, remedy: str = MADE_ANEW) -> str:
    """SHA-256 over the weights of a SavedModel and the config and code version that it was trained and exported by.

    Not over its files: two exports of equal weights differ in them, and in the names of the weights.

    Raises:
        BrokenState: they cannot be read; `remedy` says what to do.
    """
    with broken_named(model / "variables", remedy):
        weights = sorted(map(_sha256, _weights(model)))
    config = read_state(model / "assets.extra" / TRAINING_FILE, Trained, remedy)["config"]
    return hashlib.sha256(json.dumps([config, weights], sort_keys=True).encode()).hexdigest()


def check_weights(version: Path, remedy: str = PUT_BACK) -> None:
    """Compares a version with what its manifest tells of the model that was pushed.

    Not compared are the graph, which is loaded or not, and the Keras model beside it, without which training starts
    cold; nor versions of before the manifest told.

    Raises:
        BrokenState: it is another model, or cannot be read.
    """
    pushed = read_state(version / MANIFEST_FILE, Manifest, remedy).get("model_sha256")
    if pushed is None:
        return
    found = model_sha256(version, remedy)
    if found != pushed:
        raise BrokenState(
            f"{version}: the weights or their training.json are not those that were pushed: found SHA-256 "
            f"{found[:12]}..., {MANIFEST_FILE} has {pushed[:12]}.... {remedy}"
        )


def _weights(model: Path) -> Iterator[np.ndarray]:
    variables = tf.train.load_checkpoint(str(model / "variables" / "variables"))
    for name, kind in variables.get_variable_to_dtype_map().items():
        # Weights are floating-point numbers; the others are the graph of objects and the states of dropout.
        if kind.is_floating:
            yield np.asarray(variables.get_tensor(name))


def _sha256(weights: np.ndarray) -> str:
    return hashlib.sha256(f"{weights.shape} {weights.dtype} ".encode() + weights.tobytes()).hexdigest()
