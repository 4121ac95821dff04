"""Normalisation of features: by the batch, or of each image by itself, in groups of its channels."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from components.trainer.batch_norm import BatchNorm
from components.trainer.models.architecture import MOMENTUM, Features, Normalisation

_MOST_GROUPS = 8
_EPSILON = 1e-3
"""That of Keras."""


def normalised(features: Features, normalisation: Normalisation) -> Features:
    """Features `(N, H, W, F)` after a new layer, or as they are for `none`."""
    match normalisation:
        case "none":
            return features
        case "batch":
            return BatchNorm(momentum=MOMENTUM)(features)
        case "group":
            return GroupNorm(groups_of(features.shape[-1]))(features)
        case "instance":
            return GroupNorm(features.shape[-1])(features)


def groups_of(filters: int) -> int:
    """The most groups, 8 or fewer, that divide some filters with two or more in each; 1 where there are none."""
    most = min(_MOST_GROUPS, filters // 2)
    return next((groups for groups in range(most, 1, -1) if filters % groups == 0), 1)


@keras.saving.register_keras_serializable("maskline")
class GroupNorm(keras.layers.Layer):
    """Of each image and group of channels, over height and width: less its mean, over its standard deviation.

    Then each channel has a scale and an offset, which are learnt (Wu and He 2018, arXiv 1803.08494); with one channel
    in each group this is instance norm (Ulyanov et al. 2016, arXiv 1607.08022). What it does is the same in training
    and in inference, and does not depend on what else a batch holds. An image of one pixel has no deviation: the
    offsets alone are left of it.

    As `keras.layers.GroupNormalization`, which brings all values into the form of groups and takes longer for it, see
    `benchmarks/README.md`. Here channels are averaged first, and the few averages grouped.
    """

    def __init__(self, groups: int, **kwargs: Any) -> None:
        """`groups` divides the number of channels."""
        super().__init__(**kwargs)
        self.groups = groups

    def build(self, shape: tuple[int | None, ...]) -> None:
        channels = shape[-1]
        if not channels or channels % self.groups:
            raise ValueError(f"{self.groups} groups do not divide {channels} channels")
        # In any policy of precision as float32, in which all of it is done.
        self.gamma = self.add_weight(shape=(channels,), initializer="ones", name="gamma", autocast=False)
        self.beta = self.add_weight(shape=(channels,), initializer="zeros", name="beta", autocast=False)

    def call(self, features: Features) -> Features:
        """`(N, H, W, F)` to the same, of the layer's compute type; moments are float32."""
        values = ops.cast(features, "float32")
        mean = self._grouped(ops.mean(values, (1, 2)))
        variance = self._grouped(ops.mean(ops.square(values - mean[:, None, None]), (1, 2)))
        scale = ops.rsqrt(variance + _EPSILON) * self.gamma
        offset = self.beta - mean * scale
        return ops.cast(values * scale[:, None, None] + offset[:, None, None], self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups}

    def _grouped(self, averages: Any) -> Any:
        """Each channel's average `(N, F)` replaced by that of its group."""
        channels = averages.shape[-1]
        if self.groups == channels:
            return averages
        groups = ops.reshape(averages, (-1, self.groups, channels // self.groups))
        return ops.repeat(ops.mean(groups, axis=-1), channels // self.groups, axis=-1)
