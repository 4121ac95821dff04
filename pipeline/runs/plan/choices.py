"""From a fingerprint to a plan: pure functions, and every number that they go by with where it comes from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from pipeline.runs.plan.fingerprint import Fingerprint
from pipeline.runs.plan.folds import FEW_GROUPS, folds_for
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

SIZE = ("data.height", "data.width", "data.tiles")
"""Keys that every recipe states, one way or the other."""
DEFAULT_MINUTES = 20.0
_ACCELERATOR = 40
"""Cores that an accelerator is taken for: assumed, not measured."""
_STEPS = 600
"""That a training should have: after 500 of a batch of 4 little is gained by more (`benchmarks/README.md`)."""
_BATCH, _LARGER_BATCH, _STEPS_OF_LARGER = 4, 8, 2000
_VISIBLE = 5.0
"""Pixels across that small lesions keep in whole images: nuclei of 14 px, in the largest images 5, are learnt as well
from these as from tiles (`benchmarks/README.md`)."""
_MULTIPLE = 32
_LEAST_SIDE, _MOST_SIDE = 64, 512
_TILES = (512, 384, 256, 192, 128)
_SPARSE = 0.05
"""Share of foreground below which most tiles are empty."""
_RARE = 0.2
"""Share of the images below which a class is rare in them."""
_PEAK = 1.4
"""Of memory over what a step keeps, as `components.trainer.footprint` has measured it."""


class Size(NamedTuple):
    """Of records, in pixels."""

    height: int
    width: int
    tiled: bool
    scale: float
    """Of the largest image in them."""


def choose(
    seen: Fingerprint, minutes: float | None, network: Network = ENCODER, stated: Size | None = None
) -> list[Choice]:
    """The plan for a training of so many minutes, for records of a stated size or of one of its own.

    `minutes` is None where nobody has said how long: then it is for some that one might take.
    """
    told = DEFAULT_MINUTES if minutes is None else minutes
    size = stated or _affordable(seen, told, network)
    batch = batch_of(seen, told, network, size)
    return [
        *([] if stated else _of_size(seen, told, size)),
        *_of_network(seen, network, batch),
        *_of_training(seen, told, network, size, batch),
        *_of_augmentation(seen),
        *_of_folds(seen),
    ]


def toned(choice: Choice, key: str, value: Any) -> Choice:
    """The choice, of this key with another value."""
    return replace(choice, value=value) if choice.key == key else choice


def batch_of(seen: Fingerprint, minutes: float, network: Network, size: Size) -> int:
    """Four images; fewer where memory or images are few, eight where that leaves steps enough."""
    pixels = size.height * size.width
    most = min(_room(seen, network) / pixels, seen.images)
    if most >= _LARGER_BATCH and _steps(seen, minutes, network, size, _LARGER_BATCH) >= _STEPS_OF_LARGER:
        return _LARGER_BATCH
    return next((batch for batch in (_BATCH, 2) if batch <= most), 1)


def _affordable(seen: Fingerprint, minutes: float, network: Network) -> Size:
    """Of the largest records of which time and memory allow steps enough of a whole batch."""
    of_time = 1e6 * _seconds(seen, minutes) / network.seconds / _STEPS
    return size_of(seen, min(of_time, _room(seen, network)) / _BATCH)


def _room(seen: Fingerprint, network: Network) -> float:
    """Pixels of a batch that fit into half of the memory."""
    return seen.machine.memory / 2 / network.memory / _PEAK


def _steps(seen: Fingerprint, minutes: float, network: Network, size: Size, batch: int) -> float:
    return 1e6 * _seconds(seen, minutes) / network.seconds / size.height / size.width / batch


def size_of(seen: Fingerprint, pixels: float) -> Size:
    """Images whole, where their lesions stay visible at `pixels` a record; else tiles at the images' own scale."""
    side = min(_MOST_SIDE, math.sqrt(max(pixels, _LEAST_SIDE**2)))
    scale = min(1.0, side / math.sqrt(seen.height * seen.width))
    height, width = (max(_MULTIPLE, round(scale * each / _MULTIPLE) * _MULTIPLE) for each in (seen.height, seen.width))
    of_largest = min(1.0, max(height, width) / seen.longest)
    if seen.lesion is None or of_largest == 1 or seen.lesion * of_largest >= _VISIBLE:
        return Size(height, width, False, of_largest)
    tile = next((each for each in _TILES if each <= min(side, max(height, width))), _TILES[-1])
    return Size(tile, tile, True, 1.0)


def _seconds(seen: Fingerprint, minutes: float) -> float:
    """Of all cores."""
    return 60 * minutes * (_ACCELERATOR if seen.machine.accelerator else seen.machine.cores)


def _of_size(seen: Fingerprint, minutes: float, size: Size) -> Iterator[Choice]:
    lesion = (
        "nothing is marked in any image" if seen.lesion is None else f"small lesions are {seen.lesion:.0f} px across"
    )
    if size.tiled:
        why = (
            f"{lesion}, and must not get smaller than {_VISIBLE:.0f}, as in whole images of up to {seen.longest} px: "
            "tiles at the images' own scale"
        )
    elif size.scale == 1:
        why = f"images are no larger ({lesion})"
    else:
        shown = "" if seen.lesion is None else f", {seen.lesion * size.scale:.0f} or more here"
        why = f"whole images, as large as {minutes:g} minutes have time for: {lesion}{shown}"
    yield Choice("data.height", size.height, why)
    yield Choice("data.width", size.width, "in steps of 32, which networks halve" if not size.tiled else "as high")
    if size.tiled:
        keep = 0.25 if sum(seen.shares.values()) < _SPARSE else 1.0
        rest = "of those without foreground, which are most, a quarter" if keep < 1 else "all, as most hold foreground"
        tiles = {"overlap": size.height // 8, "keep_empty": keep}
        yield Choice("data.tiles", tiles, f"neighbours share an eighth, so that outlines meet; {rest}")


def _of_network(seen: Fingerprint, network: Network, batch: int) -> Iterator[Choice]:
    parameters = dict(network.parameters)
    if "normalisation" in parameters and batch < _BATCH:
        parameters["normalisation"] = "group"
    yield Choice("model.architecture", network.architecture, f"{network.why} ({seen.images} images)")
    norm = (
        "batch norm, which its weights know"
        if "normalisation" not in parameters
        else f"{parameters['normalisation']} norm, by the size of the batches"
    )
    yield Choice("model.parameters", parameters, norm)


def _of_training(seen: Fingerprint, minutes: float, network: Network, size: Size, batch: int) -> Iterator[Choice]:
    steps = _steps(seen, minutes, network, size, batch)
    on = "the accelerator, taken for 40 cores" if seen.machine.accelerator else f"{seen.machine.cores} cores"
    yield Choice("training.batch_size", batch, f"some {_rounded(steps)} steps in {minutes:g} minutes on {on}")
    yield Choice("training.schedule", "cosine", "falls to 0 as the training ends, however long it is")
    yield Choice("training.learning_rate", network.learning_rate, "from which it falls: better for this network")
    if rare := [name for name, share in seen.present.items() if len(seen.present) > 1 and 0 < share < _RARE]:
        told = f"{rare[0]} is in {seen.present[rare[0]]:.0%} of the images"
        yield Choice("training.balance", "classes", f"{told}: records are drawn so that each class comes as often")
    else:
        told = "each record once an epoch: drawing around foreground gained nothing on nuclei or mammograms"
        yield Choice("training.balance", "none", told)


def _of_augmentation(seen: Fingerprint) -> Iterator[Choice]:
    yield Choice("augmentation.strength", "standard", f"of {seen.groups} groups, anew in every epoch")


def _of_folds(seen: Fingerprint) -> Iterator[Choice]:
    k = 0 if seen.prescribed else folds_for(seen.groups + seen.tested, seen.tested)
    if k:
        yield Choice(
            "folds.k", k, f"{seen.groups + seen.tested} groups are fewer than {FEW_GROUPS}: each is validated on"
        )


def _rounded(number: float) -> str:
    digits = max(0, len(str(int(number))) - 2)
    return f"{round(number, -digits):,.0f}"
