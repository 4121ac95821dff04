"""What every architecture declares: its parameters and its input rule; how it is built says its `network.py`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, model_validator

Features: TypeAlias = Any
"""A tensor of Keras, `(N, H, W, F)`."""

Normalisation: TypeAlias = Literal["none", "batch", "group", "instance"]
"""Of features: see `components.trainer.norms`."""

MOMENTUM = 0.9
"""Of batch norm's running averages: after 44 steps 1 % of what they began with is left. With Keras's 0.99 it takes 459,
and until then a model is validated, chosen and exported with averages that are not those of its data."""

LANES = 16
"""Channels that a processor's kernels take at once: of 8 those of bfloat16 take twice as long as those of float32."""


class Architecture(BaseModel):
    """Parameters of an architecture; unknown names and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def renamed(cls, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters, which a config or a model of before may have by older names, by those of today."""
        return dict(parameters)

    @model_validator(mode="before")
    @classmethod
    def _by_names_of_today(cls, parameters: Any) -> Any:
        return cls.renamed(parameters) if isinstance(parameters, Mapping) else parameters

    @property
    @abstractmethod
    def input_multiple(self) -> int:
        """Height and width of the input must be multiples of this number of pixels."""

    @property
    def modules(self) -> tuple[str, ...]:
        """Those that its parameters choose from a registry, by which the code that trains it has another version."""
        return ()

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of those that training reads."""
        return ()

    @property
    def gains_by_bfloat16(self) -> bool:
        """Whether a processor that computes in bfloat16 trains it faster by that: see `benchmarks/training.py`."""
        return True

    @property
    def side_outputs(self) -> int:
        """How many coarser features its body returns beside those at the images' size; the coarsest has no head in deep
        supervision, which needs two."""
        return 0
