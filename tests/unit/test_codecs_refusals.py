"""Image files that are refused by name: cut, damaged, ambiguous, too large, missing."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from image_contents import (
    DEEP,
    DEEP_RGB,
    ENTRIES,
    GRAY,
    NOISE,
    NOISE_JPG,
    PALETTE,
    RGB,
    bgr_rows,
    bgra,
    bytes_of,
    damaged,
    saved,
    with_alpha,
)
from PIL import Image
from raw_images import bmp, claim_png_size, gif, packed_png, packed_row, pgm, png, tiff, write

from components.imaging.files.codecs import (
    Limits,
    TooManyPixels,
    UnreadableImage,
    decode_image,
    decode_indices,
    read_image,
)

RAMP = np.add.outer(np.arange(64), np.arange(64) ** 2 // 40).astype(np.uint8)


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
        pytest.param(gif(ENTRIES, PALETTE)[:-3], "GIF", id="GIF, end missing"),
        pytest.param(gif(ENTRIES, PALETTE)[:20], "GIF", id="GIF, palette cut"),
        pytest.param(gif(ENTRIES, PALETTE[:2]), "GIF", id="GIF, entries beyond its palette"),
        pytest.param(saved(NOISE, "GIF")[:2000], "GIF", id="GIF of another writer, cut"),
        pytest.param(saved(NOISE, "TIFF")[:-1], "TIFF", id="TIFF, last byte missing"),
        pytest.param(tiff(GRAY)[:30], "TIFF", id="TIFF, half"),
        pytest.param(tiff(DEEP, tags={273: [5000]}), "TIFF", id="TIFF, strip beyond the end"),
        pytest.param(saved(NOISE, "TIFF", compression="tiff_lzw")[:9000], "TIFF", id="LZW TIFF, cut"),
        pytest.param(
            tiff(RAMP, tags={259: [8]}, data=damaged(zlib.compress(RAMP.tobytes()))), "TIFF", id="Deflate TIFF"
        ),
        pytest.param(tiff(GRAY, tags={259: [32773]}, data=b"\4abcde"), "TIFF", id="PackBits TIFF, a value missing"),
    ],
)
def test_half_a_file_is_not_an_image(tmp_path: Path, content: bytes, kind: str) -> None:
    path = write(tmp_path / "image.png", content)
    with pytest.raises(UnreadableImage, match=f"not a whole {kind} image"):
        read_image(path)
    with pytest.raises(UnreadableImage, match=f"not a whole {kind} image"):
        decode_indices(path.read_bytes())


@pytest.mark.parametrize(
    "cut", [saved(NOISE, "TIFF"), saved(NOISE, "BMP"), saved(NOISE, "GIF"), png(NOISE), NOISE_JPG.tobytes()]
)
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
        pytest.param(b"this is not an image", "GIF, DICOM, NIfTI nor an NRRD file", id="text"),
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
        pytest.param(
            tiff(GRAY, pages=3), "holds several pages, frames or resolutions, expected one", id="TIFF, 3 pages"
        ),
        pytest.param(
            tiff(DEEP_RGB, tags={284: [2], 273: [8, 20, 32], 279: [12, 12, 12]}),
            "16-bit RGB stored colour by colour",
            id="TIFF, 16-bit RGB colour by colour",
        ),
        pytest.param(tiff(with_alpha(RGB) | 1, tags={338: [2]}), "is partly transparent", id="TIFF, transparent"),
        pytest.param(
            saved(GRAY, "TIFF", compression="zstd"), r"as Zstandard \(TIFF compression 50000\)", id="TIFF, zstd"
        ),
        pytest.param(saved(DEEP, "TIFF", compression="zstd"), "as Zstandard", id="TIFF, zstd, 16 bit"),
        pytest.param(saved(RGB, "TIFF", compression="lzma"), "as LZMA .*LZW or Deflate", id="TIFF, LZMA"),
        pytest.param(tiff(RGB, tags={259: [50001]}), "compressed as WebP", id="TIFF, WebP"),
        pytest.param(tiff(RGB, tags={259: [50002]}), "compressed as JPEG XL", id="TIFF, JPEG XL"),
        pytest.param(tiff(RGB, tags={259: [33005]}), "compressed as JPEG 2000", id="TIFF, JPEG 2000"),
        pytest.param(tiff(GRAY, order=">", tags={259: [34887]}), "compressed as LERC", id="TIFF, LERC"),
        pytest.param(tiff(GRAY, tags={259: [34661]}), "compressed as JBIG", id="TIFF, JBIG"),
        pytest.param(tiff(GRAY, tags={259: [6]}), "compressed as JPEG of the old kind", id="TIFF, old JPEG"),
        pytest.param(tiff(GRAY, tags={259: [12345]}), "compressed as 12345, which is not read", id="TIFF, unknown"),
        pytest.param(
            saved(GRAY, "PNG", save_all=True, append_images=[Image.fromarray(GRAY[::-1])]),
            "holds several pages, frames or resolutions, expected one",
            id="animated PNG",
        ),
        pytest.param(gif(ENTRIES, PALETTE, frames=3), "holds several pages, frames or resolutions", id="animated GIF"),
        pytest.param(gif(ENTRIES, PALETTE, (5, 4)), "does not fill its 5 x 4 pixels", id="GIF, frame smaller"),
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
        pytest.param(gif(ENTRIES, PALETTE, (60000, 50000)), id="GIF"),
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
            decode_indices(path.read_bytes())


@pytest.mark.parametrize(
    "content",
    [
        *(pgm(GRAY), png(GRAY), saved(GRAY, "JPEG"), tiff(GRAY), bmp((3, 2), 24, bgr_rows(RGB))),
        *(gif(ENTRIES, PALETTE), b"P2 3 2 9\n0 1 2 3 4 5"),
    ],
    ids=["PGM", "PNG", "JPEG", "TIFF", "BMP", "GIF", "P2"],
)
def test_the_limit_counts_pixels_and_can_be_reached(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "image", content)
    assert read_image(path, limits=Limits(6)).shape[:2] == (2, 3)
    with pytest.raises(TooManyPixels, match="3 x 2 = 6 pixels, more than the 5 that are allowed"):
        read_image(path, limits=Limits(5))


def test_the_limit_is_not_that_of_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for content in (png(GRAY), tiff(GRAY), saved(GRAY, "JPEG"), saved(GRAY, "BMP"), saved(GRAY, "GIF")):
            assert decode_image(content).shape[:2] == (2, 3)
        assert decode_indices(packed_png(ENTRIES, 2, PALETTE)).shape == (2, 3)


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
    for read in (read_image, lambda path: decode_indices(path.read_bytes())):
        with pytest.raises(
            UnreadableImage, match="not a whole PNG image: cut short, or the length of a chunk is damaged"
        ):
            read(path)


def test_nor_does_one_behind_the_end_of_a_png_without_pixels() -> None:
    with pytest.raises(UnreadableImage, match="not a whole PNG image: has no pixels before its end"):
        decode_image(png(GRAY)[:33] + png(GRAY)[-12:] + b"\x3f\xff\xff\xf0IDAT" + bytes(9))


@pytest.mark.parametrize("frames", [b"\0\0\0\1", b"\xca\x2b\xa6\x5a"])
def test_an_animation_that_claims_no_frames_ends_no_process(frames: bytes) -> None:
    """Of the second number of frames Pillow thinks that there is one, and OpenCV breaks."""
    content = saved(Image.fromarray(NOISE), "PNG", save_all=True, append_images=[Image.fromarray(NOISE[::-1])])
    begin = content.index(b"acTL")
    chunk = b"acTL" + frames + content[begin + 8 : begin + 12]
    content = content[:begin] + chunk + struct.pack(">I", zlib.crc32(chunk)) + content[begin + 16 :]
    with pytest.raises(UnreadableImage, match="is an animation, expected one image"):
        decode_image(content)


@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"byteorder": ">"}], ids=str)
@pytest.mark.parametrize("read", [decode_image, decode_indices])
def test_a_tile_cannot_claim_memory(
    tmp_path: Path, read: Callable[[bytes], np.ndarray], options: dict[str, Any]
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((10, 10), np.uint8), tile=(64, 64), compression="zlib", metadata=None, **options)
    content = path.read_bytes()
    assert read(content).shape == (10, 10)
    with tifffile.TiffFile(path) as file:
        tags = [file.pages.first.tags[name] for name in ("Software", "TileWidth", "TileLength")]
        order = file.byteorder
    claims = bytearray(content)
    for tag in tags[1:]:
        struct.pack_into(f"{order}I", claims, tag.valueoffset, 16000)
    # Behind a tag whose value is not there Pillow reads none.
    struct.pack_into(f"{order}I", claims, tags[0].offset + (12 if "bigtiff" in options else 8), 2**30)
    with pytest.raises(UnreadableImage, match="has tiles of 16000 x 16000 pixels for 100 in all: save it anew"):
        read(bytes(claims))
    struct.pack_into(f"{order}H", claims, tags[1].offset + 2, 5)
    with pytest.raises(UnreadableImage, match="the sizes of its tiles are no whole numbers"):
        read(bytes(claims))


def test_more_pixels_than_opencv_takes(tmp_path: Path) -> None:
    path = write(tmp_path / "image.png", claim_png_size(png(GRAY), 40000, 40000))
    with pytest.raises(UnreadableImage, match=r"OpenCV refuses it: .*PIXELS"):
        read_image(path, limits=Limits(2_000_000_000))


def test_empty_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="the file is empty"):
        read_image(write(tmp_path / "image.png", b""))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="cannot be read: No such file or directory"):
        read_image(tmp_path / "image.png")
