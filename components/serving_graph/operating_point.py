"""How answers become masks, in TensorFlow, so that it lives in the exported graph: as `components.inference` has it."""

from __future__ import annotations

import tensorflow as tf

from components.inference.mirror import FLIPS
from components.inference.operating_point import OperatingPoint
from components.serving_graph.preprocessing import Predict
from components.task import Task


def answering(predict: Predict, point: OperatingPoint) -> Predict:
    """The answers to windows as an operating point has them, of a model's own."""

    def answer(images: tf.Tensor, moments: tf.Tensor | None = None) -> tf.Tensor:
        flips = FLIPS if point.mirror else FLIPS[:1]
        found = [_reversed(predict(_reversed(images, axes), moments), axes) for axes in flips]
        return tempered(found[0] if len(found) == 1 else tf.add_n(found) / len(found), point.temperature)

    return answer


def tempered(probability: tf.Tensor, temperature: float) -> tf.Tensor:
    """As `components.inference.operating_point.tempered`."""
    if temperature == 1:
        return probability
    powers = tf.pow(probability, 1 / temperature)
    if probability.shape[-1] == 1:
        return powers / (powers + tf.pow(1 - probability, 1 / temperature))
    return powers / tf.reduce_sum(powers, axis=-1, keepdims=True)


def predicted(probability: tf.Tensor, task: Task, threshold: float) -> tf.Tensor:
    """As `Task.predicted`: class indices uint8 `(..., 1)` of probabilities `(..., K)`."""
    if task.several:
        return tf.cast(tf.argmax(probability, axis=-1), tf.uint8)[..., None]
    return tf.cast(probability >= threshold, tf.uint8)


def masked(probability: tf.Tensor, task: Task, point: OperatingPoint, scale: tf.Tensor | float) -> tf.Tensor:
    """As `OperatingPoint.mask`: class indices uint8 `(H, W, 1)` of probabilities `(H, W, K)` of an image."""
    mask = predicted(probability, task, point.threshold)[..., 0]
    if point.fill_holes:
        mask = _filled(mask)
    if point.least_region > 1 or point.largest:
        least = tf.cast(point.least_region, tf.float64) * tf.cast(scale, tf.float64)
        for index in range(1, len(task.classes) + 1):
            mask = tf.where(_dropped(mask == index, least, point.largest), tf.zeros_like(mask), mask)
    return mask[..., None]


def _filled(mask: tf.Tensor) -> tf.Tensor:
    labels = _labelled(mask == 0, diagonals=False)
    count = tf.size(mask) + 1
    values = tf.cast(mask, tf.int32)
    flat = tf.reshape(labels, [-1])
    # Beside a pixel the highest class, and the lowest: 256 less the highest of what each lacks of 256.
    beside = [_spread(values, diagonals=False), _spread(tf.where(values > 0, 256 - values, 0), diagonals=False)]
    highest, lacking = (tf.math.unsorted_segment_max(tf.reshape(each, [-1]), flat, count) for each in beside)
    outside = tf.concat([labels[0], labels[-1], labels[:, 0], labels[:, -1]], axis=0)
    open_ = tf.tensor_scatter_nd_update(
        tf.zeros([count], tf.bool), outside[:, None], tf.ones_like(outside, dtype=tf.bool)
    )
    encloses = ~open_ & (highest > 0) & (highest == 256 - lacking)
    fill = tf.where(encloses, highest, tf.zeros_like(highest))
    return tf.where(labels > 0, tf.cast(tf.gather(fill, labels), tf.uint8), mask)


def _dropped(member: tf.Tensor, least: tf.Tensor, largest: bool) -> tf.Tensor:
    """The pixels of regions that are too small."""
    labels = _labelled(member, diagonals=True)
    areas = tf.math.bincount(tf.reshape(labels, [-1]), minlength=tf.size(member) + 1)
    areas = tf.cast(areas, tf.float64)
    bound = tf.maximum(least, tf.reduce_max(areas[1:])) if largest else least
    return member & (tf.gather(areas, labels) < bound)


def _labelled(member: tf.Tensor, diagonals: bool) -> tf.Tensor:
    """Of each pixel of `(H, W)` int32 the number of its region, above 0, and 0 of what is no member.

    Each pixel is a region at first. At each step a region joins the one of the highest number beside it, that one the
    highest beside it, and so on to the last, so that regions are few after few steps.
    """
    shape, count = tf.shape(member), tf.size(member) + 1
    numbers = tf.reshape(tf.range(1, count), shape)

    def step(labels: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        beside = tf.where(member, _spread(labels, diagonals), tf.zeros_like(labels))
        joins = tf.math.unsorted_segment_max(tf.reshape(beside, [-1]), tf.reshape(labels, [-1]), count)
        joins = tf.maximum(joins, 0)  # numbers that no region has any more
        joined = tf.gather(_followed(joins), labels)
        return joined, tf.reduce_any(joined != labels)

    first = tf.where(member, numbers, tf.zeros_like(numbers))
    labels, _ = tf.while_loop(lambda _, changed: changed, step, (first, tf.constant(True)), parallel_iterations=1)
    return labels


def _followed(joins: tf.Tensor) -> tf.Tensor:
    """Of each region the last one that it joins by way of others; each look goes twice as far."""
    return tf.while_loop(
        lambda _, changed: changed,
        lambda known, _: (further := tf.gather(known, known), tf.reduce_any(further != known)),
        (joins, tf.constant(True)),
        parallel_iterations=1,
    )[0]


def _spread(values: tf.Tensor, diagonals: bool) -> tf.Tensor:
    """The largest of each pixel's value `(H, W)`, from 0 on, and those beside it."""
    along_rows = _largest(values, down=1, right=0)
    along_columns = _largest(along_rows if diagonals else values, down=0, right=1)
    return tf.maximum(along_rows, along_columns)


def _largest(values: tf.Tensor, down: int, right: int) -> tf.Tensor:
    padded = tf.pad(values, [[down, down], [right, right]])
    height, width = tf.unstack(tf.shape(values))
    before = padded[:height, :width]
    behind = padded[2 * down : 2 * down + height, 2 * right : 2 * right + width]
    return tf.maximum(values, tf.maximum(before, behind))


def _reversed(values: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    return tf.reverse(values, axes) if axes else values
