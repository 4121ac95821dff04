"""What is read and written besides pixels of files: class indices, PNG of records, hashes, channels, lossiness."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from image_contents import DEEP, ENTRIES, GRAY, GREY_PALETTE, NOISE, PALETTE, RGB, bgra, bytes_of, saved
from PIL import Image
from raw_images import bmp, gif, packed_png, pgm, png, tiff, write

from components.imaging.files.codecs import (
    SUFFIXES,
    UnreadableImage,
    decode_image,
    decode_indices,
    encode_png,
    pixel_sha256,
    read_image,
    with_channels,
)
from components.imaging.files.header import header_of


@pytest.mark.parametrize(
    ("content", "indices"),
    [
        pytest.param(packed_png(ENTRIES % 2, 1, PALETTE), ENTRIES % 2, id="PNG, palette, 1 bit"),
        pytest.param(packed_png(ENTRIES, 2, PALETTE), ENTRIES, id="PNG, palette, 2 bit"),
        pytest.param(packed_png(ENTRIES, 8, GREY_PALETTE), ENTRIES, id="PNG, palette of greys"),
        pytest.param(bmp((3, 2), 8, bytes_of(ENTRIES), bgra(PALETTE)), ENTRIES, id="BMP, palette"),
        pytest.param(gif(ENTRIES, PALETTE), ENTRIES, id="GIF, palette"),
        pytest.param(gif(ENTRIES, GREY_PALETTE), ENTRIES, id="GIF, palette of greys"),
        pytest.param(png(ENTRIES), ENTRIES, id="PNG, gray"),
        pytest.param(pgm(ENTRIES, 3), ENTRIES, id="PGM"),
        pytest.param(tiff(DEEP), DEEP, id="TIFF, gray, 16 bit"),
    ],
)
def test_indices_are_palette_entries_or_grey_values(tmp_path: Path, content: bytes, indices: np.ndarray) -> None:
    read = decode_indices(content)
    assert read.dtype == indices.dtype
    np.testing.assert_array_equal(read, indices)


def test_indices_are_turned_like_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    image = Image.open(io.BytesIO(packed_png(ENTRIES, 8, PALETTE)))
    path = write(tmp_path / "mask.png", saved(image, "PNG", exif=exif))
    np.testing.assert_array_equal(decode_indices(path.read_bytes()), np.rot90(ENTRIES, -1))
    np.testing.assert_array_equal(read_image(path), PALETTE[np.rot90(ENTRIES, -1)])


@pytest.mark.parametrize("content", [png(RGB), b"P3 1 1 255 1 2 3"], ids=["PNG", "P3"])
def test_colours_without_a_palette_are_no_indices(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableImage, match="has RGB pixels, expected a palette or grey values"):
        decode_indices(content)


@pytest.mark.parametrize("pixels", [GRAY, DEEP, RGB, RGB.astype(np.uint16) * 257, NOISE])
def test_png_round_trip(pixels: np.ndarray) -> None:
    again = decode_image(encode_png(pixels))
    assert again.dtype == pixels.dtype
    np.testing.assert_array_equal(again, pixels)


@pytest.mark.parametrize("pixels", [GRAY, DEEP, RGB, NOISE])
def test_other_readers_see_the_same_png(pixels: np.ndarray) -> None:
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(60, 80), (60, 80, 3)])
def test_png_is_written_fast_and_is_not_larger_than_it_must_be_for_that(shape: tuple[int, ...], dtype: type) -> None:
    """Level 1, each row after the filter Sub (1), whose choice costs nothing; matches, not run lengths alone."""
    tile = np.random.default_rng(0).integers(0, 99, (6, *shape[1:]))
    content = encode_png(np.tile(tile, (10, *(1 for _ in shape[1:]))).astype(dtype))
    stream, position = b"", 8
    while position < len(content):
        length, kind = struct.unpack_from(">I4s", content, position)
        stream += content[position + 8 : position + 8 + length] * (kind == b"IDAT")
        position += 12 + length
    # The two highest bits of zlib's second byte: 0 for the fastest levels.
    assert stream[1] >> 6 == 0
    rows = zlib.decompress(stream)
    line = len(rows) // 60
    assert set(rows[::line]) == {1}
    assert len(content) < 0.3 * len(rows)


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


@pytest.mark.parametrize(
    ("content", "lossy"),
    [
        (saved(NOISE, "JPEG"), True),
        (saved(NOISE, "TIFF", compression="jpeg"), True),
        (saved(NOISE, "TIFF", compression="tiff_lzw"), False),
        (png(NOISE), False),
        (saved(NOISE, "BMP"), False),
        (gif(ENTRIES, PALETTE), False),
        (pgm(GRAY), False),
    ],
)
def test_jpeg_is_lossy(content: bytes, lossy: bool) -> None:
    assert header_of(content).lossy is lossy


def test_suffixes_are_lower_case() -> None:
    assert {
        ".pgm",
        ".ppm",
        ".pnm",
        ".png",
        ".jpg",
        ".jpeg",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".dcm",
        ".dicom",
        ".nii",
        ".nii.gz",
        ".nrrd",
    } == SUFFIXES
