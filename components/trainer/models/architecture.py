"""What every architecture declares: its parameters, its input rule and how it is built."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    import keras


MOMENTUM = 0.9
"""Of batch norm's running averages: after 44 steps 1 % of what they began with is left. With Keras's 0.99 it takes 459,
and until then a model is validated, chosen and exported with averages that are not those of its data."""


class Architecture(BaseModel):
    """Parameters of an architecture; unknown names and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @property
    @abstractmethod
    def input_multiple(self) -> int:
        """Height and width of the input must be multiples of this number of pixels."""

    @abstractmethod
    def build(self, height: int | None, width: int | None, channels: int, foreground: float = 0.5) -> keras.Model:
        """A model from float32 `(N, height, width, channels)` to float32 probabilities `(N, height, width, 1)`.

        Without height or width it takes any that is a multiple of `input_multiple`. `foreground`, within 0 and 1, is
        the share of foreground pixels to expect. The bias of the head starts there, so that rare foreground need not
        be learnt first (Lin et al. 2017, arXiv 1708.02002, section 4.1).
        """
