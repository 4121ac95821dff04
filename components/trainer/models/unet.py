"""The plain U-Net with kernel, dilation and dropout schedules over its levels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from components.trainer.models.architecture import MOMENTUM, Architecture

if TYPE_CHECKING:
    import keras


class UNet(Architecture):
    """U-Net (Ronneberger et al. 2015, arXiv 1505.04597) with 'same' padding and transposed-convolution upsampling.

    Level i (0 at full resolution) has `base_filters * 2**i` filters, kernel `max(3, base_kernel - 2 i)`,
    dilation `max(1, base_dilation - i)` and dropout rate `dropout * i`; the decoder mirrors the encoder.
    A level is convolution, activation, [batch norm], dropout, convolution, activation, [batch norm].
    """

    levels: Annotated[int, Field(ge=2, le=8)] = 5
    """Resolutions, the bridge included."""
    base_filters: Annotated[int, Field(ge=1)] = 16
    base_kernel: Literal[3, 5, 7, 9] = 3
    base_dilation: Annotated[int, Field(ge=1, le=8)] = 1
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    batch_norm: bool = False
    activation: Literal["relu", "mish"] = "relu"

    @model_validator(mode="after")
    def _dropout_stays_below_one(self) -> Self:
        highest = self.dropout * (self.levels - 1)
        if highest >= 1:
            raise ValueError(f"dropout {self.dropout} x {self.levels - 1} = {highest:g} at the bridge: must be below 1")
        return self

    @property
    def input_multiple(self) -> int:
        return 2 ** (self.levels - 1)

    def build(self, height: int | None, width: int | None, channels: int, foreground: float = 0.5) -> keras.Model:
        import keras

        inputs = keras.Input((height, width, channels), name="image")
        skips = []
        features = inputs
        for level in range(self.levels - 1):
            features = self._level(features, level)
            skips.append(features)
            features = keras.layers.MaxPooling2D(2)(features)
        features = self._level(features, self.levels - 1)
        for level in reversed(range(self.levels - 1)):
            filters = self.base_filters * 2**level
            up = keras.layers.Conv2DTranspose(filters, 2, strides=2)(features)
            features = self._level(keras.layers.Concatenate()([up, skips[level]]), level)
        outputs = keras.layers.Conv2D(
            1,
            1,
            activation="sigmoid",
            bias_initializer=keras.initializers.Constant(math.log(foreground / (1 - foreground))),
            # Under any precision policy: a half-precision sigmoid saturates and its loss is not finite.
            dtype="float32",
            name="probability",
        )(features)
        return keras.Model(inputs, outputs, name="unet")

    def _level(self, features: Any, level: int) -> Any:
        import keras

        features = self._convolution(features, level)
        if self.dropout and level:
            features = keras.layers.Dropout(self.dropout * level)(features)
        return self._convolution(features, level)

    def _convolution(self, features: Any, level: int) -> Any:
        import keras

        features = keras.layers.Conv2D(
            self.base_filters * 2**level,
            max(3, self.base_kernel - 2 * level),
            padding="same",
            dilation_rate=max(1, self.base_dilation - level),
            activation=self.activation,
            kernel_initializer="he_normal",
        )(features)
        return keras.layers.BatchNormalization(momentum=MOMENTUM)(features) if self.batch_norm else features
