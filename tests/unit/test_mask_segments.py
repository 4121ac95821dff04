"""DICOM segmentations as mask files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotated import TASK, drawn
from dicom_files import dicom
from pydicom import dcmread, dcmwrite
from raw_images import write

from components.imaging.annotations.dicom_seg import write_seg
from components.imaging.files.codecs import LIMITS, UnreadableImage
from components.imaging.truth.mask_files import read_mask
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.settings import Mask

MASK = drawn("11.3", "1...", "..33")
IMAGE = dicom(np.zeros(MASK.shape, np.uint16), StudyInstanceUID="1.2", SeriesInstanceUID="1.2.4", Modality="MG")
SEG = write_seg(IMAGE, MASK, TASK, "model", "0.1.0").content


def changed(**elements: Any) -> bytes:
    dataset = dcmread(io.BytesIO(SEG))
    dataset.update(elements)
    file = io.BytesIO()
    dcmwrite(file, dataset)
    return file.getvalue()


def overlapping() -> bytes:
    dataset = dcmread(io.BytesIO(SEG))
    return changed(PixelData=b"\xff" * len(dataset.PixelData))


@pytest.mark.parametrize("form", ["binary", "indices", "instances"])
def test_segments_are_classes_by_their_labels(tmp_path: Path, form: Any) -> None:
    reading = read_mask(write(tmp_path / "m.dcm", SEG), Mask(form=form), TASK.classes, LIMITS)
    np.testing.assert_array_equal(reading.classes, MASK)
    assert reading.rule == "segments"


def test_of_another_order_of_classes_the_labels_count(tmp_path: Path) -> None:
    reading = read_mask(write(tmp_path / "m", SEG), Mask(), TASK.classes[::-1], LIMITS)
    np.testing.assert_array_equal(reading.classes, np.where(MASK > 0, 4 - MASK, 0))


@pytest.mark.parametrize("content", [SEG, overlapping()])
def test_of_one_class_they_are_united(tmp_path: Path, content: bytes) -> None:
    reading = read_mask(write(tmp_path / "m", content), Mask(), ["tumour"], LIMITS)
    np.testing.assert_array_equal(reading.classes, MASK > 0 if content == SEG else MASK >= 0)


def test_what_is_outside_of_a_region_is_ignored(tmp_path: Path) -> None:
    region = np.arange(4) < 2 + np.zeros((3, 1))
    reading = read_mask(write(tmp_path / "m", SEG), Mask(), TASK.classes, LIMITS, region)
    np.testing.assert_array_equal(reading.classes, np.where(region, MASK, 255))


@pytest.mark.parametrize(
    ("content", "classes", "error", "reason"),
    [
        (overlapping(), TASK.classes, UnclearMask, "segment 3 overlaps another: a pixel is of one class"),
        (SEG, ["one", "two"], UnclearMask, "of class .*, expected one or two"),
        (changed(SegmentationType="FRACTIONAL"), [], UnreadableImage, "of type FRACTIONAL, expected a BINARY"),
    ],
)
def test_what_is_unclear_is_named(tmp_path: Path, content: bytes, classes: Any, error: Any, reason: str) -> None:
    with pytest.raises(error, match=reason):
        read_mask(write(tmp_path / "m", content), Mask(), classes, LIMITS)
