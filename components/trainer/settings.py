"""What the trainer reads of a config. Imports no Keras: configs are checked without it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from components.errors import UsageError
from components.imaging.augmentation.settings import Augmentation
from components.records.settings import Derivation
from components.settings import OneOf, Positive, Probability, Section
from components.task import Task
from components.trainer.losses.registry import LOSSES
from components.trainer.models.architecture import Architecture
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.optimization import Optimization
from components.trainer.sampling import Balance, Sampling, certain

AUTO = "auto"


class Model(Section):
    architecture: Annotated[str, OneOf([*ARCHITECTURES, AUTO])] = "unet"
    """`auto`: chosen from the data as a run begins, with its parameters and what `[training]`, `[augmentation]` and
    `[folds]` do not say; `maskline plan` shows it, and why."""
    parameters: dict[str, Any] = Field(default={}, validate_default=True)
    """The architecture's own parameters; `maskline models` lists them."""

    @field_validator("parameters")
    @classmethod
    def _complete(cls, parameters: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        if info.data.get("architecture") == AUTO and parameters:
            raise ValueError('architecture = "auto" chooses them: remove parameters, or name an architecture')
        architecture = ARCHITECTURES.get(info.data.get("architecture", ""))
        return architecture(**parameters).model_dump() if architecture else parameters

    @property
    def planned(self) -> bool:
        """Whether it is named; else a plan must be made first."""
        return self.architecture != AUTO

    def refuse_unplanned(self) -> None:
        """Raises UsageError: a plan must be made first."""
        if not self.planned:
            raise UsageError(
                '[model] architecture = "auto" is chosen where the data are. Write down what it comes to, and take '
                "that: maskline plan RECIPE --data DIR --write"
            )

    @property
    def built(self) -> Architecture:
        """The parameters with their type."""
        return ARCHITECTURES[self.architecture](**self.parameters)


class Patch(Section):
    """Training on windows of the records, placed anew in each epoch; validation and prediction see records whole. With
    `[data] tiles` the records, and so the windows, are at the source's own scale."""

    height: Positive
    width: Positive
    per_record: Annotated[int, Field(ge=1, le=4096)] = 1
    """Windows of each record in each epoch, so many times as many steps: of few large records more than one step's."""
    foreground_share: Probability = 0.5
    """At least this share of the windows of records with foreground holds some: they are drawn around a pixel of it, of
    each class of the record as often.
    The others lie anywhere, and may hold some by chance. Windows of records without foreground lie anywhere.
    `oversample_foreground` of `[training]`, where it is not 0, decides in its place."""


def _renamed(loss: Any) -> Any:
    """A config of before, when there was one class, still names its loss."""
    return "ce_dice" if loss == "bce_dice" else loss


class Training(Optimization):
    batch_size: Positive = 8
    loss: Annotated[str, OneOf(LOSSES), BeforeValidator(_renamed)] = "ce_dice"
    patch: Patch | None = None
    """None: whole records."""
    oversample_foreground: Probability = 0.0
    """This share of each batch, rounded as nnU-Net does, is drawn from records with foreground, each window of these
    around a pixel of it, of each class of the record as often. The rest is drawn from all records, their windows
    anywhere. An epoch keeps its steps: some records come several times, some not at all, in each epoch others. 0: each
    record once, and windows by `foreground_share`. 0.33, nnU-Net's, is 3 samples of a batch of 8."""
    balance: Balance = "none"
    """Draw records so that an epoch has as many of each of these: `classes`, those of each class, and those without
    foreground; `labels`, those of each label, and those without. An epoch keeps its steps; a record of two classes
    stands for either."""
    deep_supervision: bool = False
    """Judge in training coarser outputs of the network as well, each by half the weight of the next finer one, the
    coarsest not at all. What is validated, exported and served is the same network."""
    warm_start: bool = False
    """Start from the weights of the champion where its architecture, parameters and input size are the same. The model
    goes on learning, also from the same data, so each run trains."""
    cold_every: Annotated[int, Field(ge=0)] = 0
    """With `warm_start`: every so manieth version starts from drawn weights, so that what a chain of models has once
    learnt wrongly is not handed down for ever; 0: none. Counted are versions that were pushed, not runs: after a cold
    candidate that was refused, the next run starts cold again."""
    seed: int = 0
    deterministic: bool = False
    """Only operations that give the same result each time: two trainings on one machine have the same weights, bit by
    bit. Processors, with as many threads, give them without it as well; GPUs need it. TensorFlow then changes records
    one after another, which online augmentation may wait for."""
    collapse_epochs: Positive = 10
    """After so many epochs in a row (or as `early_stopping_patience` says, where that is less) in which the model has
    said the same of every pixel of the validation images that have foreground, and the validation loss has stayed, the
    training has collapsed: it is named, and goes on."""
    retry_collapsed: bool = False
    """A training that collapses is ended there and started once again, with `seed` + 1000; what then has not collapsed,
    else what has the lower validation loss, is kept. The second one is not ended."""
    distribute: Literal["auto", "none"] = "auto"
    """`auto`: all accelerators of the machine share each batch, where there are several; `none`: the first alone."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """What training computes in. Of `bfloat16` weights, normalisation, head, loss, measures and all that is saved and
    served stay float32; `auto` takes it where the processor, or every accelerator, computes in it, on a processor for
    networks alone that are faster by it: the widths of the plain U-Net must be multiples of 16, and EfficientNets are
    not."""

    @field_validator("cold_every")
    @classmethod
    def _leaves_some_warm(cls, cold_every: int, info: ValidationInfo) -> int:
        if cold_every and not info.data.get("warm_start", True):
            raise ValueError("no run starts warm: set warm_start = true, or remove cold_every")
        if cold_every == 1:
            raise ValueError("expected 0, or 2 and more: with 1 no run would start warm")
        return cold_every

    @model_validator(mode="after")
    def _draws_what_it_says(self) -> Training:
        share = self.oversample_foreground
        if share and not certain(self.batch_size, share):
            raise ValueError(
                f"oversample_foreground = {share:g} of batch_size = {self.batch_size} rounds to no sample: raise one"
            )
        if share and self.patch and self.patch.foreground_share != Patch.model_fields["foreground_share"].default:
            raise ValueError(
                f"patch.foreground_share = {self.patch.foreground_share:g} is read where oversample_foreground is 0, "
                f"not {share:g}: remove one"
            )
        return self

    @property
    def windows(self) -> Patch | None:
        """`patch`, as windows are drawn that `oversample_foreground` has not drawn around foreground."""
        share = {"foreground_share": 0.0} if self.oversample_foreground else {}
        return self.patch and self.patch.model_copy(update=share)

    def sampling(self, task: Task) -> Sampling | None:
        """What an epoch draws; None: each record once."""
        drawn = Sampling(self.oversample_foreground, self.balance, self.patch.per_record if self.patch else 1, task)
        return None if drawn == Sampling(task=task) else drawn


class TrainerSettings(Section):
    """Everything that the training of a model depends on."""

    task: Task = Task()
    derivation: Derivation
    model: Model
    training: Training
    augmentation: Augmentation | None
    """The section, where training draws anew in every epoch: a changed section that it does not read must not train
    anew what would come out the same."""
