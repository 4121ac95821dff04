"""PNG and JPEG files by rows: the same pixels as of the reader that holds all, and what is refused."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_contents import saved
from PIL import Image
from raw_images import claim_png_size, packed_png, png, write
from slide_files import tissue

from components.errors import UsageError
from components.imaging.files.codecs import read_image
from components.imaging.files.unreadable import UnreadableImage
from components.imaging.slides.first_look import look_at
from components.imaging.slides.opened import is_slide, load_reader, open_slide
from components.imaging.slides.slide import read_rows

pytest.importorskip("pyvips")
HEIGHT, WIDTH = 150, 70
NOISE = np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH, 4)).astype(np.uint16)
EIGHT = (NOISE >> 8).astype(np.uint8)
PALETTE = np.random.default_rng(1).integers(0, 256, (16, 3)).astype(np.uint8)
LIKE = Image.fromarray(tissue(HEIGHT, WIDTH))

KINDS: dict[str, bytes] = {
    **{f"{each.dtype} {n} channels": png(each[..., :n]) for each in (EIGHT, NOISE) for n in (2, 3, 4)},
    **{f"{each.dtype} gray": png(each[..., 0]) for each in (EIGHT, NOISE)},
    **{f"{bits} bit": packed_png(EIGHT[..., 0] >> (8 - bits), bits) for bits in (1, 2, 4)},
    "palette": packed_png(EIGHT[..., 0] >> 4, 4, PALETTE),
    "transparent palette": saved(LIKE.quantize(16), "PNG", transparency=bytes(range(16))),
    "transparent gray": saved(Image.fromarray(EIGHT[..., 0]), "PNG", transparency=7),
    "jpeg": saved(LIKE, "JPEG", quality=80),
    "jpeg, colours in full": saved(Image.fromarray(EIGHT[..., :3]), "JPEG", quality=95, subsampling=0),
    "gray jpeg": saved(LIKE.convert("L"), "JPEG"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_the_reader_that_holds_all(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "image[1]", KINDS[kind])
    expected = read_image(path)
    with open_slide(path) as slide:
        assert (slide.height, slide.width, slide.dtype, slide.spacing) == (HEIGHT, WIDTH, expected.dtype, None)
        assert slide.channels == (1 if expected.ndim == 2 else 3)
        np.testing.assert_array_equal(slide.read(0, 0, HEIGHT, WIDTH), expected)
        # Backwards, on from there with rows in common, then far ahead.
        for top, height in ((3, 10), (9, 20), (15, 4), (140, 10), (0, 1)):
            np.testing.assert_array_equal(read_rows(slide, top, height), expected[top : top + height])
            np.testing.assert_array_equal(slide.read(top, 5, height, 7), expected[top : top + height, 5:12])


def test_nothing_changes_for_files_that_memory_holds(tmp_path: Path) -> None:
    for name in ("jpeg", "uint16 gray", "palette"):
        path = write(tmp_path / name, KINDS[name])
        assert [is_slide(path), is_slide(path, HEIGHT * WIDTH), is_slide(path, HEIGHT * WIDTH - 1)] == [0, 0, 1]
    large = write(tmp_path / "large.png", claim_png_size(KINDS["uint16 gray"], 10001, 10000))
    assert is_slide(large)
    assert not is_slide(write(tmp_path / "broken.png", large.read_bytes()[:20]))


def damaged(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(20) + content[middle + 20 :]


def interlaced(content: bytes) -> bytes:
    header = content[12:28] + b"\1"
    return content[:12] + header + zlib.crc32(header).to_bytes(4, "big") + content[33:]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (KINDS["jpeg"][:-2], "cut short near row"),
        (KINDS["jpeg"][: len(KINDS["jpeg"]) // 2], "cut short near row"),
        (KINDS["jpeg, colours in full"][:9000] + b"\xff\xd9", "damaged or cut short near row"),
        (damaged(KINDS["uint16 gray"]), "damaged or cut short near row"),
        (KINDS["uint8 gray"][:-30], "not a whole PNG image: cut short"),
        (saved(LIKE, "JPEG", progressive=True), "is a progressive JPEG"),
        (interlaced(KINDS["uint8 gray"]), "is interlaced"),
        (saved(LIKE.convert("CMYK"), "JPEG"), "has CMYK colours"),
        (saved(LIKE, "PNG", save_all=True, append_images=[LIKE.rotate(90)]), "holds several pages"),
        (saved(LIKE, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\0\0\0\0"), "a turn by 90"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = write(tmp_path / "image", content)
    with pytest.raises(UnreadableImage, match=said), open_slide(path) as slide:
        look_at(slide, lambda rows: rows)


def test_damage_is_told_again_to_who_asks_again(tmp_path: Path) -> None:
    path = write(tmp_path / "image", KINDS["jpeg, colours in full"][:9000] + b"\xff\xd9")
    with open_slide(path) as slide:
        for _ in range(2):
            with pytest.raises(UnreadableImage, match="cut short near row"):
                read_rows(slide, 40, 100)


def test_an_orientation_is_found_behind_the_pixels(tmp_path: Path) -> None:
    turned = saved(LIKE, "PNG", exif=b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\3\0\0\0\0\0\0\0")
    begin = turned.index(b"eXIf") - 4
    chunk = turned[begin : begin + 12 + int.from_bytes(turned[begin : begin + 4], "big")]
    without = turned.replace(chunk, b"")
    path = write(tmp_path / "image", without[:-12] + chunk + without[-12:])
    with pytest.raises(UnreadableImage, match="a turn by 180 degrees"), open_slide(path):
        pass
    with open_slide(path, upright=False) as slide:
        np.testing.assert_array_equal(read_rows(slide, 0, HEIGHT), np.asarray(LIKE))


def test_without_the_extra_only_pixels_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "image", KINDS["jpeg"])
    modules: Any = sys.modules
    monkeypatch.setitem(modules, "pyvips", None)
    said = r"pyvips is missing: pip install 'maskline\[slides\]'"
    with pytest.raises(UsageError, match=said):
        load_reader(path)
    with open_slide(path) as slide:
        assert (slide.height, slide.width) == (HEIGHT, WIDTH)
        with pytest.raises(UsageError, match=said):
            slide.read(0, 0, 1, 1)
