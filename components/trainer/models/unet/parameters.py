"""Parameters of the plain U-Net: kernel, dilation and dropout schedules over its levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from components.trainer.models.architecture import LANES, Architecture, Normalisation


class UNet(Architecture):
    """U-Net (Ronneberger et al. 2015, arXiv 1505.04597) with 'same' padding and transposed-convolution upsampling.

    Level i (0 at full resolution) has `base_filters * 2**i` filters, kernel `max(3, base_kernel - 2 i)`,
    dilation `max(1, base_dilation - i)` and dropout rate `dropout * i`; the decoder mirrors the encoder.
    A level is convolution, activation, [norm], dropout, convolution, activation, [norm].
    """

    levels: Annotated[int, Field(ge=2, le=8)] = 5
    """Resolutions, the bridge included."""
    base_filters: Annotated[int, Field(ge=1)] = 16
    base_kernel: Literal[3, 5, 7, 9] = 3
    base_dilation: Annotated[int, Field(ge=1, le=8)] = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    normalisation: Normalisation = "batch"
    """`batch`: by the moments of a batch, in inference by running averages of them. `group`, `instance`: of each image
    by itself, in groups of channels or each channel alone: as well in small batches, and in inference as in training.
    Batch norm is as good as group norm from batches of 4 on, and takes less time; of 2, group norm is better."""
    activation: Literal["relu", "mish"] = "relu"

    @classmethod
    def renamed(cls, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """`batch_norm`, true or false, is what `normalisation` was called before there were others."""
        old, others = parameters.get("batch_norm"), {**parameters}
        if isinstance(old, bool) and "normalisation" not in parameters:
            del others["batch_norm"]
            others["normalisation"] = "batch" if old else "none"
        return others

    @model_validator(mode="after")
    def _dropout_stays_below_one(self) -> Self:
        highest = self.dropout * (self.levels - 1)
        if highest >= 1:
            raise ValueError(f"dropout {self.dropout} x {self.levels - 1} = {highest:g} at the bridge: must be below 1")
        return self

    @property
    def input_multiple(self) -> int:
        return 2 ** (self.levels - 1)

    @property
    def gains_by_bfloat16(self) -> bool:
        return self.base_filters % LANES == 0

    @property
    def side_outputs(self) -> int:
        return self.levels - 2
