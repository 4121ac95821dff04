"""What a plan is made from: sizes of images and of what is to be found in them, how many there are, and on what."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from components.errors import UsageError
from components.example_gen.core import read_source
from components.example_gen.listing import list_grouped, list_samples
from components.example_gen.samples import Sample
from components.example_gen.settings import DataSettings
from components.example_gen.unusable import Unusable
from components.imaging.truth.classes import judged
from components.machine import accelerator_memory
from components.memory import free_memory
from components.parallel import ordered_map
from components.records.splits import TEST, VALIDATION
from pipeline.runs.examined import Watch

_MOST_READ = 200
"""Images up to which all are read; of more some, evenly chosen."""
_SMALL = 10
"""Per cent of the images whose lesions are smaller than those that a plan counts with."""


@dataclass(frozen=True)
class Machine:
    """What trains."""

    cores: int
    memory: float
    """Bytes that are free, of the accelerator where there is one."""
    accelerator: bool = False


@dataclass(frozen=True)
class Look:
    """What is seen of an image."""

    height: int
    width: int
    lesions: Mapping[int, float]
    """Of each class that it has, the equivalent diameter in pixels of the region that half of its pixels are in
    smaller ones than: specks beside a lesion count for nothing, and so does one large one beside many."""
    shares: np.ndarray
    """Of background and of each class in the pixels that are judged, float64 `(1 + classes,)`."""


@dataclass(frozen=True)
class Fingerprint:
    """What is known of a data set without its test split, and of the machine."""

    images: int
    groups: int
    tested: int
    """Groups that are tested on."""
    prescribed: bool
    """Whether the validation split is one that somebody has published."""
    height: int
    """Median, in pixels."""
    width: int
    longest: int
    """The longer side of the largest image that was read."""
    lesion: float | None
    """Of the class whose lesions are smallest the equivalent diameter in pixels, which those of nine images in ten
    exceed; None where no image has any."""
    shares: Mapping[str, float]
    """Of each class in the pixels that are judged."""
    present: Mapping[str, float]
    """The share of images that have it."""
    machine: Machine


def this_machine() -> Machine:
    """The one of this process; an accelerator is one that TensorFlow computes on."""
    memory = max(accelerator_memory(), default=0)
    cores = len(os.sched_getaffinity(0))
    return Machine(cores, memory, True) if memory and _is_used() else Machine(cores, free_memory().size)


def _is_used() -> bool:
    # Seconds, and asked only where the driver tells of an accelerator.
    from components.inference.devices import GPU, in_use

    return in_use() == GPU


def fingerprint_of(root: Path, data: DataSettings, watch: Watch, machine: Machine) -> Fingerprint:
    """Reads at most 200 images of a folder, none of the test split.

    Raises:
        UsageError: none of them can be used; or as `list_samples`.
    """
    listing = list_samples(root, data)
    samples = [sample for sample in listing.samples if sample.split != TEST]
    chosen = samples[:: max(1, -(-len(samples) // _MOST_READ))]
    looks = list(_looks(root, chosen, data, watch))
    if not looks:
        raise UsageError(f"{root}: none of its images can be used for a plan: maskline check {root} says why")
    return summarized(
        looks,
        list(data.task.classes),
        images=len(samples),
        groups=len({sample.group for sample in samples}),
        tested=len({sample.group for sample in listing.samples if sample.split == TEST}),
        prescribed=any(sample.split == VALIDATION for sample in list_grouped(root, data)[0].samples),
        machine=machine,
    )


def summarized(looks: Sequence[Look], classes: Sequence[str], **known: Any) -> Fingerprint:
    """What some looks tell, with what else is `known`: the other fields of a fingerprint."""
    heights, widths = ([getattr(look, side) for look in looks] for side in ("height", "width"))
    shares = np.mean([look.shares for look in looks], axis=0)[1:]
    return Fingerprint(
        height=int(np.median(heights)),
        width=int(np.median(widths)),
        longest=max(max(heights), max(widths)),
        lesion=_small_lesion(looks),
        shares=dict(zip(classes, shares.tolist(), strict=True)),
        present=dict(zip(classes, _present(looks, len(classes)), strict=True)),
        **known,
    )


def look_at(truth: np.ndarray, classes: int) -> Look:
    """What is seen of class indices `(H, W)` uint8."""
    counts = np.bincount(truth[judged(truth)], minlength=1 + classes)[: 1 + classes]
    found = {index: _diameter(truth == index) for index in range(1, 1 + classes) if counts[index]}
    return Look(truth.shape[0], truth.shape[1], found, counts / max(1, counts.sum()))


def _looks(root: Path, samples: Sequence[Sample], data: DataSettings, watch: Watch) -> Iterable[Look]:
    classes = len(data.task.classes)

    def look(sample: Sample) -> Look | None:
        try:
            return look_at(read_source(root, sample, data).truth.classes, classes)
        except Unusable:
            return None

    threads = len(os.sched_getaffinity(0))
    return filter(None, watch(ordered_map(look, samples, threads), len(samples)))


def _diameter(mask: np.ndarray) -> float:
    """Of the region with the middle pixel where all are sorted by the area of their regions."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    areas = np.sort(stats[1:, cv2.CC_STAT_AREA].astype(np.int64))
    middle = areas[np.searchsorted(np.cumsum(areas), areas.sum() / 2)]
    return float(2 * np.sqrt(middle / np.pi))


def _small_lesion(looks: Sequence[Look]) -> float | None:
    found: dict[int, list[float]] = {}
    for look in looks:
        for index, diameter in look.lesions.items():
            found.setdefault(index, []).append(diameter)
    return min((float(np.percentile(each, _SMALL)) for each in found.values()), default=None)


def _present(looks: Sequence[Look], classes: int) -> list[float]:
    return [sum(index in look.lesions for look in looks) / len(looks) for index in range(1, 1 + classes)]
