"""Images from files written byte by byte: values, depth, channel order, and what is refused."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from raw_images import pgm, png, write

from components.imaging.codecs import (
    UnreadableImage,
    decode_image,
    encode_png,
    is_lossy,
    pixel_sha256,
    read_image,
    with_channels,
)

GRAY = np.array([[0, 1, 2], [127, 128, 255]], np.uint8)
DEEP = np.array([[0, 1, 256], [4095, 4096, 65535]], np.uint16)
RGB = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]], np.uint8)
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
_, NOISE_JPG = cv2.imencode(".jpg", NOISE)


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    return np.dstack([pixels, np.zeros(pixels.shape[:2], pixels.dtype)])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"P5\n3 2\n255\n\x00\x01\x02\x7f\x80\xff", GRAY, id="P5, 8 bit"),
        pytest.param(b"P5\n# by hand\n3 2\n# twice\n255\n\x00\x01\x02\x7f\x80\xff", GRAY, id="P5, comments"),
        pytest.param(b"P5 3 2 255\n\x00\x01\x02\x7f\x80\xff", GRAY, id="P5, header in one line"),
        pytest.param(b"P5\n2 1\n65535\n\x01\x00\xff\xfe", np.array([[256, 65534]], np.uint16), id="P5, 16 bit"),
        pytest.param(b"P5\n2 1\n4095\n\x0f\xff\x00\x01", np.array([[4095, 1]], np.uint16), id="P5, 12 bit in 16"),
        pytest.param(b"P2\n3 2\n255\n0 1 2\n127 128 255\n", GRAY, id="P2, 8 bit"),
        pytest.param(b"P2\n2 1\n4095\n4095 1\n", np.array([[4095, 1]], np.uint16), id="P2, 12 bit"),
        pytest.param(png(GRAY), GRAY, id="PNG, gray"),
        pytest.param(png(DEEP), DEEP, id="PNG, gray, 16 bit"),
        pytest.param(png(RGB), RGB, id="PNG, RGB"),
        pytest.param(png(RGB.astype(np.uint16) * 257), RGB.astype(np.uint16) * 257, id="PNG, RGB, 16 bit"),
        pytest.param(png(with_alpha(RGB)), RGB, id="PNG, RGBA, wholly transparent"),
    ],
)
def test_pixels_are_those_of_the_file(tmp_path: Path, content: bytes, expected: np.ndarray) -> None:
    pixels = read_image(write(tmp_path / "image", content))
    assert pixels.dtype == expected.dtype
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("colour", [(200, 30, 60), (30, 60, 200)])
def test_jpg_comes_in_rgb_order(colour: tuple[int, int, int]) -> None:
    flat = np.full((16, 16, 3), colour, np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(flat).save(buffer, "JPEG")
    # A flat block survives JPEG but for the rounding of its colour conversion.
    np.testing.assert_allclose(decode_image(buffer.getvalue()), flat, atol=2)


def test_gray_jpg_has_no_channel_axis() -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 24), 90, np.uint8)).save(buffer, "JPEG")
    np.testing.assert_allclose(decode_image(buffer.getvalue()), np.full((16, 24), 90), atol=1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(pgm(GRAY)[:-1], id="PGM, last byte missing"),
        pytest.param(pgm(DEEP, 65535)[:-1], id="16-bit PGM, last byte missing"),
        pytest.param(b"P5\n3 2\n", id="PGM, header cut"),
        pytest.param(b"P2\n3 2\n255\n0 1 2\n127 128", id="ASCII PGM, last value missing"),
        pytest.param(png(NOISE)[:-1], id="PNG, last byte missing"),
        pytest.param(png(NOISE)[: len(png(NOISE)) // 2], id="PNG, half"),
        pytest.param(png(NOISE)[:8], id="PNG, signature only"),
        pytest.param(NOISE_JPG.tobytes()[:-1], id="JPG, last byte missing"),
        pytest.param(NOISE_JPG.tobytes()[: len(NOISE_JPG) // 2], id="JPG, half"),
        pytest.param(b"this is not an image", id="text"),
    ],
)
def test_half_a_file_is_not_an_image(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableImage, match="not a whole PGM, PNG or JPG image"):
        read_image(write(tmp_path / "image.png", content))


def test_empty_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="the file is empty"):
        read_image(write(tmp_path / "image.png", b""))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="cannot be read: No such file or directory"):
        read_image(tmp_path / "image.png")


def test_floating_point_pixels_are_refused() -> None:
    _, tiff = cv2.imencode(".tiff", np.zeros((4, 4), np.float32))
    with pytest.raises(UnreadableImage, match="has float32 pixels, expected 8 or 16 bit"):
        decode_image(tiff.tobytes())


@pytest.mark.parametrize("pixels", [GRAY, DEEP, RGB, RGB.astype(np.uint16) * 257, NOISE])
def test_png_round_trip(pixels: np.ndarray) -> None:
    again = decode_image(encode_png(pixels))
    assert again.dtype == pixels.dtype
    np.testing.assert_array_equal(again, pixels)


@pytest.mark.parametrize("pixels", [GRAY, DEEP, RGB, NOISE])
def test_other_readers_see_the_same_png(pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


def test_hash_is_of_the_pixels_not_of_the_file() -> None:
    ascii_pgm = b"P2 3 2 255 0 1 2 127 128 255\n"
    hashes = {pixel_sha256(decode_image(content)) for content in (pgm(GRAY), png(GRAY), ascii_pgm, encode_png(GRAY))}
    assert len(hashes) == 1
    assert len(hashes.pop()) == 32


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(GRAY.reshape(3, 2), id="shape"),
        pytest.param(GRAY.astype(np.uint16), id="type"),
        pytest.param(GRAY[:, ::-1], id="order"),
        pytest.param(GRAY ^ (np.arange(6).reshape(2, 3) == 5), id="one bit"),
        pytest.param(np.dstack([GRAY, GRAY, GRAY[::-1]]), id="channels"),
    ],
)
def test_hash_tells_apart(other: np.ndarray) -> None:
    assert pixel_sha256(other) != pixel_sha256(GRAY)


def test_hash_of_equal_channels_is_that_of_the_gray_image() -> None:
    assert pixel_sha256(np.dstack([GRAY] * 3)) == pixel_sha256(GRAY)


def test_hash_does_not_depend_on_the_memory_layout() -> None:
    assert pixel_sha256(np.asfortranarray(RGB)) == pixel_sha256(RGB)


def test_gray_is_the_weighted_sum_of_itu_r_bt_601() -> None:
    # 255 x 0.299 = 76.2, 255 x 0.587 = 149.7, 255 x 0.114 = 29.1
    np.testing.assert_array_equal(with_channels(RGB[:1], 1), [[76, 150, 29]])
    # 65535 x 0.299 = 19595.0, x 0.587 = 38469.0, x 0.114 = 7471.0
    np.testing.assert_allclose(with_channels(RGB[:1].astype(np.uint16) * 257, 1), [[19595, 38469, 7471]], atol=1)


def test_rgb_of_gray_repeats_it() -> None:
    np.testing.assert_array_equal(with_channels(DEEP, 3), np.dstack([DEEP] * 3))


@pytest.mark.parametrize(("pixels", "channels"), [(GRAY, 1), (RGB, 3)])
def test_the_right_number_of_channels_stays(pixels: np.ndarray, channels: int) -> None:
    np.testing.assert_array_equal(with_channels(pixels, channels), pixels)


@pytest.mark.parametrize(("name", "lossy"), [("a.jpg", True), ("a.JPEG", True), ("a.png", False), ("a.jpg.pgm", False)])
def test_jpeg_is_lossy(name: str, lossy: bool) -> None:
    assert is_lossy(Path(name)) is lossy
