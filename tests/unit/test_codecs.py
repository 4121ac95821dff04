"""Images from files written byte by byte: values, depth, channel order, and what is refused."""

from __future__ import annotations

import io
import os
import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from raw_images import bmp, claim_png_size, packed_png, packed_row, pgm, png, tiff, write

from components.imaging.codecs import (
    SUFFIXES,
    TooManyPixels,
    UnreadableImage,
    decode_image,
    encode_png,
    is_lossy,
    pixel_sha256,
    read_image,
    read_indices,
    with_channels,
)

GRAY = np.array([[0, 1, 2], [127, 128, 255]], np.uint8)
DEEP = np.array([[0, 1, 256], [4095, 4096, 65535]], np.uint16)
RGB = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]], np.uint8)
DEEP_RGB = RGB.astype(np.uint16) * 256 + 17
NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
_, NOISE_JPG = cv2.imencode(".jpg", NOISE)
ENTRIES = np.array([[0, 1, 2], [3, 2, 1]], np.uint8)
PALETTE = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [9, 8, 7]], np.uint8)
GREY_PALETTE = np.array([[7, 7, 7], [200, 200, 200], [90, 90, 90], [0, 0, 0]], np.uint8)


def saved(pixels: np.ndarray | Image.Image, kind: str, **options: object) -> bytes:
    """The file that Pillow writes."""
    buffer = io.BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bgr_rows(pixels: np.ndarray) -> list[bytes]:
    return [row[:, ::-1].tobytes() for row in pixels[::-1]]


def damaged(content: bytes) -> bytes:
    """With one bit wrong in what comes 20 bytes before the end: in a PNG, the compressed pixels."""
    return content[:-20] + bytes([content[-20] ^ 1]) + content[-19:]


def bytes_of(pixels: np.ndarray) -> list[bytes]:
    return [row.tobytes() for row in pixels[::-1]]


def bgra(palette: np.ndarray) -> bytes:
    return np.insert(palette[:, ::-1], 3, 0, 1).tobytes()


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


@pytest.mark.parametrize("pixels", [GRAY, DEEP, RGB], ids=["8 bit", "16 bit", "RGB"])
def test_tiff_orientation_is_applied(pixels: np.ndarray) -> None:
    # 3: row 0 is at the bottom, column 0 at the right. 6: row 0 is at the right, column 0 at the top.
    np.testing.assert_array_equal(decode_image(tiff(pixels, tags={274: [3]})), pixels[::-1, ::-1])
    np.testing.assert_array_equal(decode_image(tiff(pixels, tags={274: [6]})), np.rot90(pixels, -1))


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


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(pgm(GRAY)[:-1], "PGM or PPM", id="PGM, last byte missing"),
        pytest.param(pgm(DEEP, 65535)[:-1], "PGM or PPM", id="16-bit PGM, last byte missing"),
        pytest.param(b"P5\n3 2\n", "PGM or PPM", id="PGM, header cut"),
        pytest.param(b"P5\n3 2\n255", "PGM or PPM", id="PGM, header without its end"),
        pytest.param(b"P5\n3 -2\n255\n\0\0\0", "PGM or PPM", id="PGM, negative height"),
        pytest.param(b"P5 " + b"9" * 5000 + b" 2 255\n", "PGM or PPM", id="PGM, width of 5000 digits"),
        pytest.param(b"P2\n3 2\n255\n0 1 2\n127 128", "PGM or PPM", id="plain PGM, last value missing"),
        pytest.param(b"P2\n3 2\n255\n", "PGM or PPM", id="plain PGM, no values"),
        pytest.param(b"P2\n2 1\n255\n1 2.5", "PGM or PPM", id="plain PGM, a fraction"),
        pytest.param(b"P2\n2 1\n255\n1 -2", "PGM or PPM", id="plain PGM, a negative value"),
        pytest.param(b"P2\n9000 9000\n255\n0 1 2", "PGM or PPM", id="plain PGM, much claimed"),
        pytest.param(png(NOISE)[:-1], "PNG", id="PNG, last byte missing"),
        pytest.param(png(NOISE)[: len(png(NOISE)) // 2], "PNG", id="PNG, half"),
        pytest.param(png(NOISE)[:8], "PNG", id="PNG, signature only"),
        pytest.param(packed_png(ENTRIES, 8, PALETTE)[:-20], "PNG", id="palette PNG, end missing"),
        pytest.param(packed_png(ENTRIES, 8, PALETTE)[:-1], "PNG", id="palette PNG, last byte missing"),
        pytest.param(damaged(packed_png(ENTRIES, 8, PALETTE)), "PNG", id="palette PNG, one bit wrong"),
        pytest.param(damaged(png(NOISE)), "PNG", id="PNG, one bit wrong"),
        pytest.param(bmp((3, 2), 8, bytes_of(ENTRIES), bgra(PALETTE))[:-5], "BMP", id="palette BMP, end missing"),
        pytest.param(NOISE_JPG.tobytes()[:-1], "JPEG", id="JPG, last byte missing"),
        pytest.param(NOISE_JPG.tobytes()[: len(NOISE_JPG) // 2], "JPEG", id="JPG, half"),
        pytest.param(saved(NOISE, "JPEG", progressive=True)[:-900], "JPEG", id="progressive JPG, end missing"),
        pytest.param(NOISE_JPG.tobytes()[:4], "JPEG", id="JPG, start only"),
        pytest.param(bmp((3, 2), 24, bgr_rows(RGB))[:-4], "BMP", id="BMP, last pixel missing"),
        pytest.param(bmp((3, 2), 24, bgr_rows(RGB))[:30], "BMP", id="BMP, header cut"),
        pytest.param(saved(NOISE, "TIFF")[:-1], "TIFF", id="TIFF, last byte missing"),
        pytest.param(tiff(GRAY)[:30], "TIFF", id="TIFF, half"),
        pytest.param(tiff(DEEP, tags={273: [5000]}), "TIFF", id="TIFF, strip beyond the end"),
        pytest.param(saved(NOISE, "TIFF", compression="tiff_lzw")[:9000], "TIFF", id="LZW TIFF, cut"),
    ],
)
def test_half_a_file_is_not_an_image(tmp_path: Path, content: bytes, kind: str) -> None:
    path = write(tmp_path / "image.png", content)
    with pytest.raises(UnreadableImage, match=f"not a whole {kind} image"):
        read_image(path)
    with pytest.raises(UnreadableImage, match=f"not a whole {kind} image"):
        read_indices(path)


@pytest.mark.parametrize("cut", [saved(NOISE, "TIFF"), saved(NOISE, "BMP"), png(NOISE), NOISE_JPG.tobytes()])
def test_no_cut_gives_wrong_pixels(cut: bytes) -> None:
    whole = decode_image(cut)
    for length in range(1, len(cut), len(cut) // 40):
        try:
            pixels = decode_image(cut[:length])
        except UnreadableImage:
            continue
        np.testing.assert_array_equal(pixels, whole)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"this is not an image", "neither a PGM, PPM, PNG, JPEG, TIFF, BMP nor a DICOM file", id="text"),
        pytest.param(b"P4\n8 1\n\xff", "neither a PGM", id="bitmap"),
        pytest.param(b"P5 2 1 100\n\x64\x65", "a value of 101, above the maximum of 100", id="PGM, too large"),
        pytest.param(b"P2 2 1 100\n100 101", "a value of 101, above the maximum of 100", id="plain PGM, too large"),
        pytest.param(b"P2 1 1 255 4294967296", "a value of 4294967296, above", id="plain PGM, beyond 32 bit"),
        pytest.param(b"P5 2 1 1000\n\x03\xe8\x03\xe9", "a value of 1001, above the maximum of 1000", id="16-bit PGM"),
        pytest.param(b"P5 2 1 0\n\0\0", "a maximum of 0, expected 1 to 65535", id="PGM, maximum 0"),
        pytest.param(b"P5 2 1 65536\n\0\0\0\0", "a maximum of 65536, expected 1 to 65535", id="PGM, 17 bit"),
        pytest.param(b"P5 0 1 255\n", "claims 0 x 1 pixels", id="PGM, no width"),
        pytest.param(pgm(GRAY) * 2, "17 bytes after its pixels: several images", id="PGM twice"),
        pytest.param(b"P2 2 1 255\n1 2 3 4", "2 values after its pixels", id="plain PGM, too many values"),
        pytest.param(saved(Image.new("CMYK", (4, 4)), "JPEG"), "has CMYK colours, expected gray or RGB", id="CMYK JPG"),
        pytest.param(
            saved(Image.new("CMYK", (4, 4)), "TIFF"), "has CMYK colours, expected gray or RGB", id="CMYK TIFF"
        ),
        pytest.param(tiff(GRAY.astype(np.float32)), "signed or floating-point pixels", id="TIFF, floating point"),
        pytest.param(tiff(DEEP.view(np.int16)), "signed or floating-point pixels", id="TIFF, signed"),
        pytest.param(tiff(GRAY.view(np.int8)), "signed or floating-point pixels", id="TIFF, signed, 8 bit"),
        pytest.param(tiff(GRAY.astype(np.uint32)), "has 32 bits per sample, expected 1, 8 or 16", id="TIFF, 32 bit"),
        pytest.param(
            tiff(DEEP % 4096, tags={258: [12]}, data=b"".join(packed_row(row, 12) for row in DEEP)),
            "has 12 bits per sample, expected 1, 8 or 16",
            id="TIFF, 12 bit packed",
        ),
        pytest.param(tiff(GRAY, pages=3), "holds 3 pages, frames or resolutions, expected one", id="TIFF, 3 pages"),
        pytest.param(
            tiff(DEEP_RGB, tags={284: [2], 273: [8, 20, 32], 279: [12, 12, 12]}),
            "16-bit RGB stored colour by colour",
            id="TIFF, 16-bit RGB colour by colour",
        ),
        pytest.param(tiff(with_alpha(RGB) | 1, tags={338: [2]}), "is partly transparent", id="TIFF, transparent"),
        pytest.param(
            saved(GRAY, "PNG", save_all=True, append_images=[Image.fromarray(GRAY[::-1])]),
            "holds 2 pages, frames or resolutions, expected one",
            id="animated PNG",
        ),
    ],
)
def test_what_is_not_read_is_refused_by_name(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImage, match=reason):
        decode_image(content)


def jpg_claiming(width: int, height: int) -> bytes:
    content = NOISE_JPG.tobytes()
    frame = content.index(b"\xff\xc0") + 5
    return content[:frame] + struct.pack(">HH", height, width) + content[frame + 4 :]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"P5 60000 50000 255\n\0", id="P5"),
        pytest.param(b"P3 60000 50000 255\n0", id="P3"),
        pytest.param(claim_png_size(png(GRAY), 60000, 50000), id="PNG"),
        pytest.param(jpg_claiming(60000, 50000), id="JPEG"),
        pytest.param(tiff(GRAY, tags={256: [60000], 257: [50000]}), id="TIFF"),
        pytest.param(bmp((60000, 50000), 24, []), id="BMP"),
    ],
)
def test_a_claim_of_too_many_pixels_is_refused_before_they_are_decoded(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "image", content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reason = "60000 x 50000 = 3000000000 pixels, more than the 100000000 .*raise .data. max_megapixels"
        with pytest.raises(TooManyPixels, match=reason):
            read_image(path)
        with pytest.raises(TooManyPixels, match=reason):
            read_indices(path)


@pytest.mark.parametrize(
    "content",
    [pgm(GRAY), png(GRAY), saved(GRAY, "JPEG"), tiff(GRAY), bmp((3, 2), 24, bgr_rows(RGB)), b"P2 3 2 9\n0 1 2 3 4 5"],
    ids=["PGM", "PNG", "JPEG", "TIFF", "BMP", "P2"],
)
def test_the_limit_counts_pixels_and_can_be_reached(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "image", content)
    assert read_image(path, max_pixels=6).shape[:2] == (2, 3)
    with pytest.raises(TooManyPixels, match="3 x 2 = 6 pixels, more than the 5 that are allowed"):
        read_image(path, max_pixels=5)


def test_the_limit_is_not_that_of_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for content in (png(GRAY), tiff(GRAY), saved(GRAY, "JPEG"), saved(GRAY, "BMP")):
            assert decode_image(content).shape == (2, 3)
        assert read_indices(write(tmp_path / "palette.png", packed_png(ENTRIES, 2, PALETTE))).shape == (2, 3)


def test_a_file_too_long_for_its_limit_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "image.pgm", pgm(GRAY))
    os.truncate(path, 2**40)  # sparse: takes no room on the disk, and would take a terabyte of memory
    with pytest.raises(TooManyPixels, match="has 1099511627776 bytes, more than an image of the 100000000 pixels"):
        read_image(path)


@pytest.mark.parametrize("content", [png(GRAY), packed_png(ENTRIES, 2, PALETTE)], ids=["gray", "palette"])
def test_a_png_chunk_cannot_claim_memory(tmp_path: Path, content: bytes) -> None:
    # OpenCV would make room for 4 GB.
    length = content.index(b"IDAT") - 4
    claim = content[:length] + b"\xff\xff\xff\xf0" + content[length + 4 :]
    path = write(tmp_path / "image.png", claim)
    for read in (read_image, read_indices):
        with pytest.raises(
            UnreadableImage, match="not a whole PNG image: cut short, or the length of a chunk is damaged"
        ):
            read(path)


def test_more_pixels_than_opencv_takes(tmp_path: Path) -> None:
    path = write(tmp_path / "image.png", claim_png_size(png(GRAY), 40000, 40000))
    with pytest.raises(UnreadableImage, match=r"OpenCV refuses it: .*PIXELS"):
        read_image(path, max_pixels=2_000_000_000)


def test_empty_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="the file is empty"):
        read_image(write(tmp_path / "image.png", b""))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="cannot be read: No such file or directory"):
        read_image(tmp_path / "image.png")


@pytest.mark.parametrize(
    ("content", "indices"),
    [
        pytest.param(packed_png(ENTRIES % 2, 1, PALETTE), ENTRIES % 2, id="PNG, palette, 1 bit"),
        pytest.param(packed_png(ENTRIES, 2, PALETTE), ENTRIES, id="PNG, palette, 2 bit"),
        pytest.param(packed_png(ENTRIES, 8, GREY_PALETTE), ENTRIES, id="PNG, palette of greys"),
        pytest.param(bmp((3, 2), 8, bytes_of(ENTRIES), bgra(PALETTE)), ENTRIES, id="BMP, palette"),
        pytest.param(png(ENTRIES), ENTRIES, id="PNG, gray"),
        pytest.param(pgm(ENTRIES, 3), ENTRIES, id="PGM"),
        pytest.param(tiff(DEEP), DEEP, id="TIFF, gray, 16 bit"),
    ],
)
def test_indices_are_palette_entries_or_grey_values(tmp_path: Path, content: bytes, indices: np.ndarray) -> None:
    read = read_indices(write(tmp_path / "mask", content))
    assert read.dtype == indices.dtype
    np.testing.assert_array_equal(read, indices)


def test_indices_are_turned_like_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x112] = 6
    image = Image.open(io.BytesIO(packed_png(ENTRIES, 8, PALETTE)))
    path = write(tmp_path / "mask.png", saved(image, "PNG", exif=exif))
    np.testing.assert_array_equal(read_indices(path), np.rot90(ENTRIES, -1))
    np.testing.assert_array_equal(read_image(path), PALETTE[np.rot90(ENTRIES, -1)])


@pytest.mark.parametrize("content", [png(RGB), b"P3 1 1 255 1 2 3"], ids=["PNG", "P3"])
def test_colours_without_a_palette_are_no_indices(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableImage, match="has RGB pixels, expected a palette or grey values"):
        read_indices(write(tmp_path / "mask", content))


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
    ("name", "content", "lossy"),
    [
        ("a.jpg", saved(NOISE, "JPEG"), True),
        ("a.png", saved(NOISE, "JPEG"), True),
        ("a.tif", saved(NOISE, "TIFF", compression="jpeg"), True),
        ("b.tif", saved(NOISE, "TIFF", compression="tiff_lzw"), False),
        ("a.jpg", png(NOISE), False),
        ("a.bmp", saved(NOISE, "BMP"), False),
        ("a.jpg.pgm", pgm(GRAY), False),
    ],
)
def test_jpeg_is_lossy_whatever_its_name(tmp_path: Path, name: str, content: bytes, lossy: bool) -> None:
    assert is_lossy(write(tmp_path / name, content)) is lossy


def test_a_file_that_is_not_there_is_neither_lossy_nor_not(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="cannot be read: No such file or directory"):
        is_lossy(tmp_path / "a.jpg")


def test_suffixes_are_lower_case() -> None:
    assert {".pgm", ".ppm", ".pnm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".dcm", ".dicom"} == SUFFIXES
