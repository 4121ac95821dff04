"""Derivation of records against a bare loop that only decodes and encodes the same files with OpenCV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2

from benchmarks._films import write_films, write_pairs
from benchmarks._timing import ratio
from components.example_gen.listing import list_samples
from components.example_gen.outcome import outcome_of
from components.example_gen.samples import MaskFiles, Sample
from components.parallel import ordered_map, without_inner_threads
from components.records.tfexample import serialize
from pipeline.config.loader import load_config

_ROUNDS = 7
_AS_RECORDS = (cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT)


def measure() -> Iterator[str]:
    """Yields the speed of derivation over that of the bare loop, one core, and the gain of a second core."""
    without_inner_threads()
    with TemporaryDirectory() as folder:
        films = write_films(Path(folder) / "films", women=20)
        pairs = write_pairs(Path(folder) / "pairs", films)
        yield _one_core("PNG pairs of 1024 px at their own size", pairs, "folders", 1024)
        yield _one_core("PNG pairs of 1024 px, reduced to 256 px", pairs, "folders", 256)
        yield _one_core("PGM films of 1024 px with a truth table, reduced to 128 px", films, "mias", 128)
        for size in (1024, 256):
            root, samples, data = _listed(pairs, "folders", size)
            one, two = (partial(_records, root, samples, data, threads) for threads in (1, 2))
            yield f"PNG pairs of 1024 px to {size} px, two threads over one: {ratio(one, two, _ROUNDS)}"


def _one_core(what: str, root: Path, layout: str, size: int) -> str:
    root, samples, data = _listed(root, layout, size)
    reached = ratio(partial(_bare, root, samples, size), partial(_records, root, samples, data, 1), _ROUNDS)
    return f"{what}: speed over that of the bare loop, one core: {reached}"


def _listed(root: Path, layout: str, size: int) -> tuple[Path, Sequence[Sample], dict[str, Any]]:
    data = load_config(layout, [f"data.height={size}", f"data.width={size}"]).records
    return root, list_samples(root, data).samples, data


def _records(root: Path, samples: Sequence[Sample], data: dict[str, Any], threads: int) -> None:
    for outcome, _ in ordered_map(partial(outcome_of, root=root, data=data, make=serialize), samples, threads):
        assert not outcome.kind, outcome


def _bare(root: Path, samples: Sequence[Sample], size: int) -> None:
    for sample in samples:
        masks = sample.truth.paths if isinstance(sample.truth, MaskFiles) else ()
        for path, interpolation in ((sample.image, cv2.INTER_AREA), *((path, cv2.INTER_NEAREST) for path in masks)):
            pixels = cv2.imread(str(root / path), cv2.IMREAD_UNCHANGED)
            if pixels.shape[0] != size:
                pixels = cv2.resize(pixels, (size, size), interpolation=interpolation)
            cv2.imencode(".png", pixels, _AS_RECORDS)
