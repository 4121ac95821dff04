"""From bytes to model input and back to the source's size, in TensorFlow, so that it lives in the exported graph.

Sizes and positions follow `components.imaging.geometry`, by which records are made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import keras
import tensorflow as tf
from keras import ops

from components.imaging.geometry.tiles import tile_axis
from components.records.settings import Derivation


class Predict(Protocol):
    """Windows `(N, H, W, C)`, of tiles with the moments `(N, 2)` of their images, to probabilities `(N, H, W, K)`."""

    def __call__(self, images: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor: ...


MOMENTS = {name: tf.io.FixedLenFeature([], tf.float32) for name in ("source/mean", "source/std")}
"""The features of a tile's record by which it is standardised, in the order of `moments`."""

_BATCH_PIXELS = 2**20
"""Of the windows that the model sees at once, so that large images need little more memory than small ones."""


@keras.saving.register_keras_serializable("maskline")
class Standardize(keras.layers.Layer):
    """Mean 0 and standard deviation 1 of each image, `(N, H, W, C)`: 12-bit data in 16-bit files fill the range too."""

    def call(self, images: Any, moments: Any = None) -> Any:
        """By `moments`, `(N, 2)` as of the function of that name, or by the images' own."""
        if moments is None:
            mean, variance = ops.moments(images, axes=(1, 2, 3), keepdims=True)
            deviation = ops.sqrt(variance)
        else:
            mean, deviation = (moments[:, index, None, None, None] for index in (0, 1))
        return (images - mean) / ops.maximum(deviation, 1e-6)


def moments(images: tf.Tensor) -> tf.Tensor:
    """Mean and standard deviation of each image, `(N, H, W, C)`, over all its pixels and channels; `(N, 2)`."""
    mean, variance = tf.nn.moments(images, (1, 2, 3))
    return tf.stack([mean, tf.sqrt(variance)], axis=1)


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


class Grid(NamedTuple):
    """The windows of a scaled image that the model sees: one, or tiles in rows and columns."""

    size: tf.Tensor
    """Height and width that the image is scaled to."""
    rows: tf.Tensor
    """First rows of the windows in the scaled image, negative where black lies above it."""
    columns: tf.Tensor


def grid_of(source_size: tf.Tensor, height: int, width: int, derivation: Derivation) -> Grid:
    """The windows `(height, width)` of an image of `source_size` (height, width), by `fit` and `tiles` of `[data]`."""
    tiles = derivation.tiles
    if tiles:
        tall, rows = tile_axis(source_size[0], height, tiles.overlap, tiles.edge, ops)
        wide, columns = tile_axis(source_size[1], width, tiles.overlap, tiles.edge, ops)
        return Grid(tf.stack([tall, wide]), rows, columns)
    size = _fitted(derivation.fit, source_size, height, width)
    corner = -(([height, width] - size) // 2)
    return Grid(size, corner[:1], corner[1:])


def predict_image(
    predict: Predict, image: tf.Tensor, height: int, width: int, classes: int, derivation: Derivation
) -> tf.Tensor:
    """Probabilities `(h, w, classes)` of a float32 image `(h, w, C)` of any size, derived as the records were.

    `predict` takes float32 windows `(N, height, width, C)` to probabilities `(N, height, width, classes)`; of tiles it
    gets the moments `(N, 2)` of the whole image too. Where windows overlap, their mean is the answer; where none looks,
    outside of a crop, it is background.
    """
    source_size = tf.shape(image)[:2]
    grid = grid_of(source_size, height, width, derivation)
    scaled = tf.ensure_shape(_scaled(image, grid.size), (None, None, image.shape[-1]))
    whole = moments(scaled[None]) if derivation.tiles else None

    def window(images: tf.Tensor) -> tf.Tensor:
        return predict(images, None if whole is None else tf.repeat(whole, tf.shape(images)[0], axis=0))

    return _resized(_stitched(window, scaled, grid, height, width, classes), source_size, "bilinear")


def scale_of(source_size: tf.Tensor, height: int, width: int, derivation: Derivation) -> tf.Tensor:
    """How many pixels of an image of `source_size` (height, width) cover the area of one as the model sees it."""
    size = grid_of(source_size, height, width, derivation).size
    source, seen = (tf.cast(tf.reduce_prod(each), tf.float64) for each in (source_size, size))
    return source / seen


def _fitted(fit: str, source_size: tf.Tensor, height: int, width: int) -> tf.Tensor:
    if fit == "crop":
        return source_size
    target = tf.constant([height, width])
    if fit == "stretch":
        return target
    source, limits = tf.cast(source_size, tf.float64), tf.cast(target, tf.float64)
    fitted = tf.round(source * tf.reduce_min(limits / source))
    return tf.cast(tf.clip_by_value(fitted, 1.0, limits), tf.int32)


def _scaled(image: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
    """Area average along axes that shrink, then linear along those that grow."""
    return _resized(_resized(image, tf.minimum(size, tf.shape(image)[:2]), "area"), size, "bilinear")


def _resized(image: tf.Tensor, size: tf.Tensor, method: str) -> tf.Tensor:
    return tf.cond(
        tf.reduce_all(size == tf.shape(image)[:2]),
        lambda: image,
        lambda: tf.image.resize(image[None], size, method=method)[0],
    )


def _stitched(
    predict: Callable[[tf.Tensor], tf.Tensor], scaled: tf.Tensor, grid: Grid, height: int, width: int, classes: int
) -> tf.Tensor:
    """The mean answer of the windows at each pixel of the scaled image, `(h, w, classes)`."""
    # Windows may reach beyond the image: the canvas holds all of both.
    first = tf.stack([grid.rows[0], grid.columns[0]])
    end = tf.stack([grid.rows[-1] + height, grid.columns[-1] + width])
    before, after = tf.maximum(0, -first), tf.maximum(0, end - grid.size)
    canvas = tf.pad(scaled, tf.pad(tf.stack([before, after], axis=1), [[0, 1], [0, 0]]))
    canvas_size = tf.shape(canvas)[:2]
    rows, columns = grid.rows + before[0], grid.columns + before[1]
    corners = tf.reshape(rows[:, None] * canvas_size[1] + columns, [-1])
    offsets = tf.range(height)[:, None] * canvas_size[1] + tf.range(width)
    pixels = tf.reshape(canvas, [-1, scaled.shape[-1]])
    batch = max(1, _BATCH_PIXELS // (height * width))

    def add(total: tf.Tensor, begin: tf.Tensor) -> tf.Tensor:
        places = corners[begin : begin + batch, None, None] + offsets
        return tf.tensor_scatter_nd_add(total, places[..., None], predict(tf.gather(pixels, places)))

    nothing = tf.zeros([tf.reduce_prod(canvas_size), classes])
    total = tf.foldl(add, tf.range(0, tf.size(corners), batch), nothing, parallel_iterations=1)
    looks = (_cover(rows, height, canvas_size[0])[:, None] * _cover(columns, width, canvas_size[1]))[..., None]
    mean = tf.math.divide_no_nan(tf.reshape(total, [*tf.unstack(canvas_size), classes]), looks)
    if classes > 1:
        mean = tf.where(looks > 0, mean, tf.one_hot(0, classes))
    return tf.image.crop_to_bounding_box(mean, before[0], before[1], grid.size[0], grid.size[1])


def _cover(starts: tf.Tensor, length: int, size: tf.Tensor) -> tf.Tensor:
    """How many of the windows along one axis cover each position, float32 `(size,)`."""
    places = starts[:, None] + tf.range(length)
    return tf.math.bincount(tf.reshape(places, [-1]), minlength=size, dtype=tf.float32)
