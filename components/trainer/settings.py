"""What the trainer reads of a config. Imports no Keras: configs are checked without it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from components.imaging.augmentation.settings import Augmentation
from components.records.settings import Derivation
from components.settings import OneOf, Positive, Probability, Section
from components.task import Task
from components.trainer.losses.registry import LOSSES
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.optimizers.registry import OPTIMIZERS


class Model(Section):
    architecture: Annotated[str, OneOf(ARCHITECTURES)] = "unet"
    parameters: dict[str, Any] = Field(default={}, validate_default=True)
    """The architecture's own parameters; `maskline models` lists them."""

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
    """At least this share of the windows of records with foreground holds some: they are drawn around a pixel of it, of
    each class of the record as often.
    The others lie anywhere, and may hold some by chance. Windows of records without foreground lie anywhere."""


def _renamed(loss: Any) -> Any:
    """A config of before, when there was one class, still names its loss."""
    return "ce_dice" if loss == "bce_dice" else loss


class Training(Section):
    epochs: Positive
    batch_size: Positive = 8
    loss: Annotated[str, OneOf(LOSSES), BeforeValidator(_renamed)] = "ce_dice"
    optimizer: Annotated[str, OneOf(OPTIMIZERS)] = "adam"
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
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """What training computes in. Of `bfloat16` weights, normalisation, head, loss, measures and all that is saved and
    served stay float32; `auto` takes it where the processor, or every accelerator, computes in it."""

    @field_validator("cold_every")
    @classmethod
    def _leaves_some_warm(cls, cold_every: int, info: ValidationInfo) -> int:
        if cold_every and not info.data.get("warm_start", True):
            raise ValueError("no run starts warm: set warm_start = true, or remove cold_every")
        if cold_every == 1:
            raise ValueError("expected 0, or 2 and more: with 1 no run would start warm")
        return cold_every


class TrainerSettings(Section):
    """Everything that the training of a model, and its export, depend on."""

    task: Task = Task()
    derivation: Derivation
    model: Model
    training: Training
    augmentation: Augmentation | None
    """The section, where training draws anew in every epoch: a changed section that it does not read must not train
    anew what would come out the same."""
    threshold: float
    """Probability from which a pixel is predicted foreground."""
