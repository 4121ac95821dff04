"""What it takes to make one answer of those to tiles, beside what the network takes to give them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks._timing import processor_seconds
from components.inference.blending import BLENDS
from components.inference.windows import blended, windows_of
from components.records.settings import Derivation, Tiles
from components.task import Task
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import Model

_IMAGE, _SIDE, _ROUNDS = 4096, 512, 3


def measure() -> Iterator[str]:
    """An image of 4,096 px by tiles of 512 px that overlap by a quarter, the plain U-Net of 16 filters and 6 levels."""
    derivation = Derivation(height=_SIDE, width=_SIDE, channels=3, tiles=Tiles(overlap=_SIDE // 4))
    windows = windows_of(_IMAGE, _IMAGE, (_SIDE, _SIDE), derivation)
    parameters = {"base_filters": 16, "levels": 6}
    network = build_segmenter(3, Model(architecture="unet", parameters=parameters), Task(), 0.3)
    tile = np.random.default_rng(0).random((1, _SIDE, _SIDE, 3), np.float32)
    asked = partial(network.predict_on_batch, (tile, np.array([[0.5, 0.3]], np.float32)))
    asked()
    answers = [np.random.default_rng(1).random((_SIDE, _SIDE, 1), np.float32)] * len(windows)
    for name, blend in BLENDS.items():
        pairs = [
            (processor_seconds(partial(blended, answers, windows, blend)), processor_seconds(asked) * len(windows))
            for _ in range(_ROUNDS)
        ]
        stitching, answering = (sorted(each)[_ROUNDS // 2] for each in zip(*pairs, strict=True))
        yield (
            f"{name}: {len(windows)} tiles joined in {stitching:.2f} s of the processor, {stitching / answering:.2%} "
            f"of the {answering:.1f} s of their answers"
        )
