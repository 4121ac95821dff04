"""Outlines of cells by category, written out byte by byte."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest

from components.errors import UsageError
from components.example_gen.drawing import place
from components.example_gen.layouts.settings import Reading
from components.example_gen.layouts.sipakmed import list_sipakmed, patterns
from components.example_gen.samples import Drawing, Listing, Sample
from components.imaging.truth.shapes import Polygon, Shape, rasterized

SQUARE = b"2,1\n6,1\n6,4\n2,4\n"
SQUARE_POINTS = ((2.0, 1.0), (6.0, 1.0), (6.0, 4.0), (2.0, 4.0))
TRIANGLE = b"0,5\n4,5\n0,9\n"
TRIANGLE_POINTS = ((0.0, 5.0), (4.0, 5.0), (0.0, 9.0))


def listing(root: Path, files: dict[str, bytes], **settings: Any) -> Listing:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return list_sipakmed(root, Reading(**settings))


def test_all_cells_of_a_field_are_one_mask(tmp_path: Path) -> None:
    files = {
        "im_Dyskeratotic/001.bmp": b"",
        "im_Dyskeratotic/001_cyt01.dat": SQUARE,
        "im_Dyskeratotic/001_cyt02.dat": TRIANGLE,
        "im_Dyskeratotic/001_nuc01.dat": b"3,2\n4,2\n4,3\n",
    }
    found = listing(tmp_path, files)
    drawing = Drawing((Shape(Polygon(SQUARE_POINTS)), Shape(Polygon(TRIANGLE_POINTS))))
    name = "Dyskeratotic/001"
    sample = Sample(id=name, group=name, image="im_Dyskeratotic/001.bmp", truth=drawing, label="dyskeratotic")
    assert found == Listing((sample,), ())
    mask = rasterized(12, 10, place(drawing, 12, 10))
    assert mask[1:4, 2:6].all()
    assert mask[:5].sum() == 12
    assert mask[5:].sum() == 4 + 3 + 2 + 1


def test_the_published_archive_nests_its_folders(tmp_path: Path) -> None:
    files = {
        f"im_{category}/im_{category}/{name}": content
        for category in ("Parabasal", "Superficial-Intermediate")
        for name, content in {
            "001.bmp": b"",
            "001_cyt01.dat": SQUARE,
            "CROPPED/001_01.bmp": b"",
            "CROPPED/001_01_cyt.dat": SQUARE,
        }.items()
    }
    found = listing(tmp_path, files | {"README.txt": b"", "im_notes.txt": b""})
    assert found.rejects == ()
    assert [(sample.id, sample.label, sample.image) for sample in found.samples] == [
        ("Parabasal/001", "parabasal", "im_Parabasal/im_Parabasal/001.bmp"),
        (
            "Superficial-Intermediate/001",
            "superficial-intermediate",
            "im_Superficial-Intermediate/im_Superficial-Intermediate/001.bmp",
        ),
    ]
    globs = patterns(Reading()).values()
    read = {path for glob in globs for path in tmp_path.glob(glob) if path.is_file()}
    assert read == {tmp_path / name for name in files if "CROPPED" not in name}


@pytest.mark.parametrize(
    "content",
    [
        b"2,1\r\n6,1\r\n6,4\r\n2,4\r\n",
        b"2,1\r6,1\r6,4\r2,4",
        b"\xef\xbb\xbf2,1\n\n 6 , 1 \n6,4\n   \n2,4",
        b"2.0 1.0\n6.0\t1.0\n6e0;4\n+2.000,4.,\n",
    ],
)
def test_odd_files_that_are_clear(tmp_path: Path, content: bytes) -> None:
    [sample] = listing(tmp_path, {"im_A/1.bmp": b"", "im_A/1_cyt01.dat": content}).samples
    assert sample.truth == Drawing((Shape(Polygon(SQUARE_POINTS)),))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the polygon of no points encloses nothing"),
        (b"1,1\n2,2\n", "the polygon of 2 points from x 1, y 1 to x 2, y 2 encloses nothing"),
        (b"1,1\nx,y\n", "line 2: 'x,y' is not `x,y`"),
        (b"1,1\n5\n", "line 2: '5' is not `x,y`"),
        (b"1,1,1\n", "line 1: '1,1,1' is not `x,y`"),
        (b"1,nan\n", "line 1: '1,nan' is not `x,y`"),
        (b"\xff\xfe\x00\x00", "line 1: '\\x00' is not `x,y`"),
        (b"0,0\n5,0\n5," + 400 * b"9", "has coordinates that are no pixels"),
    ],
)
def test_what_is_wrong_with_an_outline_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    """The other cells are fine, but the mask must hold all."""
    files = {"im_A/1.bmp": b"", "im_A/1_cyt01.dat": SQUARE, "im_A/1_cyt02.dat": content}
    [reject] = listing(tmp_path, files).rejects
    assert (reject.source, reject.kind) == ("im_A/1.bmp", "truth")
    assert reject.reason.startswith("im_A/1_cyt02.dat: ")
    assert reason in reject.reason


def test_files_without_their_other_half(tmp_path: Path) -> None:
    files = {
        "im_A/001.bmp": b"",
        "im_A/002_cyt01.dat": SQUARE,
        "im_A/002_cyt02.dat": SQUARE,
        "im_A/003.bmp": b"",
        "im_A/003_nuc01.dat": SQUARE,
        "im_A/004.dat": SQUARE,
        "im_A/005.xcf": b"",
        "im_A/.hidden": b"",
        "im_A/006.bmp": b"",
        "im_A/006.BMP": b"",
        "im_A/006_cyt01.dat": SQUARE,
    }
    found = listing(tmp_path, files)
    assert found.samples == ()
    assert [(reject.source, reject.kind) for reject in found.rejects] == [
        ("im_A/005.xcf", "unknown kind of file"),
        ("im_A/004.dat", "name"),
        ("im_A/001.bmp", "pairing"),
        ("im_A/002_cyt01.dat", "pairing"),
        ("im_A/003.bmp", "pairing"),
        ("im_A/006.BMP", "pairing"),
    ]
    assert "im_A/006.BMP, im_A/006.bmp" in found.rejects[-1].reason


def test_a_field_has_only_the_cells_of_its_own_name(tmp_path: Path) -> None:
    files = {
        "im_A/1.bmp": b"",
        "im_A/1_cyt01.dat": SQUARE,
        "im_A/1_2.bmp": b"",
        "im_A/1_2_cyt01.dat": TRIANGLE,
        "im_A/11.bmp": b"",
        "im_A/11_cyt01.dat": TRIANGLE,
    }
    found = {sample.id: sample.truth for sample in listing(tmp_path, files).samples}
    triangle = Drawing((Shape(Polygon(TRIANGLE_POINTS)),))
    assert found == {"A/1": Drawing((Shape(Polygon(SQUARE_POINTS)),)), "A/1_2": triangle, "A/11": triangle}


FILES = {f"im_{category}/1{end}": SQUARE for category in ("A", "B", "C") for end in (".bmp", "_cyt01.dat")}


def test_categories_as_classes(tmp_path: Path) -> None:
    found = listing(tmp_path, FILES, classes=["c", "A"])
    classes = {sample.id: sample.truth.shapes[0].class_index for sample in found.samples}
    assert classes == {"A/1": 2, "C/1": 1}
    assert [(reject.source, reject.reason) for reject in found.left_out] == [
        ("im_B/1.bmp", "b cells; [data] classes asks for c, A")
    ]
    assert found.sources == 3


def test_classes_that_are_no_category_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"names none of the categories of .*: a, b, c\."):
        listing(tmp_path, FILES, classes=["metaplastic"])


def test_a_folder_without_categories_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no folder im_<Category>"):
        listing(tmp_path, {"001.bmp": b"", "001_cyt01.dat": SQUARE})


@pytest.mark.parametrize(
    "line", [b"1" + b" " * 10**6 + b"x", b"1,2" + b"\t" * 10**6 + b"x", b"1" * 10**6, b"1 ;" * 10**5]
)
def test_a_long_line_is_named_in_time(tmp_path: Path, line: bytes) -> None:
    begin = time.process_time()
    [reject] = listing(tmp_path, {"im_A/1.bmp": b"", "im_A/1_cyt01.dat": SQUARE + line}).rejects
    assert re.fullmatch(r"im_A/1_cyt01.dat: line 5: '1.{0,90}' is not `x,y`", reject.reason)
    assert time.process_time() - begin < 3
