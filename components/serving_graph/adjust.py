"""Changes of an image's values in TensorFlow, so that they live in the exported graph.

They follow `components.imaging.adjust`, by which records are made, stage by stage on the same whole numbers: a
difference of one grey level before CLAHE would be many after it.
"""

from __future__ import annotations

import tensorflow as tf

from components.imaging.adjust import Adjust, tone_curve
from components.serving_graph.clahe import clahe

_LUMA = (9798, 19235, 3735)
"""0.299, 0.587 and 0.114 (ITU-R BT.601) of 2 ** 15, as in OpenCV."""


def adjust(image: tf.Tensor, settings: Adjust, deep: tf.Tensor) -> tf.Tensor:
    """The image after gamma, inversion, contrast and brightness, and CLAHE, in this order.

    Args:
        image: float32 `(h, w, C)` in 0..1, gray or RGB, as decoded: before it is resized.
        settings: the `[data.adjust]` section of the config.
        deep: scalar bool, whether the source has 16 bit: see `is_deep`. Values are rounded to those of 8 or 16 bit.

    Returns:
        float32 `(h, w, C)` in 0..1; the input itself where nothing is to be done.
    """
    if tone_curve(settings.tones, 255) is None and settings.clahe_clip is None:
        return image
    return tf.cond(deep, lambda: _adjusted(image, settings, 65535), lambda: _adjusted(image, settings, 255))


def is_deep(content: tf.Tensor) -> tf.Tensor:
    """Whether the bytes of a file are a PNG of 16 bit, scalar bool: the bit depth is the 25th byte of a PNG."""
    start = tf.strings.substr(content, 0, 25) + 25 * b"\0"
    return (tf.strings.substr(start, 0, 4) == b"\x89PNG") & (tf.strings.substr(start, 24, 1) == b"\x10")


def _adjusted(image: tf.Tensor, settings: Adjust, top: int) -> tf.Tensor:
    levels = tf.cast(tf.clip_by_value(tf.round(image * top), 0, top), tf.int32)
    curve = tone_curve(settings.tones, top)
    if curve is not None:
        levels = tf.gather(tf.constant(curve, tf.int32), levels)
    if settings.clahe_clip is not None:
        luma = _luma(levels)
        equalized = clahe(luma, settings.clahe_clip, settings.clahe_grid, bins=top + 1)
        levels = tf.clip_by_value(levels + (equalized - luma)[..., None], 0, top)
    return tf.cast(levels, tf.float32) / top


def _luma(levels: tf.Tensor) -> tf.Tensor:
    """int32 `(h, w)` of int32 `(h, w, C)`."""
    if levels.shape[-1] == 1:
        return levels[..., 0]
    return (tf.reduce_sum(levels * _LUMA, axis=-1) + 2**14) // 2**15
