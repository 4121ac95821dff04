"""Label maps as text: what is one, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from found_folders import save

from components.example_gen.layouts.folders import list_folders
from components.example_gen.layouts.paths import list_paths
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import is_of_kind
from components.imaging.files.codecs import (
    LIMITS,
    Limits,
    TooManyPixels,
    UnreadableImage,
    decode_image,
    decode_mask,
)
from components.imaging.files.header import Header, header_of
from components.imaging.files.label_text import SUFFIXES
from components.imaging.truth.mask_files import read_mask
from components.imaging.truth.settings import Mask

ROWS = np.array([[0, 0, 2], [1, 0, 300]])
TEXTS = ["0 0 2\n1 0 300\n", "0,0,2\r\n1,0,300", "0\t0\t2\n1\t0\t300\n\n", " 0;  0; 2\n 1;  0; 300"]


@pytest.mark.parametrize("text", TEXTS)
def test_rows_of_numbers_are_pixels(text: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(decode_mask(text.encode()).pixels, ROWS)
    assert header_of(text.encode()) == Header()
    (tmp_path / "m.txt").write_text(text)
    reading = read_mask(tmp_path / "m.txt", Mask(form="instances"), (), LIMITS)
    np.testing.assert_array_equal(reading.classes, ROWS > 0)
    assert reading.rule == "values above 0, 3 objects"
    with pytest.raises(UnreadableImage, match="neither a PGM"):
        decode_image(text.encode())


def test_small_numbers_are_bytes() -> None:
    assert decode_mask(b"0 255\n1 2\n").pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"0 1\n0 1 2\n", "has rows of 2 to 3 numbers, expected as many in each"),
        (b"0 1\n0 65536\n", "has the number 65536, expected 0 to 65535"),
        (b"1 1\n" * 20_000 + b"1 x\n", "something other than whole numbers"),
    ],
)
def test_what_is_refused_and_why(text: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImage, match=reason):
        decode_mask(text)


def test_no_more_pixels_than_are_allowed() -> None:
    with pytest.raises(TooManyPixels, match="has 2 x 3 = 6 pixels"):
        decode_mask(b"0 1\n" * 3, Limits(5))


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("0 1\n2 3\n", True),
        ("0 1\n" * 40_000, True),
        ("0 0.5 0.5 0.1 0.2\n1 0.5 0.5 0.1 0.2\n", False),
        ("An ultrasound set\n", False),
        ("ImageId,EncodedPixels\n1,2 3\n", False),
        ("0 1 2\n0 1\n", False),
        ("1\n2\n3\n", False),
        ("12 34 56 78\n", False),
        ("", False),
    ],
)
def test_only_a_table_of_whole_numbers_is_a_label_map(text: str, is_one: bool, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(text)
    assert is_of_kind(tmp_path / "a.txt", SUFFIXES) is is_one


FOLDERS: dict[str, Any] = {}
PATHS = {"paths": {"image": "{name}", "masks": ["{name}_gt"]}}


@pytest.mark.parametrize(
    ("listing", "data", "image", "mask"),
    [(list_folders, FOLDERS, "images/{}", "masks/{}"), (list_paths, PATHS, "{}", "{}_gt")],
)
def test_they_are_masks_and_never_images(listing: Any, data: Any, image: str, mask: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(tmp_path / f"{image.format(name)}.png", np.arange(6, dtype=np.uint8).reshape(2, 3))
        path = tmp_path / f"{mask.format(name)}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(TEXTS[0])
    for name in (image.format("c"), mask.format("readme")):
        (tmp_path / f"{name}.txt").write_text(TEXTS[0] if name.endswith("c") else "Masks by two readers\n")
    found = listing(tmp_path, Reading.model_validate(data))
    assert [sample.truth.paths for sample in found.samples] == [(f"{mask.format(n)}.txt",) for n in ("a", "b")]
    assert {reject.kind for reject in found.rejects} <= {"unknown kind of file"}
