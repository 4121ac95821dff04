"""Contrast-limited adaptive histogram equalisation in TensorFlow, level for level that of OpenCV."""

from __future__ import annotations

import tensorflow as tf


def clahe(levels: tf.Tensor, clip: float, grid: int, bins: int) -> tf.Tensor:
    """CLAHE (Zuiderveld 1994) over `grid` x `grid` tiles, as OpenCV's `createCLAHE(min(clip, bins), (grid, grid))`.

    Args:
        levels: int32 `(h, w)` in 0..`bins` - 1, any size.
        clip: clip limit, in multiples of the pixels per bin of a flat histogram.
        grid: tiles in each direction.
        bins: 256 or 65536.

    Returns:
        int32 `(h, w)` in 0..`bins` - 1.
    """
    size = tf.shape(levels)
    # OpenCV adds a whole row or column of tiles' pixels to the side that does fit, when only the other does not.
    fits = tf.reduce_all(size % grid == 0)
    padding = tf.where(fits, [0, 0], grid - size % grid)
    tile = (size + padding) // grid
    padded = _reflected(_reflected(levels, padding[0], axis=0), padding[1], axis=1)
    rows = tf.transpose(tf.reshape(padded, [grid, tile[0], grid, tile[1]]), [0, 2, 1, 3])
    tables = tf.map_fn(
        # One row of tiles at a time: 64 x 64 histograms of 65536 bins at once would take gigabytes.
        lambda row: _tables(tf.reshape(row, [grid, -1]), clip, bins),
        rows,
        fn_output_signature=tf.TensorSpec([grid, bins], tf.float32),
    )
    return _interpolated(levels, tf.reshape(tables, [-1]), tile, grid, bins)


def _reflected(levels: tf.Tensor, padding: tf.Tensor, axis: int) -> tf.Tensor:
    """Continues the end of an axis by reflection, the last value not doubled; as often as is needed."""
    size = tf.shape(levels)[axis]
    period = tf.maximum(2 * size - 2, 1)
    index = tf.range(size + padding) % period
    return tf.gather(levels, tf.minimum(index, period - index), axis=axis)


def _tables(tiles: tf.Tensor, clip: float, bins: int) -> tf.Tensor:
    """The new level of each level, float32 `(n, bins)`, by the histograms of tiles `(n, pixels)`."""
    count, pixels = tiles.shape[0], tf.shape(tiles)[1]
    limit = tf.maximum(tf.cast(min(clip, bins) * tf.cast(pixels, tf.float64) / bins, tf.int32), 1)
    keys = tiles + bins * tf.range(count)[:, None]
    counts = tf.reshape(tf.math.bincount(tf.reshape(keys, [-1]), minlength=count * bins), [count, bins])
    clipped = tf.minimum(counts, limit)
    excess = tf.reduce_sum(counts - clipped, axis=1, keepdims=True)
    # What is cut off is spread evenly; of the remainder, every so many bins get one more, from the lowest on.
    remainder = excess % bins
    step = tf.maximum(bins // tf.maximum(remainder, 1), 1)
    levels = tf.range(bins)[None]
    extra = tf.cast((levels % step == 0) & (levels // step < remainder), tf.int32)
    cumulative = tf.cumsum(clipped + excess // bins + extra, axis=1)
    scale = tf.constant(bins - 1, tf.float32) / tf.cast(pixels, tf.float32)
    return tf.minimum(tf.round(tf.cast(cumulative, tf.float32) * scale), bins - 1)


def _interpolated(levels: tf.Tensor, tables: tf.Tensor, tile: tf.Tensor, grid: int, bins: int) -> tf.Tensor:
    """Each level by the tables of the four tiles whose centres surround it, weighted bilinearly."""
    size = tf.shape(levels)
    (top, bottom, down), (left, right, along) = (_neighbours(size[axis], tile[axis], grid) for axis in (0, 1))
    down, along = down[:, None], along[None]

    def table(row: tf.Tensor, column: tf.Tensor) -> tf.Tensor:
        return tf.gather(tables, (row[:, None] * grid + column[None]) * bins + levels)

    upper = table(top, left) * (1 - along) + table(top, right) * along
    lower = table(bottom, left) * (1 - along) + table(bottom, right) * along
    return tf.cast(tf.round(upper * (1 - down) + lower * down), tf.int32)


def _neighbours(size: tf.Tensor, tile: tf.Tensor, grid: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """For each pixel of an axis the tile before it, the tile after it, and the weight of the latter."""
    position = tf.cast(tf.range(size), tf.float32) * (1 / tf.cast(tile, tf.float32)) - 0.5
    before = tf.floor(position)
    first = tf.cast(before, tf.int32)
    return tf.maximum(first, 0), tf.minimum(first + 1, grid - 1), position - before
