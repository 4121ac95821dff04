"""Planted faults of labels: how many stand in the first fifth of the list of labels to be looked at first, by what they
are ranked by.

With `MASKLINE_BENCH_DATA` in the environment, the folder of `nuclei-mini`, also in labels of real images.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks._films import write_films
from benchmarks._planted import FAULTS, SLIGHT, faulty, plant
from components.bulk_inferrer.answered import Kept
from components.errors import ExitCode
from components.example_gen.core import read_source
from components.example_gen.layouts.mias import list_mias
from components.imaging.files.codecs import encode_png
from components.inference.stored import stored_point, trained_for
from components.measures.calibration import confidence, sums
from components.measures.comparison import Comparison
from components.measures.doubt import doubt, soft_dice
from components.measures.overlap import DICE
from components.records.splits import TEST, fold_split
from pipeline.config.loader import load_config

Score = Callable[[Comparison], float]
Labels = Mapping[str, Comparison]
"""By the name of the image, with what a model that has not learnt from the label answers."""

_DATA = "MASKLINE_BENCH_DATA"
_SEEDS = (1, 2)
_DRAWS = 12
_FOLDS = 3
_FIRST = 1 / 5
_SETTINGS = {
    "data.height": "96",
    "data.width": "96",
    "folds.k": str(_FOLDS),
    "model.parameters": '{levels=4, base_filters=8, normalisation="batch"}',
    "augmentation.copies": "0",
    "augmentation.online": "true",
    "augmentation.vertical_flip": "0.5",
    "augmentation.right_angle": "0.5",
    "training.budget": "'200 steps'",
    "training.batch_size": "4",
}
BY_WOMAN = {"data.groups": "{by='pattern', pattern='(.+)_'}"}
_NUCLEI = {"data.channels": "3", "data.height": "112", "data.width": "112", "training.budget": "'300 steps'"}


def measure() -> Iterator[str]:
    """Yields for each data set and seed what was found."""
    with TemporaryDirectory() as folder:
        sets = {"phantoms": (write_pairs(Path(folder) / "phantoms", women=48, size=256), BY_WOMAN)}
        if given := os.environ.get(_DATA):
            sets["nuclei"] = (Path(given) / "nuclei-mini", _NUCLEI)
        for name, (pairs, own) in sets.items():
            for seed in _SEEDS:
                data, out = (Path(folder) / f"{name}-{seed}" / part for part in ("data", "out"))
                planted = plant(pairs, data, seed)
                run(data, out, {**own, "training.seed": str(seed)})
                for told in found(dict(answered(out)), planted):
                    yield f"{name}, seed {seed}, {told}"


def found(labels: Labels, planted: Mapping[str, str]) -> Iterator[str]:
    """Of the faults that were there in training; and of slighter ones, planted afterwards where there were none: what
    answers has not learnt from a label, be it right or wrong."""
    for score, rank in SCORES.items():
        first = _first(labels, rank)
        kinds = ((kind, {name for name, its in planted.items() if its == kind}) for kind in FAULTS)
        each = ", ".join(f"{kind} {len(names & first)} of {len(names)}" for kind, names in kinds)
        yield f"by {score}: {each}"
    others = {name: seen for name, seen in labels.items() if name not in planted}
    for score, rank in SCORES.items():
        each = ", ".join(f"{kind} {_found_of(others, kind, rank)}" for kind in SLIGHT)
        yield f"by {score}: planted afterwards: {each}"


def write_pairs(root: Path, women: int, size: int) -> Path:
    """Phantom films with their masks, named by woman and film."""
    films, data = write_films(root / "films", women, size), load_config("mias").records
    for folder in ("images", "masks"):
        (root / folder).mkdir()
    for sample in list_mias(films, data).samples:
        source = read_source(films, sample, data)
        for folder, pixels in (("images", source.image), ("masks", 255 * source.truth.classes)):
            (root / folder / f"{sample.group}_{sample.id}.png").write_bytes(encode_png(pixels))
    return root


def run(data: Path, out: Path, settings: Mapping[str, str]) -> None:
    """`maskline run` of folds, small and short."""
    sets = [part for key, value in {**_SETTINGS, **settings}.items() for part in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "pipeline.cli", "run", "folders", "--data", str(data), "--out", str(out), *sets]
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    if done.returncode not in (ExitCode.DONE, ExitCode.REFUSED):
        expected = f"expected {ExitCode.DONE:d} or {ExitCode.REFUSED:d}"
        raise RuntimeError(f"the run in {out} ended with exit code {done.returncode}, {expected}: see its log.txt")


def answered(out: Path) -> Iterator[tuple[str, Comparison]]:
    """Each label by the name of its image, with what a model that has not learnt from it answers."""
    [examples] = (out / "artifacts/ImageMaskExampleGen/examples").glob("[0-9]*")
    [model] = (out / "artifacts/Calibrator/calibrated").glob("*/Format-Serving")
    (derivation, task), point = trained_for(model, ""), stored_point(model, "")
    splits = {f"-{fold}": fold for fold in map(fold_split, range(1, _FOLDS + 1))} | {"": TEST}
    for node, split in splits.items():
        [inference] = (out / f"artifacts/BulkInferrer{node}/inference").glob("[0-9]*")
        for each in Kept(str(examples), inference, split, task, derivation).by(point):
            predicted = point.mask(each.probability, task, each.scale)
            probability = task.of_class(each.probability, 1)
            yield Path(each.source.source).stem, Comparison(each.truth, predicted, 1, probability)


def _first(labels: Labels, rank: Score) -> set[str]:
    """The names in the first fifth."""
    ranked = sorted(labels, key=lambda name: -rank(labels[name]))
    return set(ranked[: math.ceil(_FIRST * len(ranked))])


def _found_of(labels: Labels, kind: str, rank: Score) -> str:
    """Of a fault alone, drawn again and again."""
    planted = found = 0
    for seed in range(_DRAWS):
        faults = faulty({name: seen.truth for name, seen in labels.items()}, {kind: SLIGHT[kind]}, seed)
        wrong = {name: replace(labels[name], truth=mask, _facts={}) for name, (_, mask) in faults.items()}
        planted += len(faults)
        found += len(faults.keys() & _first({**labels, **wrong}, rank))
    return f"{found} of {planted}"


def _soft_dice(seen: Comparison) -> float:
    """1 - soft Dice; of labels of nothing the confidence of what is predicted."""
    found = sums(seen)
    assert found
    return 1 - soft_dice(found) if found.true else confidence(found)


def _lost_confidence(seen: Comparison) -> float:
    """By how much the Dice that the model expects of its own mask is above the soft Dice of the label."""
    found = sums(seen)
    assert found
    return confidence(found) - (soft_dice(found) if found.true else 0)


def _better_shifted(seen: Comparison) -> float:
    """What the best shift of the label, across borders, gains of soft Dice; of labels of nothing as `_soft_dice`."""
    found = sums(seen)
    assert found
    if not found.true:
        return confidence(found)
    probability = np.where(seen.judged, seen.probability, 0)
    shifted = np.fft.irfft2(np.fft.rfft2(probability) * np.conj(np.fft.rfft2(seen.true)), seen.true.shape)
    return 2 * float(shifted.max()) / (found.everywhere + found.true) - soft_dice(found)


SCORES: Mapping[str, Score] = {
    "doubt": doubt,
    "1 - Dice": lambda seen: 1 - DICE.value(seen, "zero_if_predicted"),
    "1 - soft Dice": _soft_dice,
    "soft Dice confidence - soft Dice": _lost_confidence,
    "soft Dice gained by a shift": _better_shifted,
}
