"""Records of phantom films against a bare loop that only decodes, resizes and encodes with OpenCV, on one core."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import cv2

from components.example_gen.core import derive
from components.example_gen.listing import list_samples
from components.tfexample import serialize
from pipeline.config.loader import load_config
from pipeline.phantoms import write_mias_phantoms

_ROUNDS = 7


def measure() -> Iterator[str]:
    """Yields the ratio of the two times, each round of both taken in turn."""
    cv2.setNumThreads(1)
    data = load_config("demo").data.model_dump()
    with TemporaryDirectory() as folder:
        root = Path(folder) / "films"
        write_mias_phantoms(root, women=20, size=1024, seed=7)
        samples = list_samples(root, data).samples
        size = (data["width"], data["height"])

        def records() -> None:
            for sample in samples:
                serialize(derive(root, sample, data))

        def bare() -> None:
            for sample in samples:
                film = cv2.imread(str(root / sample.image), cv2.IMREAD_UNCHANGED)
                small = cv2.resize(film, size, interpolation=cv2.INTER_AREA)
                cv2.imencode(".png", small, [cv2.IMWRITE_PNG_COMPRESSION, 1])

        ratios = [_seconds(bare) / _seconds(records) for _ in range(_ROUNDS)]
    yield (
        f"derivation of {len(samples)} films of 1024 px to {size[0]} px reaches {median(ratios):.0%} "
        f"of the bare OpenCV loop (median of {_ROUNDS}, {min(ratios):.0%} to {max(ratios):.0%})"
    )


def _seconds(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
