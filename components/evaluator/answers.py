"""What is kept and learnt of a model's answer beside its measures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.imaging.files.codecs import encode_png
from components.trainer.choices import Loss


def finite(probability: np.ndarray) -> np.ndarray | None:
    """The probabilities of an image; None where one is no finite number."""
    return probability if np.isfinite(probability).all() else None


def loss_of(loss: Loss, truth: np.ndarray, probability: np.ndarray | None) -> float:
    """The loss of an image: truth `(H, W)`, probabilities float32 `(H, W, K)`. NaN where these are None, whatever the
    loss would make of them."""
    if probability is None:
        return math.nan
    indices = truth[None, ..., None].astype(np.float32)
    return float(loss(tf.constant(indices), tf.constant(probability[None]))[0])


def prediction_name(index: int) -> str:
    """Path of the mask that was predicted for a case, relative to the evaluation."""
    return f"predictions/{index:06d}.png"


def keep(path: Path, mask: np.ndarray) -> None:
    """Writes a predicted mask."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encode_png(mask))
