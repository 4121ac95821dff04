"""The keys of `[training]` that say how long, by which steps and at which rate weights are sought. Imports no Keras."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from components.settings import OneOf, Positive, Section, made_complete
from components.trainer.budget import Budget
from components.trainer.optimizers.registry import OPTIMIZERS
from components.trainer.schedules import CURVES, PLATEAU, SCHEDULES

_RATE_THAT_FALLS = 3e-3


class Optimization(Section):
    """Either `epochs` or `budget` is set."""

    epochs: Positive | None = None
    """Passes over the training data."""
    budget: Budget | None = None
    """`"20 min"`, `"45 s"` or `"2 h"` of training and its validation, or `"500 steps"`; start-up and export come on
    top. As many epochs as fit, the last one cut short. Validated is at the end, and before after epochs, with at most a
    tenth of the time, or 19 times. Each fold has it for itself."""
    schedule: Annotated[str, OneOf(SCHEDULES)] = PLATEAU
    """Of the learning rate. `plateau`, the default with epochs, lowers it where the validation loss no longer falls;
    `cosine`, the default with a budget, and `polynomial` (exponent 0.9) end at 0 with the training, however long a step
    takes; `constant` leaves it."""
    warm_up: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Over this share of the training the rate rises evenly from 0 to `learning_rate`."""
    optimizer: Annotated[str, OneOf(OPTIMIZERS)] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    """The highest of the schedule. The default of `cosine` and `polynomial`, which have half of it in the mean or less,
    is 3e-3: with it `cosine` was better than `constant` with 1e-3 after 100 and 500 steps, and no worse after 2,000."""
    momentum: Annotated[float, Field(gt=0, lt=1)] = 0.99
    """Of `sgd`, after Nesterov."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)] | None = None
    """None: that of the optimizer, 0.01 of `adamw`, 3e-5 of `sgd`."""
    clip_value: Annotated[float, Field(gt=0)] | None = None
    """Each number of a gradient is cut to -`clip_value`..`clip_value`."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """All gradients together are scaled to this norm where theirs is greater."""
    accumulate: Positive = 1
    """Batches of which the mean gradient makes one update. Batch norm goes on with the moments of each batch."""
    early_stopping_patience: Positive | None = 10
    """Validations of the weights (not of their average) without a lower loss after which training ends. 10 with
    `plateau`; the other schedules, which must come to their end, have none unless it is set."""
    reduce_lr_patience: Positive = 4
    """Of `plateau`, in epochs."""
    reduce_lr_factor: Annotated[float, Field(gt=0, lt=1)] = 0.3
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Momentum of an average of the weights over updates, such as 0.99, smaller at first; it is validated beside them.
    0: none."""
    keep: Literal["best", "last"] = "best"
    """Which weights are exported: those with the lowest validation loss, or those of the last validation. Of weights
    and their average it is what has the lower one."""

    @model_validator(mode="wrap")
    @classmethod
    def _complete(cls, table: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return made_complete(table, _by_budget_and_schedule, handler)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for fault in self._faults():
            raise ValueError(fault)
        return self

    def _faults(self) -> Iterator[str]:
        if self.epochs is None and self.budget is None:
            yield 'neither epochs nor budget: set one, such as epochs = 40 or budget = "20 min"'
        if self.epochs is not None and self.budget is not None:
            yield f'epochs = {self.epochs} and budget = "{self.budget}" exclude each other: remove one of the two'
        if self.budget is not None and self.schedule == PLATEAU:
            yield (
                f'budget = "{self.budget}" and schedule = "{PLATEAU}" exclude each other: that goes by validation, and '
                f"does not end with the budget. Take {_either(CURVES)}"
            )
        if self.clip_value is not None and self.clip_norm is not None:
            yield "clip_value and clip_norm exclude each other: remove one of the two"
        for key, (choice, names) in _ONLY.items():
            value, default = getattr(self, key), type(self).model_fields[key].default
            if value != default and getattr(self, choice) not in names:
                yield f"{key} = {value:g} is for {choice} = {_either(names)} alone: remove it, or choose that"


def _by_budget_and_schedule(table: dict[str, Any]) -> dict[str, Any]:
    """With defaults that others decide."""
    if table.get("budget") is not None:
        table = {"schedule": "cosine", **table}
    schedule = table.get("schedule", PLATEAU)
    if isinstance(schedule, str) and schedule in CURVES and CURVES[schedule](1.0) == 0:
        table = {"learning_rate": _RATE_THAT_FALLS, **table}
    return {"early_stopping_patience": None, **table} if schedule != PLATEAU else table


_ONLY: dict[str, tuple[str, tuple[str, ...]]] = {
    "warm_up": ("schedule", tuple(CURVES)),
    "reduce_lr_patience": ("schedule", (PLATEAU,)),
    "reduce_lr_factor": ("schedule", (PLATEAU,)),
    "momentum": ("optimizer", ("sgd",)),
    "weight_decay": ("optimizer", ("adamw", "sgd")),
}
"""Keys that one choice of another key reads, and no other."""


def _either(names: Any) -> str:
    return " or ".join(f'"{name}"' for name in names)
