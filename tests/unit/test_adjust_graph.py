"""The exported graph's adjustments against the NumPy code by which records are made."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from raw_images import png

from components.imaging.adjust import Adjust
from components.imaging.adjust import adjust as adjust_pixels
from components.serving_graph.adjust import adjust, is_deep

SIZES = [(64, 64), (61, 77), (64, 50), (7, 5), (1, 9), (3, 40)]
"""Whole tiles, none, in one direction only; fewer pixels than tiles; one row."""
TONES = {"gamma": 0.7, "contrast": 1.3, "brightness": -0.1, "invert": True}


def images(height: int, width: int, channels: int, dtype: type) -> Iterator[np.ndarray]:
    """Noise, noisy shapes as in a film, a dark one in few levels, black and white: `(H, W)` or `(H, W, 3)`."""
    rng = np.random.default_rng(height * width)
    shape, top = (height, width, channels), np.iinfo(dtype).max
    noise = rng.random(shape)
    shapes = cv2.resize(rng.random((4, 4, channels)), (width, height)).reshape(shape)
    for values in (noise, 0.8 * shapes + 0.2 * noise, 0.05 * shapes, np.zeros(shape), np.ones(shape)):
        pixels = (values * top).astype(dtype)
        yield pixels[..., 0] if channels == 1 else pixels


def in_graph(pixels: np.ndarray, settings: Adjust) -> np.ndarray:
    """The graph's result in the units of the pixels, in their shape."""
    top = np.iinfo(pixels.dtype).max
    image = pixels.reshape(*pixels.shape[:2], -1).astype(np.float32) / np.float32(top)
    return top * adjust(tf.constant(image), settings, tf.constant(top > 255)).numpy().reshape(pixels.shape)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "keys",
    [
        {"gamma": 0.5},
        {"contrast": 1.7, "brightness": -0.2},
        {"invert": True},
        {"clahe_clip": 2.0},
        {"clahe_clip": 40.0, "clahe_grid": 5},
        {"clahe_clip": 0.01, "clahe_grid": 1},
        {"clahe_clip": 1e30, "clahe_grid": 3},
        TONES | {"clahe_clip": 3.0, "clahe_grid": 4},
    ],
    ids=str,
)
def test_tones_and_clahe_are_those_of_the_records_level_for_level(
    dtype: type, channels: int, keys: dict[str, Any]
) -> None:
    """All images side by side: without a graph, Python takes as long for one of them as for the five."""
    pixels = np.hstack(list(images(61, 77, channels, dtype)))
    expected = adjust_pixels(pixels, Adjust(**keys))
    np.testing.assert_array_equal(np.rint(in_graph(pixels, Adjust(**keys))), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_to_do_returns_the_image(channels: int) -> None:
    image = tf.zeros((4, 4, channels))
    assert adjust(image, Adjust(), tf.constant(False)) is image


def test_values_are_rounded_to_levels_and_clipped_to_the_range() -> None:
    image = tf.constant([[[-0.5], [1.5], [0.6 / 255]]])
    adjusted = adjust(image, Adjust(invert=True), tf.constant(False))[..., 0]
    np.testing.assert_array_equal(adjusted, [[1, 0, np.float32(254 / 255)]])


def encoded(mode: str, suffix: str) -> bytes:
    _, content = cv2.imencode(suffix, np.asarray(Image.new(mode, (8, 8))))
    return content.tobytes()


@pytest.mark.parametrize(
    ("content", "deep"),
    [
        (png(np.zeros((3, 3), np.uint8)), False),
        (png(np.zeros((3, 3), np.uint16)), True),
        (png(np.zeros((3, 3, 3), np.uint8)), False),
        (png(np.zeros((3, 3, 3), np.uint16)), True),
        (encoded("L", ".jpg"), False),
        (b"\x10" * 40, False),
        (b"\x89PNG", False),
        (b"", False),
    ],
)
def test_the_depth_of_a_file(content: bytes, deep: bool) -> None:
    assert bool(is_deep(tf.constant(content))) is deep


def test_adjustments_live_in_a_saved_model_for_all_sizes_and_depths(tmp_path: Path) -> None:
    keys = Adjust(**TONES, clahe_clip=3.0, clahe_grid=4)

    class Served(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None, 3]), tf.TensorSpec([], tf.bool)])
        def __call__(self, image: tf.Tensor, deep: tf.Tensor) -> tf.Tensor:
            return adjust(image, keys, deep)

    tf.saved_model.save(Served(), str(tmp_path))
    served = tf.saved_model.load(str(tmp_path))
    for size, dtype in product(SIZES, (np.uint8, np.uint16)):
        top = np.iinfo(dtype).max
        for pixels in images(*size, 3, dtype):
            adjusted = served(tf.constant(pixels / np.float32(top)), tf.constant(top > 255))
            np.testing.assert_array_equal(
                np.rint(top * adjusted.numpy()), adjust_pixels(pixels, keys), err_msg=f"{size} {dtype}"
            )
