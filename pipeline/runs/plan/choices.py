"""From a fingerprint to a plan: pure functions, and every number that they go by with where it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.runs.plan.fingerprint import Fingerprint
from pipeline.runs.plan.folds import FEW_GROUPS, folds_for
from pipeline.runs.plan.networks import ENCODER, Network
from pipeline.runs.plan.sizes import MOST_SIDE, VISIBLE, Size, size_of
from pipeline.runs.toml import toml_value


@dataclass(frozen=True)
class Choice:
    """A key of a recipe, what it should be, and why in a sentence."""

    key: str
    """`section.key`."""
    value: Any
    why: str

    @property
    def told(self) -> str:
        """As a line of TOML."""
        return f"{self.key} = {toml_value(self.value)}"


SIZE = ("data.height", "data.width", "data.tiles")
"""Keys that every recipe states, one way or the other."""
DEFAULT_MINUTES = 20.0
_ASSUMED = " (assumed, as the recipe states no budget in time)"
_ACCELERATOR = 40
"""Cores that an accelerator is taken for: assumed, not measured."""
_STEPS = 600
"""That a training should have: after 500 of a batch of 4 little is gained by more (`benchmarks/README.md`)."""
_BATCH, _LARGER_BATCH, _STEPS_OF_LARGER = 4, 8, 2000
_SPARSE = 0.05
"""Share of foreground below which most tiles are empty."""
_RARE = 0.2
"""Share of the images below which a class is rare in them."""
_PEAK = 1.4
"""Of memory over what a step keeps, as `components.trainer.footprint` has measured it."""


def choose(
    seen: Fingerprint, minutes: float | None, network: Network = ENCODER, stated: Size | None = None
) -> list[Choice]:
    """The plan for a training of so many minutes, for records of a stated size or of one of its own.

    `minutes` is None where nobody has said how long: then it is for some that one might take, and says so.
    """
    told = DEFAULT_MINUTES if minutes is None else minutes
    time = f"{told:g} minutes{_ASSUMED if minutes is None else ''}"
    size = stated or _affordable(seen, told, network)
    batch = batch_of(seen, told, network, size)
    return [
        *([] if stated else _of_size(seen, size, _limit(seen, told, time, network))),
        *_of_network(seen, network, batch),
        *_of_training(seen, time, _steps(seen, told, network, size, batch), network, batch),
        *_of_augmentation(seen),
        *_of_folds(seen),
    ]


def batch_of(seen: Fingerprint, minutes: float, network: Network, size: Size) -> int:
    """Four images; fewer where memory or images are few, eight where that leaves steps enough."""
    pixels = size.height * size.width
    most = min(_room(seen, network) / pixels, seen.images)
    if most >= _LARGER_BATCH and _steps(seen, minutes, network, size, _LARGER_BATCH) >= _STEPS_OF_LARGER:
        return _LARGER_BATCH
    return next((batch for batch in (_BATCH, 2) if batch <= most), 1)


def _affordable(seen: Fingerprint, minutes: float, network: Network) -> Size:
    """Of the largest records of which time and memory allow steps enough of a whole batch."""
    return size_of(seen, min(_in_time(seen, minutes, network), _room(seen, network)) / _BATCH)


def _in_time(seen: Fingerprint, minutes: float, network: Network) -> float:
    """Pixels of a batch of which there is time for steps enough."""
    return 1e6 * _seconds(seen, minutes) / network.seconds / _STEPS


def _limit(seen: Fingerprint, minutes: float, time: str, network: Network) -> str:
    """What lets whole images be no larger."""
    limits = {
        "as large as images are in the median": float(seen.height * seen.width),
        f"as large as a plan takes them, {MOST_SIDE} px a side": float(MOST_SIDE**2),
        f"as large as {time} have time for": _in_time(seen, minutes, network) / _BATCH,
        "as large as memory has room for": _room(seen, network) / _BATCH,
    }
    return min(limits, key=lambda told: limits[told])


def _room(seen: Fingerprint, network: Network) -> float:
    """Pixels of a batch that fit into half of the memory, which is taken down to a power of two: what is free by chance
    makes no other plan."""
    free = seen.machine.memory
    return (2.0 ** int(math.log2(free)) if math.isfinite(free) else free) / 2 / network.memory / _PEAK


def _steps(seen: Fingerprint, minutes: float, network: Network, size: Size, batch: int) -> float:
    return 1e6 * _seconds(seen, minutes) / network.seconds / size.height / size.width / batch


def _seconds(seen: Fingerprint, minutes: float) -> float:
    """Of all cores."""
    return 60 * minutes * (_ACCELERATOR if seen.machine.accelerator else seen.machine.cores)


def _of_size(seen: Fingerprint, size: Size, limit: str) -> Iterator[Choice]:
    lesion = (
        "nothing is marked in any image" if seen.lesion is None else f"small lesions are {seen.lesion:.0f} px across"
    )
    if size.tiled:
        why = (
            f"{lesion}, and must not get smaller than {VISIBLE:.0f}, as in whole images of up to {seen.longest} px: "
            "tiles at the images' own scale"
        )
    elif size.scale == 1:
        why = f"images are no larger ({lesion})"
    else:
        shown = "" if seen.lesion is None else f", {seen.lesion * size.scale:.0f} or more here"
        why = f"whole images, {limit}: {lesion}{shown}"
    yield Choice("data.height", size.height, why)
    yield Choice(
        "data.width", size.width, "as high" if size.tiled else "likewise, in steps of 32: networks halve it five times"
    )
    if size.tiled:
        keep = 0.25 if sum(seen.shares.values()) < _SPARSE else 1.0
        rest = "of those without foreground, which are most, a quarter" if keep < 1 else "all, as most hold foreground"
        tiles = {"overlap": size.height // 8, "keep_empty": keep}
        yield Choice("data.tiles", tiles, f"neighbours share an eighth, so that outlines meet; {rest}")


def _of_network(seen: Fingerprint, network: Network, batch: int) -> Iterator[Choice]:
    parameters = dict(network.parameters)
    if "normalisation" in parameters and batch < _BATCH:
        parameters["normalisation"] = "group"
    yield Choice("model.architecture", network.architecture, f"{network.why}. There are {seen.images} images")
    norm = (
        "batch norm, which its weights know"
        if "normalisation" not in parameters
        else f"{parameters['normalisation']} norm, by the size of the batches"
    )
    yield Choice("model.parameters", parameters, norm)


def _of_training(seen: Fingerprint, time: str, steps: float, network: Network, batch: int) -> Iterator[Choice]:
    on = "the accelerator, taken for 40 cores" if seen.machine.accelerator else f"{seen.machine.cores} cores"
    yield Choice("training.batch_size", batch, f"some {_rounded(steps)} steps in {time} on {on}")
    yield Choice("training.schedule", "cosine", "falls to 0 as the training ends, however long it is")
    yield Choice("training.learning_rate", network.learning_rate, "from which it falls: better for this network")
    if rare := [name for name, share in seen.present.items() if len(seen.present) > 1 and 0 < share < _RARE]:
        told = f"{rare[0]} is in {seen.present[rare[0]]:.0%} of the images"
        yield Choice("training.balance", "classes", f"{told}: records are drawn so that each class comes as often")
    else:
        told = "each record once an epoch: drawing around foreground gained nothing on nuclei or mammograms"
        yield Choice("training.balance", "none", told)


def _of_augmentation(seen: Fingerprint) -> Iterator[Choice]:
    yield Choice(
        "augmentation.strength",
        "standard",
        f"{seen.groups} groups hold no more than these: moved and toned anew in every epoch",
    )


def _of_folds(seen: Fingerprint) -> Iterator[Choice]:
    k = 0 if seen.prescribed else folds_for(seen.groups + seen.tested, seen.tested)
    if k:
        yield Choice(
            "folds.k",
            k,
            f"{seen.groups + seen.tested} groups are fewer than {FEW_GROUPS}: each that is not tested on is validated "
            f"on, in {k} trainings, of which each takes the whole budget",
        )


def _rounded(number: float) -> str:
    digits = max(0, len(str(int(number))) - 2)
    return f"{round(number, -digits):,.0f}"
