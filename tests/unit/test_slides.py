"""Slides are read by regions, each as the whole file says; the look at all of one is as if it were in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from slide_files import APERIO, tissue, write_slide

from components.errors import UsageError
from components.imaging.files.codecs import encode_png
from components.imaging.files.unreadable import UnreadableImage
from components.imaging.slides.first_look import look_at, reduced, reduction
from components.imaging.slides.opened import is_slide, open_slide
from components.imaging.slides.slide import read_rows
from components.records.record import intensity

openslide = pytest.importorskip("openslide")
tiffslide = pytest.importorskip("tiffslide")
REGIONS = [(0, 0, 600, 700), (130, 61, 5, 200), (590, 690, 10, 10)]

KINDS: list[dict[str, Any]] = [
    {},
    {"compression": "jpeg"},
    {"compression": "lzw", "predictor": True},
    {"tile": None, "rowsperstrip": 16},
    {"levels": 1},
]


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_region_is_that_of_the_whole(tmp_path: Path, channels: int, options: dict[str, Any]) -> None:
    pixels = tissue(600, 700, channels)
    path = write_slide(tmp_path / "slide.tif", pixels, **options)
    with open_slide(path) as slide, tiffslide.TiffSlide(path) as other:
        assert (slide.height, slide.width, slide.channels, slide.dtype) == (600, 700, channels, np.uint8)
        assert slide.spacing == pytest.approx((0.0005, 0.0005))
        whole = slide.read(0, 0, 600, 700)
        difference = np.abs(whole.astype(int) - pixels)
        assert difference.mean() < 2 if options.get("compression") == "jpeg" else not difference.any()
        for top, left, height, width in REGIONS:
            found = slide.read(top, left, height, width)
            np.testing.assert_array_equal(found, whole[top : top + height, left : left + width])
            theirs = np.asarray(other.read_region((left, top), 0, (width, height)))
            np.testing.assert_array_equal(found, theirs)
        np.testing.assert_array_equal(read_rows(slide, 3, 100), slide.read(3, 0, 100, 700))


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_sixteen_bits_are_kept(tmp_path: Path, photometric: str) -> None:
    pixels = tissue(100, 130, 1, np.uint16)
    with open_slide(write_slide(tmp_path / "deep.tif", pixels, photometric=photometric)) as slide:
        found = slide.read(0, 0, 100, 130)
    np.testing.assert_array_equal(found if photometric == "minisblack" else ~found, pixels)


def test_slides_of_scanners_are_read_by_openslide(tmp_path: Path) -> None:
    pixels = tissue(600, 700)
    path = write_slide(tmp_path / "slide.svs", pixels, 1, compression="jpeg", description=APERIO)
    assert openslide.OpenSlide.detect_format(path) == "aperio"
    with open_slide(path) as slide:
        assert slide.spacing == pytest.approx((0.0005, 0.0005))
        np.testing.assert_allclose(slide.read(100, 50, 300, 400), pixels[100:400, 50:450], atol=12)


def test_tiles_that_claim_more_than_memory_end_no_process(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "slide.svs", tissue(100, 130), 1, compression="jpeg", description=APERIO)
    tag = b"\x42\x01\4\0\1\0\0\0"
    path.write_bytes(path.read_bytes().replace(tag + b"\x40\0\0\0", tag + b"\0\0\0\x40"))
    with pytest.raises(UnreadableImage, match="tiles of 1073741824 x 64 pixels"), open_slide(path):
        pass


def test_which_files_are_read_by_regions(tmp_path: Path) -> None:
    pixels = tissue(64, 64)
    (tmp_path / "a.png").write_bytes(encode_png(pixels))
    (tmp_path / "broken.tif").write_bytes(b"II*\0\xff\xff\xff\xff")
    one = write_slide(tmp_path / "one.tif", pixels, 1)
    two = tmp_path / "two.tif"
    tifffile.imwrite(two, np.stack([pixels, pixels]), photometric="rgb")
    kinds = [
        is_slide(tmp_path / name) for name in ("a.png", "broken.tif", "nowhere.tif", "b.SVS", "one.tif", "two.tif")
    ]
    assert kinds == [False, False, False, True, False, True]
    assert is_slide(one, max_pixels=64 * 64 - 1)


def several(path: Path) -> None:
    with tifffile.TiffWriter(path) as writer:
        for side in (64, 48, 80):
            writer.write(tissue(side, side), photometric="rgb", metadata=None)


def one_strip(path: Path) -> None:
    tifffile.imwrite(path, np.zeros((8200, 8200), np.uint8), rowsperstrip=8200, compression="deflate")


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: tifffile.imwrite(path, tissue(64, 64, 1, np.uint8).astype(np.float32)), "float32 pixels"),
        (lambda path: tifffile.imwrite(path, np.zeros((2, 64, 64, 3), np.uint8), photometric="rgb"), "2 images"),
        (several, "3 images"),
        (
            lambda path: tifffile.imwrite(path, tissue(64, 64), compression="zstd"),
            r"Zstandard \(TIFF compression 50000\)",
        ),
        (lambda path: tifffile.imwrite(path, np.zeros((64, 64, 5), np.uint8), planarconfig="contig"), "5 channels"),
        (lambda path: tifffile.imwrite(path, tissue(64, 64), extratags=[(274, 3, 1, 6, True)]), "a turn by 90 degrees"),
        (
            lambda path: tifffile.imwrite(
                path, np.zeros((3, 64, 64), np.uint8), photometric="rgb", planarconfig="separate"
            ),
            "one by one",
        ),
        (one_strip, "pieces of 8200 x 8200 pixels"),
        (
            lambda path: path.write_bytes(
                write_slide(path, tissue(64, 64), 1).read_bytes().replace(b"\x43\x01\4\0", b"\x43\x7f\4\0")
            ),
            "pieces of 64 x 0 pixels",
        ),
        (lambda path: path.write_bytes(b"II*\0\xff\xff\xff\xff"), "cannot be read as a slide"),
        (lambda path: path.write_bytes(b""), "cannot be read as a slide"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, write: Any, said: str) -> None:
    write(tmp_path / "slide.tif")
    with pytest.raises(UnreadableImage, match=said), open_slide(tmp_path / "slide.tif"):
        pass


def test_damage_is_named_where_it_is(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "slide.tif", tissue(600, 700), 1)
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        offset, length = page.dataoffsets[11], page.databytecounts[11]
    content = bytearray(path.read_bytes())
    content[offset : offset + length] = bytes(length)
    path.write_bytes(content)
    with open_slide(path) as slide:
        slide.read(0, 0, 64, 700)
        with pytest.raises(UnreadableImage, match="damaged near row 64, column 0"):
            slide.read(64, 0, 64, 700)


def test_a_tile_that_claims_more_is_not_decoded(tmp_path: Path) -> None:
    path = write_slide(tmp_path / "slide.tif", tissue(64, 64, 1), 1, compression="jpeg")
    content = bytearray(path.read_bytes())
    frame = content.index(b"\xff\xc0")
    content[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    with open_slide(path) as slide, pytest.raises(UnreadableImage, match="claims 65535 x 65535 pixels, not 64 x 64"):
        slide.read(0, 0, 64, 64)


def test_without_the_extra_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openslide", None)
    path = write_slide(tmp_path / "slide.tif", tissue(64, 64))
    with pytest.raises(UsageError, match=r"openslide is missing: pip install 'maskline\[slides\]'"), open_slide(path):
        pass


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_look_by_rows_is_as_if_all_were_in_memory(tmp_path: Path, dtype: Any) -> None:
    pixels = tissue(4501, 300, 3, dtype)
    with open_slide(write_slide(tmp_path / "slide.tif", pixels, 1, tile=(256, 256))) as slide:
        look = look_at(slide, lambda rows: rows)
    assert look.moments == pytest.approx(intensity(pixels), abs=1e-9)
    assert reduction(4501, 300) == 2
    assert look.picture.shape == (2251, 150, 3)
    np.testing.assert_array_equal(look.picture, reduced(pixels, 2))
    np.testing.assert_allclose(look.picture[7, 9], pixels[14:16, 18:20].mean(axis=(0, 1)), atol=0.51)
