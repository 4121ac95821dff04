"""Changes of an image's values in TensorFlow, so that they live in the exported graph.

They follow `components.imaging.adjust`, by which records are made, stage by stage on the same whole numbers: a
difference of one grey level before CLAHE would be many after it.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from components.imaging.adjust import COLOUR_SPACES, Adjust, tone_curve
from components.serving_graph.clahe import clahe

_LUMA = (9798, 19235, 3735)
"""0.299, 0.587 and 0.114 (ITU-R BT.601) of 2 ** 15, as in OpenCV."""
_XYZ = ((0.412453, 0.212671, 0.019334), (0.357580, 0.715160, 0.119193), (0.180423, 0.072169, 0.950227))
"""Linear red, green and blue (rows) in X, Y and Z (ITU-R BT.709 primaries, D65)."""
_WHITE = (0.950456, 1.0, 1.088754)
_WHITE_UV = (0.19793943, 0.46831096)


def adjust(image: tf.Tensor, settings: Adjust, deep: tf.Tensor) -> tf.Tensor:
    """The image after gamma, inversion, contrast and brightness, CLAHE and colour space, in this order.

    Args:
        image: float32 `(h, w, C)` in 0..1, gray or RGB, as decoded: before it is resized.
        settings: the `[data.adjust]` section of the config.
        deep: scalar bool, whether the source has 16 bit: see `is_deep`. Values are rounded to those of 8 or 16 bit.

    Returns:
        float32 `(h, w, C)` in 0..1; the input itself where nothing is to be done.
    """
    colour_space = settings.colour_space if image.shape[-1] == 3 else "rgb"
    if tone_curve(settings.tones, 255) is None and settings.clahe_clip is None and colour_space == "rgb":
        return image
    return tf.cond(
        deep,
        lambda: _adjusted(image, settings, colour_space, 65535),
        lambda: _adjusted(image, settings, colour_space, 255),
    )


def is_deep(content: tf.Tensor) -> tf.Tensor:
    """Whether the bytes of a file are a PNG of 16 bit, scalar bool: the bit depth is the 25th byte of a PNG."""
    start = tf.strings.substr(content, 0, 25) + 25 * b"\0"
    return (tf.strings.substr(start, 0, 4) == b"\x89PNG") & (tf.strings.substr(start, 24, 1) == b"\x10")


def _adjusted(image: tf.Tensor, settings: Adjust, colour_space: str, top: int) -> tf.Tensor:
    levels = tf.cast(_rounded(image, top), tf.int32)
    curve = tone_curve(settings.tones, top)
    if curve is not None:
        levels = tf.gather(tf.constant(curve, tf.int32), levels)
    if settings.clahe_clip is not None:
        luma = _luma(levels)
        equalized = clahe(luma, settings.clahe_clip, settings.clahe_grid, bins=top + 1)
        levels = tf.clip_by_value(levels + (equalized - luma)[..., None], 0, top)
    values = tf.cast(levels, tf.float32) / top
    if colour_space != "rgb":
        _, least, span = COLOUR_SPACES[colour_space]
        values = _rounded((_CONVERSIONS[colour_space](values) - least) / span, top) / top
    return values


def _rounded(values: tf.Tensor, top: int) -> tf.Tensor:
    return tf.clip_by_value(tf.round(values * top), 0, top)


def _luma(levels: tf.Tensor) -> tf.Tensor:
    """int32 `(h, w)` of int32 `(h, w, C)`."""
    if levels.shape[-1] == 1:
        return levels[..., 0]
    return (tf.reduce_sum(levels * _LUMA, axis=-1) + 2**14) // 2**15


def _hsv(rgb: tf.Tensor) -> tf.Tensor:
    return tf.image.rgb_to_hsv(rgb) * (360.0, 1.0, 1.0)


def _ycrcb(rgb: tf.Tensor) -> tf.Tensor:
    luma = tf.reduce_sum(rgb * (0.299, 0.587, 0.114), axis=-1)
    return tf.stack([luma, (rgb[..., 0] - luma) * 0.713 + 0.5, (rgb[..., 2] - luma) * 0.564 + 0.5], axis=-1)


def _xyz(rgb: tf.Tensor) -> tf.Tensor:
    """CIE 1931 X, Y, Z of sRGB (IEC 61966-2-1)."""
    linear = tf.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return tf.tensordot(linear, tf.constant(_XYZ), 1)


def _cube_root(ratio: tf.Tensor) -> tf.Tensor:
    """The cube root of CIE 1976 L*a*b*, linear near 0."""
    return tf.where(ratio > 0.008856, tf.maximum(ratio, 0.008856) ** (1 / 3), 7.787 * ratio + 16 / 116)


def _lab(rgb: tf.Tensor) -> tf.Tensor:
    x, y, z = tf.unstack(_cube_root(_xyz(rgb) / _WHITE), axis=-1)
    return tf.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _luv(rgb: tf.Tensor) -> tf.Tensor:
    x, y, z = tf.unstack(_xyz(rgb), axis=-1)
    lightness = 116 * _cube_root(y) - 16
    total = tf.maximum(x + 15 * y + 3 * z, 1e-7)
    u, v = 4 * x / total - _WHITE_UV[0], 9 * y / total - _WHITE_UV[1]
    return tf.stack([lightness, 13 * lightness * u, 13 * lightness * v], axis=-1)


_CONVERSIONS: dict[str, Callable[[tf.Tensor], tf.Tensor]] = {"hsv": _hsv, "lab": _lab, "luv": _luv, "ycrcb": _ycrcb}
