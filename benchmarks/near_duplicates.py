"""Near duplicates among 20,000 images: time and memory, where few are copies and where all are the same."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from components.data_gate.near_duplicates import Pair, find_near_duplicates
from components.imaging.fingerprint import signature

_IMAGES = 20_000
_COPIES = 200
_SIDE = 128


def measure() -> Iterator[str]:
    """Yields what was found, the seconds and the growth of the peak memory."""
    rng = np.random.default_rng(0)
    films = [_film(rng) for _ in range(_COPIES)]
    signatures = [signature(film) for film in films] + [signature(_film(rng)) for _ in range(_IMAGES - 2 * _COPIES)]
    signatures += [signature(_copy(film, rng)) for film in films]
    pairs, seconds, grown = _search(signatures)
    found = {(pair.first, pair.second) for pair in pairs}
    planted = {(place, _IMAGES - _COPIES + place) for place in range(_COPIES)}
    yield (
        f"{_IMAGES} images searched in {seconds:.1f} s, peak memory + {grown:.0f} MiB "
        f"({_megabytes(signatures):.0f} MiB of them the signatures): "
        f"{len(found & planted)} of {_COPIES} planted copies found, {len(found - planted)} false alarms"
    )
    pairs, seconds, grown = _search([signatures[0]] * _IMAGES)
    yield f"{_IMAGES} equal images searched in {seconds:.1f} s, peak memory + {grown:.0f} MiB more: {len(pairs)} pairs"


def _film(rng: np.random.Generator) -> np.ndarray:
    """`(128, 128)` uint8: smooth noise in outlines that hardly differ."""
    down, across = np.mgrid[:_SIDE, :_SIDE] / _SIDE
    height, width = rng.uniform(0.4, 0.48), rng.uniform(0.6, 0.75)
    depth = (1 - np.hypot((down - 0.5) / height, across / width)).clip(0, 0.2) / 0.2
    noise = sum(cv2.resize(rng.standard_normal((cells, cells)), (_SIDE, _SIDE)) for cells in (6, 16, 40))
    return (depth * (110 + 25 * noise) + rng.normal(5, 2, depth.shape)).clip(0, 255).astype(np.uint8)


def _copy(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The film turned, maybe mirrored, of another size and brightness, through JPEG."""
    turned = np.rot90(film[:, :: rng.choice([-1, 1])], rng.integers(4))
    size = int(rng.integers(90, 400))
    shown = cv2.convertScaleAbs(cv2.resize(turned, (size, size)), alpha=rng.uniform(0.7, 1.2))
    return cv2.imdecode(cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_UNCHANGED)


def _search(signatures: Sequence[bytes]) -> tuple[list[Pair], float, float]:
    """The pairs, the seconds, and the growth of the process's peak memory in MiB."""
    before, begin = _peak(), time.perf_counter()
    pairs = list(find_near_duplicates(signatures))
    return pairs, time.perf_counter() - begin, _peak() - before


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _megabytes(signatures: Sequence[bytes]) -> float:
    return sum(map(len, signatures)) / 2**20
