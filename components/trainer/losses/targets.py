"""Truth as losses compare it with probabilities."""

from __future__ import annotations

from typing import Any, TypeAlias

from keras import ops

from components.imaging.truth.classes import IGNORE

Tensor: TypeAlias = Any


def targets(truth: Tensor, channels: int, ignores: bool) -> tuple[Tensor, Tensor | None]:
    """What probabilities ought to be, and where they are judged.

    Args:
        truth: float32 class indices `(N, H, W, 1)`.
        channels: of the probabilities: 1, of a single class, or one for each class index.
        ignores: whether truth may have pixels to be ignored.

    Returns:
        float32 `(N, H, W, channels)` of 0 and 1, all 0 where a pixel is ignored; and `(N, H, W)`, 0 there and else 1,
        None where no pixel may be.
    """
    indices = truth[..., 0]
    judged = ops.cast(indices != IGNORE, "float32") if ignores else None
    if channels == 1:
        return truth if judged is None else truth * judged[..., None], judged
    return ops.one_hot(ops.cast(indices, "int32"), channels), judged
