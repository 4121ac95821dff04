"""Images from files written byte by byte: values, depth, channel order and orientation."""

from __future__ import annotations

import io
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from image_contents import (
    DEEP,
    DEEP_RGB,
    ENTRIES,
    GRAY,
    GREY_PALETTE,
    NOISE,
    PALETTE,
    RGB,
    bgr_rows,
    bgra,
    bytes_of,
    saved,
    with_alpha,
)
from PIL import Image, ImageOps
from raw_images import bmp, gif, packed_png, packed_row, png, tiff, write

from components.imaging.files.codecs import (
    UnreadableImage,
    decode_image,
    read_image,
)
from components.imaging.files.header import header_of


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"P5\n3 2\n255\n\x00\x01\x02\x7f\x80\xff", GRAY, id="P5, 8 bit"),
        pytest.param(b"P5\n# by hand\n3 2\n# twice\n255\n\x00\x01\x02\x7f\x80\xff", GRAY, id="P5, comments"),
        pytest.param(b"P5 3 2 255\n\x00\x01\x02\x7f\x80\xff", GRAY, id="P5, header in one line"),
        pytest.param(b"P5\n2 1\n65535\n\x01\x00\xff\xfe", np.array([[256, 65534]], np.uint16), id="P5, 16 bit"),
        pytest.param(b"P5\n2 1\n4095\n\x0f\xff\x00\x01", np.array([[4095, 1]], np.uint16), id="P5, 12 bit in 16"),
        pytest.param(b"P5\r\n3 2\r\n255\r\n\x00\x01\x02\x7f\x80\xff", GRAY, id="P5, CR LF"),
        pytest.param(b"P5 3#a\n#b\n 2#c\n255#d\n\x00\x01\x02\x7f\x80\xff", GRAY, id="P5, comments between all numbers"),
        pytest.param(b"P5\n3 1\n255\n\n #", np.array([[10, 32, 35]], np.uint8), id="P5, pixels like white space"),
        pytest.param(b"P5\n2 1\n100\n\x00\x64\n", np.array([[0, 100]], np.uint8), id="P5, maximum 100, line end after"),
        pytest.param(b"P2\n2 1\n100\n0 100", np.array([[0, 100]], np.uint8), id="P2, maximum 100"),
        pytest.param(b"P5\n2 1\n256\n\x01\x00\x00\xff", np.array([[256, 255]], np.uint16), id="P5, maximum 256"),
        pytest.param(
            b"P2 1 1 1000 # one\n  # two\n 7 # three", np.array([[7]], np.uint16), id="P2, comments everywhere"
        ),
        pytest.param(b"P6 2 1 255\n\xff\x00\x01\x02\x03\x04", [[[255, 0, 1], [2, 3, 4]]], id="P6, 8 bit"),
        pytest.param(b"P3 2 1 255\n255 0 1\n2 3 4\n", [[[255, 0, 1], [2, 3, 4]]], id="P3, 8 bit"),
        pytest.param(
            b"P6 1 1 1000\n\x03\xe8\x00\x01\x02\x00", np.array([[[1000, 1, 512]]], np.uint16), id="P6, 16 bit"
        ),
        pytest.param(b"P3 1 1 1000\n1000 1 512", np.array([[[1000, 1, 512]]], np.uint16), id="P3, 16 bit"),
        pytest.param(b"P2\n3 2\n255\n0 1 2\n127 128 255\n", GRAY, id="P2, 8 bit"),
        pytest.param(b"P2\n2 1\n4095\n4095 1\n", np.array([[4095, 1]], np.uint16), id="P2, 12 bit"),
        pytest.param(png(GRAY), GRAY, id="PNG, gray"),
        pytest.param(png(DEEP), DEEP, id="PNG, gray, 16 bit"),
        pytest.param(png(RGB), RGB, id="PNG, RGB"),
        pytest.param(png(RGB.astype(np.uint16) * 257), RGB.astype(np.uint16) * 257, id="PNG, RGB, 16 bit"),
        pytest.param(png(with_alpha(RGB)), RGB, id="PNG, RGBA, wholly transparent"),
        pytest.param(png(with_alpha(DEEP_RGB)), DEEP_RGB, id="PNG, RGBA, 16 bit"),
        pytest.param(png(with_alpha(GRAY)), GRAY, id="PNG, gray and alpha"),
        pytest.param(png(with_alpha(DEEP)), DEEP, id="PNG, gray and alpha, 16 bit"),
        pytest.param(packed_png(ENTRIES % 2, 1), ENTRIES % 2 * 255, id="PNG, gray, 1 bit"),
        pytest.param(packed_png(ENTRIES, 2), ENTRIES * 85, id="PNG, gray, 2 bit"),
        pytest.param(packed_png(ENTRIES, 4), ENTRIES * 17, id="PNG, gray, 4 bit"),
        pytest.param(packed_png(ENTRIES, 2, PALETTE), PALETTE[ENTRIES], id="PNG, palette, 2 bit"),
        pytest.param(packed_png(ENTRIES, 8, PALETTE), PALETTE[ENTRIES], id="PNG, palette, 8 bit"),
        pytest.param(packed_png(ENTRIES, 4, GREY_PALETTE), GREY_PALETTE[ENTRIES], id="PNG, palette of greys"),
        *(
            pytest.param(tiff(pixels, order), pixels, id=f"TIFF, {pixels.shape}, {pixels.dtype}, {order}")
            for pixels in (GRAY, DEEP, RGB, DEEP_RGB)
            for order in "<>"
        ),
        pytest.param(gif(ENTRIES, PALETTE), PALETTE[ENTRIES], id="GIF"),
        pytest.param(gif(ENTRIES, GREY_PALETTE), GREY_PALETTE[ENTRIES], id="GIF, palette of greys"),
        pytest.param(gif(ENTRIES % 2, PALETTE[:2], transparent=1), PALETTE[ENTRIES % 2], id="GIF, transparent"),
        pytest.param(gif(GRAY, np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(-1, 3)), GRAY, id="GIF, gray"),
        pytest.param(saved(NOISE[..., 0], "GIF"), NOISE[..., 0], id="GIF of another writer"),
        pytest.param(tiff(GRAY, tags={262: [0]}), 255 - GRAY, id="TIFF, white is zero"),
        pytest.param(tiff(DEEP, tags={262: [0]}), 65535 - DEEP, id="TIFF, white is zero, 16 bit"),
        pytest.param(
            tiff(RGB, tags={284: [2], 273: [8, 14, 20], 279: [6, 6, 6]}, data=np.moveaxis(RGB, 2, 0).tobytes()),
            RGB,
            id="TIFF, RGB colour by colour",
        ),
        pytest.param(
            tiff(GRAY, tags={258: [1]}, data=b"".join(packed_row(row, 1) for row in GRAY % 2)),
            GRAY % 2 * 255,
            id="TIFF, 1 bit",
        ),
        pytest.param(
            tiff(ENTRIES, tags={262: [3], 320: (np.resize(PALETTE, (256, 3)).T.ravel() * 257).tolist()}),
            PALETTE[ENTRIES],
            id="TIFF, palette",
        ),
        pytest.param(tiff(np.dstack([RGB, GRAY | 255]), tags={338: [2]}), RGB, id="TIFF, opaque RGBA"),
        pytest.param(bmp((3, 2), 24, bgr_rows(RGB)), RGB, id="BMP, 24 bit"),
        pytest.param(
            bmp((3, 2), 32, [np.insert(r[:, ::-1], 3, 0, 1).tobytes() for r in RGB[::-1]]), RGB, id="BMP, 32 bit"
        ),
        pytest.param(bmp((3, 2), 8, bytes_of(ENTRIES), bgra(PALETTE)), PALETTE[ENTRIES], id="BMP, palette"),
        pytest.param(
            bmp((3, 2), 8, bytes_of(GRAY), bgra(np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, 1))),
            GRAY,
            id="BMP, gray",
        ),
        pytest.param(
            bmp((3, 2), 1, [packed_row(row, 1) for row in GRAY[::-1] % 2], bgra(np.uint8([[0] * 3, [255] * 3]))),
            GRAY % 2 * 255,
            id="BMP, 1 bit",
        ),
    ],
)
def test_pixels_are_those_of_the_file(tmp_path: Path, content: bytes, expected: np.ndarray | list) -> None:
    expected = np.array(expected, getattr(expected, "dtype", np.uint8))
    pixels = read_image(write(tmp_path / "image", content))
    assert pixels.dtype == expected.dtype
    np.testing.assert_array_equal(pixels, expected)
    assert pixels.flags.writeable
    assert pixels.flags.c_contiguous


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


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate", "packbits"])
@pytest.mark.parametrize("pixels", [GRAY, DEEP, RGB, NOISE])
def test_tiff_of_another_writer(pixels: np.ndarray, compression: str | None) -> None:
    np.testing.assert_array_equal(decode_image(saved(pixels, "TIFF", compression=compression)), pixels)


def test_large_tiff_format() -> None:
    np.testing.assert_array_equal(decode_image(saved(DEEP, "TIFF", big_tiff=True)), DEEP)


@pytest.mark.parametrize("pixels", [NOISE, NOISE[..., 0]], ids=["RGB", "gray"])
def test_progressive_jpg(pixels: np.ndarray) -> None:
    content = saved(pixels, "JPEG", progressive=True)
    np.testing.assert_array_equal(decode_image(content), np.asarray(Image.open(io.BytesIO(content))))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("pixels", [NOISE[:32], NOISE[:32, :, 0]], ids=["RGB", "gray"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation_is_applied(pixels: np.ndarray, orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    content = saved(pixels, kind, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    np.testing.assert_array_equal(decode_image(content), np.asarray(upright))


@pytest.mark.parametrize(("megabytes", "refusal"), [(2, None), (65, "Decompressed data too large")])
def test_a_colour_profile_of_png_may_be_large(megabytes: int, refusal: str | None) -> None:
    content = saved(NOISE, "PNG", icc_profile=bytes(megabytes * 2**20))
    with pytest.raises(UnreadableImage, match=refusal) if refusal else nullcontext():
        np.testing.assert_array_equal(decode_image(content), NOISE)


def block(data: bytes) -> bytes:
    """A JPEG segment of metadata."""
    return b"\xff\xe1" + (len(data) + 2).to_bytes(2) + data


def test_exif_behind_other_metadata_is_applied() -> None:
    """OpenCV does not see it."""
    exif = Image.Exif()
    exif[0x112] = 6
    plain = saved(NOISE[:32], "JPEG")
    upright = np.rot90(decode_image(plain), -1)
    for before in (b"", block(b"http://ns.adobe.com/xap/1.0/\0<x/>")):
        content = plain[:2] + before + block(exif.tobytes()) + plain[2:]
        assert header_of(content).orientation == 6
        np.testing.assert_array_equal(decode_image(content), upright)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_damaged_exif_is_none(kind: str) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    whole = exif.tobytes()
    for damaged in (whole[:9], whole[:14], whole[:20], whole[:6] + bytes(30), whole.replace(b"\x06", b"\x09")):
        content = saved(NOISE[:32], kind, exif=damaged)
        assert header_of(content).orientation == 1
        assert decode_image(content).shape[:2] == (32, 64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_as_they_are_stored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    png_file, tiff_file = saved(NOISE[:32], "PNG", exif=exif), tiff(NOISE[:32], tags={274: [orientation]})
    for content in (png_file, tiff_file):
        assert header_of(content).orientation == orientation
        np.testing.assert_array_equal(decode_image(content, upright=False), NOISE[:32])


@pytest.mark.parametrize("pixels", [GRAY, DEEP, RGB], ids=["8 bit", "16 bit", "RGB"])
def test_tiff_orientation_is_applied(pixels: np.ndarray) -> None:
    # 3: row 0 is at the bottom, column 0 at the right. 6: row 0 is at the right, column 0 at the top.
    np.testing.assert_array_equal(decode_image(tiff(pixels, tags={274: [3]})), pixels[::-1, ::-1])
    np.testing.assert_array_equal(decode_image(tiff(pixels, tags={274: [6]})), np.rot90(pixels, -1))


@pytest.mark.parametrize("compression", [None, "lzw"])
@pytest.mark.parametrize("pixels", [NOISE[..., 0], NOISE, NOISE[..., 0] > 99], ids=["gray", "RGB", "1 bit"])
def test_tiles_lie_where_their_orientation_puts_them(pixels: np.ndarray, compression: str | None) -> None:
    def tiled(orientation: int) -> bytes:
        tag, kind = (274, "H", 1, orientation, True), "rgb" if pixels.ndim == 3 else "minisblack"
        buffer = io.BytesIO()
        with tifffile.TiffWriter(buffer) as file:
            file.write(pixels, photometric=kind, tile=(16, 16), compression=compression, metadata=None, extratags=[tag])
        return buffer.getvalue()

    shown = pixels * np.uint8(255) if pixels.dtype == bool else pixels
    np.testing.assert_array_equal(decode_image(tiled(1)), shown)
    np.testing.assert_array_equal(decode_image(tiled(2)), shown[:, ::-1])
    np.testing.assert_array_equal(decode_image(tiled(6)), np.rot90(shown, -1))
    np.testing.assert_array_equal(decode_image(tiled(6), upright=False), shown)


@given(
    st.integers(1, 65535).flatmap(
        lambda maximum: st.tuples(
            st.just(maximum), st.sampled_from([1, 3]), st.lists(st.integers(0, maximum), min_size=6, max_size=6)
        )
    )
)
def test_plain_and_binary_files_of_equal_values_give_equal_pixels(drawn: tuple[int, int, list[int]]) -> None:
    maximum, channels, values = drawn
    size = f"{6 // channels} 1 {maximum}\n".encode()
    plain = decode_image((b"P3 " if channels == 3 else b"P2 ") + size + " ".join(map(str, values)).encode())
    stored = np.array(values, ">u2" if maximum > 255 else np.uint8).tobytes()
    binary = decode_image((b"P6 " if channels == 3 else b"P5 ") + size + stored)
    assert plain.dtype == binary.dtype
    assert plain.ravel().tolist() == binary.ravel().tolist() == values
