"""The networks that a plan may choose, and what they take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Network(NamedTuple):
    """What a plan may choose."""

    architecture: str
    parameters: Mapping[str, Any]
    learning_rate: float
    seconds: float
    """Of the processor for a megapixel of a training step (`make bench BENCH=plan`)."""
    memory: float
    """Bytes that a step keeps of a pixel, by `components.trainer.footprint`."""
    why: str


ENCODER = Network(
    "encoder_unet",
    {"encoder": "efficientnet_lite0", "weights": "imagenet"},
    learning_rate=1e-3,
    seconds=3.4,
    memory=1780.0,
    why="a light U-Net whose encoder has learnt from ImageNet: better than a plain one of as many steps on nuclei, "
    "mammograms and phantoms",
)
PLAIN = Network(
    "unet",
    {"levels": 5, "base_filters": 16, "normalisation": "batch"},
    learning_rate=3e-3,
    seconds=1.9,
    memory=1138.0,
    why="a plain U-Net of 1.9 million weights: half the time a step of one with a pretrained encoder",
)
