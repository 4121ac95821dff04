"""What is compared: each method is a few changes of a config, as `--set` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class DataSet:
    """A folder of images as an experiment sees it."""

    recipe: str
    changes: tuple[str, ...]
    shares: tuple[int, int, int]
    """Train, eval and test: the last is for confirmation alone."""
    development: tuple[int, int, int]
    """Into which train and eval are drawn anew: train, eval and development."""
    kind: str = ""
    """Regular expression on the id of a sample: what is spread evenly over the splits. Empty: nothing."""


DATA_SETS: Mapping[str, DataSet] = {
    # 96 images, each a group. So many train that 2, 4 and 8 divide them: an epoch has no smaller batch.
    "nuclei-mini": DataSet(
        "folders",
        ("data.height=112", "data.width=112", "data.channels=3"),
        (60, 12, 24),
        (40, 8, 24),
        kind=r"[a-z]+",
    ),
    # 24 files of 21 sources.
    "inbreast-mini": DataSet("inbreast", ("data.height=112", "data.width=112"), (12, 4, 5), (9, 2, 5)),
}

COMMON = (
    "model.parameters={ levels = 4, base_filters = 8, normalisation = 'batch' }",
    "augmentation.copies=0",
    "augmentation.online=true",
    "augmentation.rotation={ probability = 0.0 }",
    *(f"augmentation.{flip}=0.5" for flip in ("horizontal_flip", "vertical_flip", "right_angle")),
    "training.learning_rate=1e-3",
)
"""Of all methods, where one does not say otherwise: small enough for two cores, light augmentation drawn anew."""


@dataclass(frozen=True)
class Experiment:
    """Every method with every batch size and number of steps; the first method is what the others are compared with."""

    methods: Mapping[str, tuple[str, ...]]
    batch_sizes: tuple[int, ...] = (4,)
    steps: tuple[int, ...] = (500,)


EXPERIMENTS: Mapping[str, Experiment] = {
    "norms": Experiment(
        {name: (f"model.parameters.normalisation='{name}'",) for name in ("batch", "group", "instance")},
        batch_sizes=(2, 4, 8),
        steps=(100, 500, 2000),
    ),
}
