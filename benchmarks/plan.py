"""What a plan counts with: processor time of a megapixel of a training step, of the networks that it may choose."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks._trainer import trainer

_ROUNDS, _STEPS, _SIZE, _BATCH = 5, 2, 256, 4
_NETWORKS = {
    "an EfficientNet-Lite0": {"encoder": "efficientnet_lite0", "levels": 5},
    "a plain U-Net of 16 filters and 5 levels, bfloat16": {"levels": 5, "filters": 16, "precision": "bfloat16"},
    "the same, float32": {"levels": 5, "filters": 16},
}


def measure() -> Iterator[str]:
    """Yields seconds, the networks taken one after another."""
    for name, asked in _NETWORKS.items():
        with trainer(size=_SIZE, batch=_BATCH, **asked) as child:
            seconds = [child.steps(_STEPS).processor for _ in range(_ROUNDS)]
        each = [taken / (_BATCH * _SIZE * _SIZE / 1e6) for taken in seconds]
        yield f"{name}: {median(each):.2f} s ({min(each):.2f} to {max(each):.2f})"
