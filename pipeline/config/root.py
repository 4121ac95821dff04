"""The description of a run: one class per TOML section. Imports neither TensorFlow nor TFX."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from components.trainer.models.registry import ARCHITECTURES
from pipeline.config.augmentation import Augmentation
from pipeline.config.data import Data
from pipeline.config.execution import Execution
from pipeline.config.kubeflow import Kubeflow
from pipeline.config.schedule import Schedule
from pipeline.config.section import Positive, Probability, Section


class Validation(Section):
    max_reject_fraction: Probability = 0.05
    """Share of the sources that may be unusable before the data gate stops the run."""
    min_groups: Positive = 3
    """Least number of groups (patients) in each split: a number measured on one woman says nothing."""
    max_drift: Probability = 0.4
    """Largest distance of a feature's distribution from that in the champion's data (Kolmogorov-Smirnov statistic);
    1 allows everything."""


class Model(Section):
    architecture: str = "unet"
    parameters: dict[str, Any] = Field(default={}, validate_default=True)
    """The architecture's own parameters; `maskline models` lists them."""

    @field_validator("architecture")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ARCHITECTURES:
            raise ValueError(f"no such architecture; known: {', '.join(sorted(ARCHITECTURES))}")
        return name

    @field_validator("parameters")
    @classmethod
    def _complete(cls, parameters: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        architecture = ARCHITECTURES.get(info.data.get("architecture", ""))
        return architecture(**parameters).model_dump() if architecture else parameters


class Patch(Section):
    """Training on windows of the records, one window of each record in each epoch, placed anew; validation and
    prediction see records whole. An epoch has as many windows as there are records, however small they are."""

    height: Positive
    width: Positive
    foreground_share: Probability = 0.5
    """At least this share of the windows of records with foreground holds some: they are drawn around a pixel of it.
    The others lie anywhere, and may hold some by chance. Windows of records without foreground lie anywhere."""


class Training(Section):
    epochs: Positive
    batch_size: Positive = 8
    loss: Literal["bce_dice"] = "bce_dice"
    optimizer: Literal["adam"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    clip_value: Annotated[float, Field(gt=0)] | None = None
    early_stopping_patience: Positive = 10
    """Epochs without a lower validation loss after which training ends."""
    reduce_lr_patience: Positive = 4
    reduce_lr_factor: Annotated[float, Field(gt=0, lt=1)] = 0.3
    patch: Patch | None = None
    """None: whole records."""
    warm_start: bool = False
    """Start from the weights of the champion where its architecture, parameters and input size are the same. The model
    goes on learning, also from the same data, so each run trains."""
    cold_every: Annotated[int, Field(ge=0)] = 0
    """With `warm_start`: every so manieth version starts from drawn weights, so that what a chain of models has once
    learnt wrongly is not handed down for ever; 0: none. Counted are versions that were pushed, not runs: after a cold
    candidate that was refused, the next run starts cold again."""
    seed: int = 0
    distribute: Literal["auto", "none"] = "auto"
    """`auto`: all accelerators of the machine share each batch, where there are several; `none`: the first alone."""

    @field_validator("cold_every")
    @classmethod
    def _leaves_some_warm(cls, cold_every: int, info: ValidationInfo) -> int:
        if cold_every and not info.data.get("warm_start", True):
            raise ValueError("no run starts warm: set warm_start = true, or remove cold_every")
        if cold_every == 1:
            raise ValueError("expected 0, or 2 and more: with 1 no run would start warm")
        return cold_every


class Evaluation(Section):
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability from which a pixel is predicted foreground."""
    empty_masks: Literal["skip", "zero_if_predicted"] = "skip"
    """Dice of a case without foreground: left out of the mean, or 1 when nothing is predicted and 0 otherwise."""
    min_dice: Probability = 0.0
    max_loss: Annotated[float, Field(gt=0)] | None = None
    min_dice_change: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Least difference of the mean Dice to the champion's, both measured now on the same cases."""
    min_cases: Positive = 1


class Serving(Section):
    destination: str = ""
    """Folder that holds the served versions. Empty: `serving` in the output folder."""


class Config(Section):
    """Everything that describes a run."""

    data: Data
    validation: Validation = Validation()
    augmentation: Augmentation = Augmentation()
    model: Model = Model()
    training: Training
    evaluation: Evaluation = Evaluation()
    serving: Serving = Serving()
    execution: Execution = Execution()
    kubeflow: Kubeflow = Kubeflow()
    schedule: Schedule = Schedule()

    @model_validator(mode="after")
    def _fits_together(self) -> Config:
        for fault in _faults(self):
            raise ValueError(fault)
        return self

    @property
    def gate(self) -> dict[str, Any]:
        """The settings of the data gate: what a champion may know depends on where the training starts."""
        return {**self.validation.model_dump(), "warm_start": self.training.warm_start}


def _faults(config: Config) -> Iterator[str]:
    architecture, patch = config.model.architecture, config.training.patch
    multiple = ARCHITECTURES[architecture](**config.model.parameters).input_multiple
    for key in ("height", "width"):
        size = getattr(config.data, key)
        cuts = {"[data]": size, "[training.patch]": getattr(patch, key)} if patch else {"[data]": size}
        for section, length in cuts.items():
            if length % multiple:
                yield (
                    f"{section} {key} = {length} does not fit [model] {architecture}: "
                    f"it must be a multiple of {multiple}"
                )
            if length > size:
                yield f"{section} {key} = {length} is more than [data] {key} = {size}: reduce it, or raise that"
    if patch and config.augmentation.on_device:
        yield "[training.patch] and [augmentation] on_device exclude each other: remove one, or use online"
    if config.schedule.drift is not None and config.schedule.drift >= config.validation.max_drift:
        yield (
            f"[schedule] drift = {config.schedule.drift:g} is not below [validation] max_drift = "
            f"{config.validation.max_drift:g}: the data gate would refuse every run that it starts. Raise max_drift"
        )
    if config.execution.beam != "local" and config.execution.parallel == "processes":
        yield '[execution] parallel = "processes" is for beam = "local" alone: remove one of the two'
