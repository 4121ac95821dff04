"""The size of pixels: from files as they are found, through a record, to the distances of an evaluation."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from compared import SQUARE, drawn
from dicom_files import EIGHT, dicom
from evaluated import IDENTITY, settings
from PIL import Image, TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from raw_images import write

from components.evaluator.core import measure, metrics
from components.example_gen.core import derive, read_source, views
from components.example_gen.samples import MaskFiles, Sample
from components.example_gen.settings import DataSettings
from components.imaging.files.codecs import encode_png
from components.imaging.files.header import header_of
from components.records.sources import judged_pixel
from components.records.tfexample import parse, serialize


def tiff(across: float | str | bytes, down: float, unit: int | None = 2, orientation: int = 1) -> bytes:
    """Of 20 x 30 pixels with this resolution."""
    tags = ImageFileDirectory_v2()
    tags.tagtype[282] = {str: TiffTags.ASCII, bytes: TiffTags.UNDEFINED}.get(type(across), TiffTags.RATIONAL)
    tags[282], tags[283], tags[274] = across, down, orientation
    if unit:
        tags[296] = unit
    buffer = io.BytesIO()
    Image.fromarray(np.arange(600, dtype=np.uint8).reshape(20, 30)).save(buffer, "TIFF", tiffinfo=tags)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (dicom(EIGHT, PixelSpacing=[0.1, 0.2]), (0.1, 0.2)),
        (dicom(EIGHT, ImagerPixelSpacing=[0.07, 0.07]), (0.07, 0.07)),
        (dicom(EIGHT, PixelSpacing=[0.1, 0.1], ImagerPixelSpacing=[0.2, 0.2]), (0.1, 0.1)),
        (dicom(EIGHT, set_empty={"PixelSpacing": None}, ImagerPixelSpacing=[0.2, 0.2]), (0.2, 0.2)),
        (dicom(EIGHT, PixelSpacing=[0, 0.1]), None),
        (dicom(EIGHT, PixelSpacing=0.1), None),
        (dicom(EIGHT), None),
        (tiff(254, 508), (0.05, 0.1)),
        (tiff(100, 200, unit=3), (0.05, 0.1)),
        (tiff(254, 508, orientation=6), (0.1, 0.05)),
        (tiff(254, 508, unit=1), None),
        (tiff(72, 72), None),
        (tiff(96, 96), None),
        (tiff(0, 0), None),
        (encode_png(EIGHT), None),
        (b"P5 2 2 255 0123", None),
    ],
)
def test_what_files_tell(content: bytes, expected: tuple[float, float] | None) -> None:
    assert header_of(content).spacing() == (None if expected is None else pytest.approx(expected))


def test_as_it_is_stored_a_turn_changes_nothing() -> None:
    assert header_of(tiff(254, 508, orientation=6)).spacing(upright=False) == pytest.approx((0.05, 0.1))


@pytest.mark.parametrize("value", ["wide", "1e400", b"\1\2\3\4"])
def test_a_resolution_that_is_no_number_costs_no_image(value: str | bytes) -> None:
    assert header_of(tiff(value, 254)).spacing() is None


@pytest.mark.parametrize("value", [b"abc\\0.1", b"0.1\\\\", b"-1\\-1 ", b"nan\\1"])
def test_values_that_are_none_cost_no_image(value: bytes) -> None:
    whole = dicom(EIGHT, PixelSpacing=[0.25, 0.125])
    assert b"0.25\\0.125" in whole
    assert header_of(whole.replace(b"0.25\\0.125", value.ljust(10))).spacing() is None


@pytest.mark.parametrize(
    ("keys", "expected"),
    [({}, (0.05, 0.1)), ({"spacing_mm": 0.2}, (0.2, 0.2)), ({"spacing_mm": [0.2, 0.3]}, (0.2, 0.3))],
)
def test_in_the_record(tmp_path: Path, keys: dict[str, object], expected: tuple[float, float]) -> None:
    write(tmp_path / "a.tif", tiff(254, 508))
    write(tmp_path / "a.png", encode_png(np.eye(20, 30, dtype=np.uint8)))
    data = DataSettings.model_validate({"layout": "folders", "height": 16, "width": 16, **keys})
    source = read_source(tmp_path, Sample("a", "a", "a.tif", MaskFiles(("a.png",))), data)
    [record] = derive(source, views(source, data), data, "test")
    again = parse(serialize(record))
    assert again.spacing == pytest.approx(expected)
    # A pixel of the letterbox shows 30 / 16 by 30 / 16 pixels of the source, but for the rounding of its height.
    assert judged_pixel(again, "mm") == pytest.approx((expected[0] * 20 / 11, expected[1] * 30 / 16))


@pytest.mark.parametrize("value", [0.0, -1.0, [0.1], [0.1, 0.1, 0.1], [0.1, 0.0]])
def test_what_is_no_spacing_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="spacing_mm"):
        DataSettings.model_validate({"layout": "folders", "height": 16, "width": 16, "spacing_mm": value})


def test_distances_are_in_millimetres_where_they_are_asked_for() -> None:
    moved = drawn((4, 8, 9, 15))
    asked = settings(surface_tolerance="0.5 mm")
    values = measure(IDENTITY, SQUARE, moved, 0.1, asked, (1.0, 0.2)).classes["foreground"].values
    assert values["hd95"] == pytest.approx(0.6)
    assert {each.unit for each in asked.measures if "distance" in each.title} == {"mm"}
    case = measure(IDENTITY, SQUARE, moved, 0.1, asked, None)
    unknown = case.classes["foreground"].values
    assert np.isnan([unknown[name] for name in ("hd95", "surface_dice", "average_surface_distance")]).all()
    [note] = metrics([case], None, None, asked)["notes"]
    assert note.startswith("1 of 1 cases do not tell the size of their pixels")
