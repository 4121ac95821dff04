"""The exported graph's preprocessing against the NumPy code by which records are made."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import tensorflow as tf

from components.imaging.codecs import decode_image, encode_png, with_channels
from components.imaging.geometry import Letterbox
from components.imaging.masks import disc_mask
from components.trainer.preprocessing import Standardize, decode_any, decode_record_image, letterbox, unbox

SIZES = [(32, 48), (64, 96), (96, 96), (101, 37), (33, 77), (31, 64), (16, 9), (7, 5), (9, 20), (32, 20), (20, 48)]
"""Down, up and unchanged; odd, tall, wide."""


def pixels_of(height: int, width: int, channels: int, dtype: type) -> np.ndarray:
    """Smooth shapes with noise, over the whole range of the type."""
    rng = np.random.default_rng(height * width)
    coarse = cv2.resize(rng.random((4, 4, channels)), (width, height)).reshape(height, width, channels)
    noisy = 0.8 * coarse + 0.2 * rng.random((height, width, channels))
    pixels = (noisy * np.iinfo(dtype).max).astype(dtype)
    return pixels[..., 0] if channels == 1 else pixels


def as_float(pixels: np.ndarray) -> np.ndarray:
    scaled = pixels.astype(np.float32) / np.iinfo(pixels.dtype).max
    return scaled[..., None] if scaled.ndim == 2 else scaled


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("dtype", "grey_levels"), [(np.uint8, 1.0), (np.uint16, 0.01)])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_letterbox_is_that_of_the_records(
    height: int, width: int, channels: int, dtype: type, grey_levels: float
) -> None:
    """`grey_levels` of 255: records are rounded to their type, the graph's floats are not."""
    pixels = pixels_of(height, width, channels, dtype)
    box = Letterbox(height, width, 32, 48)
    boxed = letterbox(tf.constant(as_float(pixels)), 32, 48)
    assert tuple(boxed.content.numpy()) == box.content
    np.testing.assert_allclose(255 * boxed.image, 255 * as_float(box.image(pixels)), atol=grey_levels)


@pytest.mark.parametrize("target", [(16, 16), (48, 32), (64, 64)])
def test_letterbox_places_every_size_as_the_records(target: tuple[int, int]) -> None:
    for height in (1, 3, 15, 16, 17, 31, 50, 200):
        for width in (1, 2, 16, 23, 47, 64, 129):
            boxed = letterbox(tf.zeros((height, width, 1)), *target)
            assert tuple(boxed.content.numpy()) == Letterbox(height, width, *target).content


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(20, 31), (200, 150), (64, 64), (90, 33)])
def test_unbox_returns_the_size_and_position_of_the_source(height: int, width: int, channels: int) -> None:
    row, column, radius = 0.4 * height, 0.6 * width, 0.3 * min(height, width)
    truth = disc_mask(height, width, [(row, column, radius)])
    image = np.repeat(truth[..., None].astype(np.float32), channels, axis=-1)
    boxed = letterbox(tf.constant(image), 64, 64)
    found = unbox(boxed.image[..., :1], boxed).numpy()
    assert found.shape == (height, width, 1)
    disc = found[..., 0] >= 0.5
    assert np.argwhere(disc).mean(axis=0) == pytest.approx(np.argwhere(truth).mean(axis=0), abs=0.5)
    assert np.sqrt(disc.sum() / np.pi) == pytest.approx(np.sqrt(truth.sum() / np.pi), abs=0.5)


def png(pixels: np.ndarray) -> bytes:
    return encode_png(pixels)


def rgba_png(pixels: np.ndarray) -> bytes:
    alpha = np.full(pixels.shape[:2], 7, pixels.dtype)
    return cv2.imencode(".png", np.dstack([pixels[..., ::-1], alpha]))[1].tobytes()


def jpg(pixels: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()


FILES = [
    pytest.param(encode, 3 if rgb else 1, dtype, id=f"{encode.__name__}-{'rgb' if rgb else 'gray'}-{dtype.__name__}")
    for encode, rgb, dtype in [
        (png, False, np.uint8),
        (png, False, np.uint16),
        (png, True, np.uint8),
        (png, True, np.uint16),
        (rgba_png, True, np.uint8),
        (rgba_png, True, np.uint16),
        (jpg, False, np.uint8),
        (jpg, True, np.uint8),
    ]
]


@pytest.mark.parametrize(("encode", "source_channels", "dtype"), FILES)
@pytest.mark.parametrize("channels", [1, 3])
def test_files_decode_as_they_do_for_records(
    encode: Callable[[np.ndarray], bytes], source_channels: int, dtype: type, channels: int
) -> None:
    content = encode(pixels_of(24, 37, source_channels, dtype))
    expected = as_float(with_channels(decode_image(content), channels))
    decoded = decode_any(tf.constant(content), channels).numpy()
    assert decoded.shape == (24, 37, channels)
    # Gray of RGB is rounded to the record's type, of 16 bits by whole-number weights: a level at the most.
    converted = (source_channels, channels) == (3, 1)
    np.testing.assert_allclose(decoded, expected, atol=1 / np.iinfo(dtype).max if converted else 1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_record_images_fill_sixteen_bits(dtype: type) -> None:
    pixels = pixels_of(16, 20, 1, dtype)
    decoded = decode_record_image(tf.constant(encode_png(pixels)), 16, 20, 1).numpy()
    assert decoded.dtype == np.uint16
    np.testing.assert_array_equal(decoded[..., 0], pixels.astype(int) * (65535 // np.iinfo(dtype).max))


class TestStandardize:
    def test_each_image_gets_mean_0_and_deviation_1(self) -> None:
        rng = np.random.default_rng(0)
        images = np.stack([rng.normal(0.2, 0.01, (16, 16, 3)), rng.normal(0.7, 0.2, (16, 16, 3))])
        standard = Standardize()(images.astype(np.float32)).numpy()
        np.testing.assert_allclose(standard.mean(axis=(1, 2, 3)), 0, atol=1e-4)
        np.testing.assert_allclose(standard.std(axis=(1, 2, 3)), 1, atol=1e-4)

    def test_twelve_bits_in_a_file_of_sixteen_look_the_same(self) -> None:
        image = np.random.default_rng(0).random((1, 16, 16, 1)).astype(np.float32)
        np.testing.assert_allclose(Standardize()(image / 16), Standardize()(image), atol=1e-3)

    def test_one_grey_value_gives_zeros(self) -> None:
        np.testing.assert_allclose(Standardize()(np.full((1, 8, 8, 1), 0.3, np.float32)), 0, atol=0.1)
