"""From bytes to model input and back to the source's size, in TensorFlow, so that it lives in the exported graph.

The letterbox here follows `components.imaging.geometry.Letterbox`, by which records are made.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable("maskline")
class Standardize(keras.layers.Layer):
    """Mean 0 and standard deviation 1 of each image, `(N, H, W, C)`: 12-bit data in 16-bit files fill the range too."""

    def call(self, images: Any) -> Any:
        mean, variance = ops.moments(images, axes=(1, 2, 3), keepdims=True)
        return (images - mean) / ops.maximum(ops.sqrt(variance), 1e-6)


class Boxed(NamedTuple):
    """An image in its letterbox, and where the source lies in it (top, left, height, width)."""

    image: tf.Tensor
    content: tf.Tensor
    source_size: tf.Tensor


def decode_record_image(png: tf.Tensor, height: int, width: int, channels: int) -> tf.Tensor:
    """A record's PNG as uint16 `(height, width, channels)`; 8-bit values are multiplied by 257 to fill the range."""
    return tf.ensure_shape(tf.io.decode_png(png, channels=channels, dtype=tf.uint16), (height, width, channels))


def decode_any(content: tf.Tensor, channels: int) -> tf.Tensor:
    """float32 `(h, w, channels)` in 0..1 of a PNG (8 or 16 bit) or JPG file of any size."""

    def jpeg() -> tf.Tensor:
        # The accurate transform, as in OpenCV, by which the training images were read.
        pixels = tf.io.decode_jpeg(content, channels=3, dct_method="INTEGER_ACCURATE")
        return tf.cast(pixels, tf.float32) / 255.0

    def png() -> tf.Tensor:
        return tf.cast(tf.io.decode_png(content, channels=3, dtype=tf.uint16), tf.float32) / 65535.0

    rgb = tf.cond(tf.io.is_jpeg(content), jpeg, png)
    if channels == 3:
        return rgb
    return tf.reduce_sum(rgb * [0.299, 0.587, 0.114], axis=-1, keepdims=True)


def letterbox(image: tf.Tensor, height: int, width: int) -> Boxed:
    """Fits float32 `(h, w, C)` into `(height, width, C)` without distortion, centred on black."""
    source_size = tf.shape(image)[:2]
    target = tf.constant([height, width], tf.float64)
    scale = tf.reduce_min(target / tf.cast(source_size, tf.float64))
    fitted = tf.clip_by_value(tf.round(tf.cast(source_size, tf.float64) * scale), 1.0, target)
    size = tf.cast(fitted, tf.int32)
    corner = ([height, width] - size) // 2
    resized = tf.cond(
        size[0] < source_size[0],
        lambda: tf.image.resize(image[None], size, method="area")[0],
        lambda: tf.image.resize(image[None], size, method="bilinear")[0],
    )
    boxed = tf.image.pad_to_bounding_box(resized, corner[0], corner[1], height, width)
    return Boxed(tf.ensure_shape(boxed, (height, width, image.shape[-1])), tf.concat([corner, size], 0), source_size)


def unbox(probability: tf.Tensor, boxed: Boxed) -> tf.Tensor:
    """Probabilities `(height, width, 1)` of a boxed image at the size of its source, `(h, w, 1)`."""
    top, left, height, width = tf.unstack(boxed.content, num=4)
    content = tf.image.crop_to_bounding_box(probability, top, left, height, width)
    return tf.image.resize(content[None], boxed.source_size, method="bilinear")[0]
