"""A tile of 512 px by the plain U-Net of each engine, beside MONAI's network of its depth and width, in turn.

MONAI has an environment of its own: `make bench BENCH=beside_monai MONAI=PYTHON`, with the PYTHON of it. Networks are
untrained: what they answer takes no less time for that. `benchmarks/engines.py` says what precisions cost.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks._timing import processor_seconds, seconds
from components.inference.engines.engine import Asked, Engine
from components.inference.engines.frozen import frozen
from components.inference.engines.registry import ENGINES, engine_module, is_installed
from components.inference.engines.tensorflow import SavedModel
from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation, Tiles
from components.serving_graph.export import export_model
from components.task import Task
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import Model

_SIDE, _SAMPLES, _ROUNDS = 512, 4, 15
_TASK = Task(classes=["breast", "muscle", "lesion"])
_DERIVATION = Derivation(height=_SIDE, width=_SIDE, channels=3, tiles=Tiles())
_PRECISIONS = ("float32", "bfloat16")
"""In which MONAI is asked."""

Peer = Callable[[str], tuple[float, float]]
"""Seconds of the processor and of the wall that MONAI takes for a tile in a precision."""


def measure() -> Iterator[str]:
    """Yields for each engine its times over those of MONAI, or that MONAI is not there."""
    python = os.environ.get("MONAI")
    if not python:
        yield "not measured: MONAI=PYTHON names none that has MONAI"
        return
    rng = np.random.default_rng(0)
    tiles = [Asked(rng.random((1, _SIDE, _SIDE, 3), np.float32), np.array([[0.5, 0.3]], np.float32))] * _SAMPLES
    with TemporaryDirectory() as root, _monai(python) as (said, peer):
        yield f"MONAI: {said}"
        for name, engine in _engines(Path(root), tiles):
            for precision in _PRECISIONS:
                told = _beside(partial(engine, tiles[0]), partial(peer, precision))
                yield f"{name}: {told} of MONAI's in {precision}"


def _engines(root: Path, samples: list[Asked]) -> Iterator[tuple[str, Engine]]:
    model = build_segmenter(3, Model(parameters={"levels": 6, "base_filters": 16}), _TASK)
    export_model(model, root / "model", _TASK, OperatingPoint(), _DERIVATION)
    yield f"tensorflow-float32 ({model.count_params()} weights)", SavedModel(root / "model", own=True)
    given = frozen(root / "model")
    for name, kind in ENGINES.items():
        for precision in kind.precisions if is_installed(name) else ():
            module = engine_module(name, converts=True)
            module.convert(given, root / f"{name}-{precision}", precision, samples)
            yield f"{name}-{precision}", module.open_engine(root / f"{name}-{precision}", precision)


def _beside(ask: Callable[[], object], peer: Callable[[], tuple[float, float]]) -> str:
    ask()
    peer()
    rounds = [(processor_seconds(ask), seconds(ask), *peer()) for _ in range(_ROUNDS)]
    ratios = {
        "processor time": [own / other for own, _, other, _ in rounds],
        "wall time": [own / other for _, own, _, other in rounds],
    }
    told = [f"{what} {median(found):.2f} ({min(found):.2f} to {max(found):.2f})" for what, found in ratios.items()]
    return f"{', '.join(told)}, {_ROUNDS} rounds,"


@contextmanager
def _monai(python: str) -> Iterator[tuple[str, Peer]]:
    """What it says of itself, and how it is asked for a tile."""
    command = [python, "-P", str(Path(__file__).with_name("_monai.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        def peer(precision: str) -> tuple[float, float]:
            print(precision, file=asked, flush=True)
            processor, wall = map(float, told.readline().split())
            return processor, wall

        yield told.readline().strip(), peer
