"""What is compared, and on what: each method is a few changes of a config, as `--set` has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from components.errors import UsageError


@dataclass(frozen=True)
class DataSet:
    """How a folder of images is split; its config is the TOML file of its name."""

    shares: tuple[int, int, int]
    """Train, eval and test: the last is for confirmation alone."""
    development: tuple[int, int, int]
    """Into which train and eval are drawn anew: train, eval and development."""
    kind: str = ""
    """Regular expression on the id of a sample: what is spread evenly over the splits. Empty: nothing."""
    folds: int = 5
    """Into which all of it is cut where a fold is measured."""


DATA_SETS: Mapping[str, DataSet] = {
    # 96 images, each a group. So many train that 2, 4 and 8 divide them: an epoch has no smaller batch.
    "nuclei-mini": DataSet((60, 12, 24), (40, 8, 24), kind=r"[a-z]+"),
    # 24 files of 21 sources.
    "inbreast-mini": DataSet((12, 4, 5), (9, 2, 5)),
    # 120 films of 60 women each.
    **dict.fromkeys(("phantoms", "phantoms-multiclass"), DataSet((60, 20, 20), (60, 20, 20))),
}


@dataclass(frozen=True)
class Experiment:
    """Every method with every batch size and number of steps; the first method is what the others are compared with."""

    methods: Mapping[str, tuple[str, ...]]
    batch_sizes: tuple[int, ...] = (4,)
    steps: tuple[int, ...] = (500,)
    changes: tuple[str, ...] = ()
    """Of all methods: the size of the images is for none alone to change."""


_PATCH = "training.patch={ height = 56, width = 56, foreground_share = 0.0 }"

EXPERIMENTS: Mapping[str, Experiment] = {
    "norms": Experiment(
        {name: (f"model.parameters.normalisation='{name}'",) for name in ("batch", "group", "instance", "none")},
        batch_sizes=(2, 4, 8),
        steps=(100, 500, 2000),
    ),
    "supervision": Experiment({"off": (), "on": ("training.deep_supervision=true",)}),
    "schedule": Experiment(
        # A schedule that falls has half the rate in the mean, and stands a higher one.
        {
            f"{name}, {rate}": (f"training.schedule='{name}'", f"training.learning_rate={rate}")
            for rate in ("1e-3", "3e-3")
            for name in ("constant", "cosine", "polynomial")
        },
        steps=(100, 500, 2000),
    ),
    "oversampling": Experiment(
        {
            "none": (_PATCH,),
            "half the windows": (_PATCH.replace("0.0", "0.5"),),
            "a third of a batch": ("training.patch={ height = 56, width = 56 }", "training.oversample_foreground=0.33"),
        }
    ),
    "ema": Experiment({"off": (), "0.99": ("training.ema=0.99",), "0.999": ("training.ema=0.999",)}, steps=(100, 500)),
    "encoder": Experiment(
        {
            "plain": (),
            **{
                name: ("model.architecture='encoder_unet'", f"model.parameters={{ weights = '{weights}' }}")
                for name, weights in {"drawn": "none", "pretrained": "imagenet"}.items()
            },
        },
        changes=("data.height=128", "data.width=128"),
    ),
}


def of_methods(experiment: Experiment, names: Sequence[str]) -> Experiment:
    """Its methods of these names, in their own order."""
    return replace(experiment, methods={name: made for name, made in experiment.methods.items() if name in names})


def confirmation(names: Sequence[str]) -> Experiment:
    """The methods that are named `experiment/method`, the first of them first.

    Raises:
        UsageError: there is no such method, or two are of experiments with other images.
    """
    known = {f"{one}/{method}": EXPERIMENTS[one] for one in EXPERIMENTS for method in EXPERIMENTS[one].methods}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"{unknown[0]}: no such method. There are {', '.join(known)}")
    if len({known[name].changes for name in names}) > 1:
        raise UsageError(f"{', '.join(names)}: of experiments on images of other sizes, which do not compare")
    methods = {name: known[name].methods[name.partition("/")[2]] for name in names}
    return Experiment(methods, changes=known[names[0]].changes)
