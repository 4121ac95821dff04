"""Which image files the exported graph takes, in TensorFlow: those alone that it decodes as derivation does.

TensorFlow's decoders take more: GIF, CMYK as if it were RGB, the first of several frames; and they leave an image as it
lies in a file whose Exif says that it is to be turned, where derivation turns it. And they decode up to 2 ** 29 pixels,
gigabytes of what may have come as a kilobyte.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from components.imaging.files.limits import LIMITS

_PNG, _JPEG, _EXIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"Exif\0\0"
_COLOURS = (1, 3)
_ORIENTATION, _LONG = 0x0112, 4

Look = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
"""At the part of a file that begins at a position: its length, int64, and what is wrong with it, or an empty string."""


def refused_unless_derived(images: tf.Tensor, upright: bool = True, max_pixels: int = LIMITS.pixels) -> tf.Tensor:
    """The files `(N,)` as they are.

    Args:
        images: the files.
        upright: whether derivation turns them by the orientation that they carry.
        max_pixels: the most that one of them may have, as its header claims them before they are decoded.

    Raises:
        InvalidArgumentError: which of them are neither PNG nor JPEG, or would be decoded otherwise than derivation
            does, and why.
    """
    faults = tf.map_fn(lambda content: fault_of(content, upright, max_pixels), images)
    which = tf.where(faults != "")[:, 0]
    said = tf.strings.join(["images[", tf.strings.as_string(which), "] ", tf.gather(faults, which)])
    refusal = tf.debugging.Assert(tf.size(which) == 0, [tf.strings.reduce_join(said, separator="; ")])
    with tf.control_dependencies([refusal] if refusal is not None else []):
        return tf.identity(images)


def fault_of(content: tf.Tensor, upright: bool = True, max_pixels: int = LIMITS.pixels) -> tf.Tensor:
    """Why a file is refused, scalar string; empty: it is not."""
    return tf.case(
        [
            (_starts(content, _PNG), lambda: _png_fault(content, upright, max_pixels)),
            (_starts(content, _JPEG), lambda: _jpeg_fault(content, upright, max_pixels)),
        ],
        default=lambda: tf.constant("is neither a PNG nor a JPEG file: convert it"),
    )


def _png_fault(content: tf.Tensor, upright: bool, max_pixels: int) -> tf.Tensor:
    def look(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        length, kind = _number(_bytes(content, position, 4)), _bytes(content, position + 4, 4)
        fault = tf.case(
            [
                ((kind == b"eXIf") & upright, lambda: _orientation_fault(_bytes(content, position + 8, length))),
                (kind == b"acTL", lambda: tf.constant("holds several frames: save one of them alone")),
            ],
            default=lambda: tf.constant(""),
        )
        return 12 + length, fault

    width, height = (_number(_bytes(content, position, 4)) for position in (16, 20))
    return _unless_large(width, height, max_pixels, lambda: _first_fault(content, len(_PNG), look))


def _jpeg_fault(content: tf.Tensor, upright: bool, max_pixels: int) -> tf.Tensor:
    def look(position: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        marker, length = _number(_bytes(content, position + 1, 1)), _number(_bytes(content, position + 2, 2))
        body = _bytes(content, position + 4, length)
        is_exif = (marker == 0xE1) & _starts(body, _EXIF) & upright
        fault = tf.cond(is_exif, lambda: _orientation_fault(_bytes(body, len(_EXIF), length)), lambda: tf.constant(""))
        # 0xFF may be repeated; restarts have no length; the scan, and the end, are the last to be looked at.
        alone = (marker == 0x01) | (marker >= 0xD0) & (marker <= 0xD7)
        last = (marker == 0xD9) | (marker == 0xDA)
        one = tf.ones_like(length)
        step = tf.where(alone, 2 * one, tf.where(last, _length(content), 2 + length))
        return tf.where(marker == 0xFF, one, step), fault

    height, width, colours = tf.unstack(tf.io.extract_jpeg_shape(content))
    named = tf.strings.join(["has ", tf.strings.as_string(colours), " colours, as CMYK: convert it to gray or RGB"])
    return tf.cond(
        tf.reduce_any(colours == _COLOURS),
        lambda: _unless_large(width, height, max_pixels, lambda: _first_fault(content, 2, look)),
        lambda: tf.identity(named),
    )


def _unless_large(width: tf.Tensor, height: tf.Tensor, most: int, fault: Callable[[], tf.Tensor]) -> tf.Tensor:
    """That an image has too many pixels, or what else is wrong with it."""
    size = tf.strings.join([tf.strings.as_string(width), " x ", tf.strings.as_string(height)])
    named = tf.strings.join(["has ", size, f" pixels, more than the {most} that are allowed: make it smaller"])
    # int64 has no room for the square of the largest side of a PNG file.
    large = tf.cast(width, tf.float64) * tf.cast(height, tf.float64) > most
    return tf.cond(large, lambda: tf.identity(named), fault)


def _first_fault(content: tf.Tensor, start: int, look: Look) -> tf.Tensor:
    """Of the parts of a file, one after another."""

    def following(position: tf.Tensor, _: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        length, fault = look(position)
        return position + length, fault

    return tf.while_loop(
        lambda position, fault: (position < _length(content)) & (fault == ""),
        following,
        (tf.constant(start, tf.int64), tf.constant("")),
        parallel_iterations=1,
    )[1]


def _orientation_fault(exif: tf.Tensor) -> tf.Tensor:
    """Of the first directory of Exif, which is that of a TIFF file."""
    big = _starts(exif, b"MM")
    start = _number(_bytes(exif, 4, 4), big)
    count = tf.minimum(_number(_bytes(exif, start, 2), big), (_length(exif) - start - 2) // 12)
    entries = tf.reshape(tf.io.decode_raw(_bytes(exif, start + 2, 12 * count), tf.uint8), [-1, 6, 2])
    shorts = tf.reduce_sum(tf.cast(entries, tf.int32) * tf.where(big, [256, 1], [1, 256]), axis=-1)
    tags, types = shorts[:, 0], shorts[:, 1]
    values = tf.where((types == _LONG) & big, shorts[:, 5], shorts[:, 4])
    turning = tf.boolean_mask(values, (tags == _ORIENTATION) & (values >= 2) & (values <= 8))
    said = tf.strings.join(
        ["is to be turned by its Exif orientation ", tf.strings.as_string(tf.reduce_max(turning)), ": save it upright"]
    )
    return tf.where(tf.size(turning) > 0, said, "")


def _starts(content: tf.Tensor, start: bytes) -> tf.Tensor:
    return _bytes(content, 0, len(start)) == start


def _bytes(content: tf.Tensor, position: int | tf.Tensor, length: int | tf.Tensor) -> tf.Tensor:
    """Fewer where the content ends before."""
    start = tf.clip_by_value(tf.cast(position, tf.int64), 0, _length(content))
    return tf.strings.substr(content, start, tf.cast(tf.maximum(tf.cast(length, tf.int64), 0), tf.int64))


def _number(digits: tf.Tensor, big: bool | tf.Tensor = True) -> tf.Tensor:
    """int64 of up to 4 bytes, the high one first unless not `big`."""
    values = tf.cast(tf.io.decode_raw(digits, tf.uint8), tf.int64)
    powers = 256 ** tf.range(tf.size(values, tf.int64))
    return tf.reduce_sum(values * tf.where(big, powers[::-1], powers))


def _length(content: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.strings.length(content), tf.int64)
