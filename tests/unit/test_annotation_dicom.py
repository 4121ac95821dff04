"""DICOM segmentations: read back by pydicom and by highdicom, and what was made up for them."""

from __future__ import annotations

import io
import sys
from typing import Any

import highdicom
import numpy as np
import pytest
from annotated import TASK, drawn, masks
from dicom_files import dicom
from hypothesis import given, settings
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation as Mammogram

from components.errors import UsageError
from components.imaging.annotations.dicom_seg import Segmentation, write_seg
from components.imaging.annotations.dicom_segments import read_seg, united
from components.imaging.files.dicom_dataset import element_name
from components.imaging.files.unreadable import TooManyPixels, UnreadableImage
from components.imaging.truth.shapes import UnclearShape
from components.task import Task

MASK = drawn("11.3", "1..x", "..33")
IDENTITY = {"StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.4", "Modality": "MG", "SOPClassUID": Mammogram}
PATIENT = {
    **{"PatientName": "Müller^Ä", "PatientID": "7", "PatientBirthDate": "19700101", "PatientSex": "F"},
    **{"StudyID": "1", "StudyDate": "20200101", "StudyTime": "120000", "AccessionNumber": "9"},
    **{"ReferringPhysicianName": "Who", "SpecificCharacterSet": "ISO_IR 100"},
}
FILM = PATIENT | {"ImagerPixelSpacing": [0.07, 0.08], "PatientOrientation": ["P", "F"]}


def film(shape: tuple[int, int] = MASK.shape, **elements: Any) -> bytes:
    return dicom(np.zeros(shape, np.uint16), **IDENTITY | elements)


def seg(image: bytes, mask: np.ndarray = MASK, task: Task = TASK, **given: Any) -> Segmentation:
    return write_seg(image, mask, task, "1796035070", "0.1.0", **given)


def changed(content: bytes, **elements: Any) -> bytes:
    dataset = dcmread(io.BytesIO(content))
    dataset.update(elements)
    file = io.BytesIO()
    dcmwrite(file, dataset)
    return file.getvalue()


@given(masks(least=3))
@settings(max_examples=30)
def test_masks_come_back(mask: np.ndarray) -> None:
    content = seg(film(mask.shape, **FILM), mask).content
    np.testing.assert_array_equal(read_seg(content, TASK, 1000), mask)


def test_highdicom_reads_the_same() -> None:
    content = seg(film(**FILM)).content
    theirs = highdicom.seg.segread(io.BytesIO(content))
    pixels = theirs.get_pixels_by_source_instance(["1.2.3"], combine_segments=True)
    np.testing.assert_array_equal(pixels[0], read_seg(content, TASK, 1000))
    assert [theirs.get_segment_description(number).segment_label for number in (1, 2, 3)] == TASK.classes
    assert str(theirs.PatientName) == "Müller^Ä"


def test_segments_are_united_whatever_they_are_called() -> None:
    np.testing.assert_array_equal(united(seg(film()).content, 1000), (MASK > 0) & (MASK < 255))


def test_pixels_that_are_not_judged_are_in_no_segment() -> None:
    np.testing.assert_array_equal(read_seg(seg(film()).content, TASK, 1000), np.where(MASK == 255, 0, MASK))


def test_the_same_has_the_same_uids() -> None:
    first, again, other = (
        dcmread(io.BytesIO(seg(film(), mask).content)) for mask in (MASK, MASK, MASK.T.reshape(3, 4))
    )
    assert first.SOPInstanceUID == again.SOPInstanceUID != other.SOPInstanceUID
    assert first.SeriesInstanceUID == again.SeriesInstanceUID == other.SeriesInstanceUID


@pytest.mark.parametrize(
    ("elements", "given", "invented"),
    [
        (FILM | {"PixelSpacing": [0.1, 0.1], "SliceThickness": 2}, None, []),
        (
            FILM,
            None,
            [
                "Pixel Spacing (0028,0030), 0.07 x 0.08 mm: that of Imager Pixel Spacing (0018,1164), of the detector",
                "Slice Thickness (0018,0050), 1 mm: the image has none",
            ],
        ),
        (
            FILM | {"PixelSpacing": [0.1, 0.1], "SliceThickness": 2, "FrameOfReferenceUID": "1.2.9"},
            (0.2, 0.2),
            [
                "Position Reference Indicator (0020,1040), empty: the image has none",
                "Pixel Spacing (0028,0030), 0.2 x 0.2 mm: as it was given",
            ],
        ),
        (
            {keyword: value for keyword, value in PATIENT.items() if keyword != "PatientID"},
            None,
            [
                "Patient ID (0010,0020), empty: the image has none",
                "Patient Orientation (0020,0020), empty: the image has none",
            ],
        ),
        (
            PATIENT | {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0], "ImagePositionPatient": [0, 0, 0]},
            None,
            [],
        ),
    ],
    ids=["all told", "film", "given", "no spacing", "in space"],
)
def test_what_is_made_up_is_listed(elements: dict[str, Any], given: Any, invented: list[str]) -> None:
    image = film(**elements)
    written = seg(image, given=given)
    assert written.invented == invented
    # What the segmentation says of patient, study and space stands in the image, or in the list.
    theirs, source = dcmread(io.BytesIO(written.content)), dcmread(io.BytesIO(image))
    shared = theirs.SharedFunctionalGroupsSequence[0].get("PixelMeasuresSequence", [Dataset()])[0]
    told = [each for each in theirs if each.tag.group in (0x0010, 0x0020, 0x0032, 0x0040)] + [*shared]
    told += [theirs[keyword] for keyword in PATIENT if keyword in theirs]
    assert "ImageOrientationPatient" in source or "PatientOrientation" in theirs
    own = ("SeriesInstanceUID", "SeriesNumber", "InstanceNumber", "SpecificCharacterSet")
    for element in told:
        if element.keyword not in own and not element.keyword.startswith("Dimension"):
            listed = any(line.startswith(element_name(element.keyword)) for line in invented)
            assert listed or str(source[element.keyword].value) == str(element.value), element


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (b"no DICOM", "not a DICOM image"),
        (film(StudyInstanceUID=""), r"has no Study Instance UID \(0020,000D\), by which a segmentation refers"),
        (film(NumberOfFrames=2), "holds 2 frames, expected one"),
        (film((4, 3)), "has 3 x 4 pixels, its mask 4 x 3"),
        (film(PatientSex="X"), "no segmentation can be made of this DICOM image: 'X'"),
    ],
)
def test_images_that_no_segmentation_can_refer_to_are_named(image: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImage, match=reason):
        seg(image)


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (film(), UnreadableImage, "is of type None, expected a BINARY segmentation"),
        (seg(film()).content[:-2], UnreadableImage, "not a whole DICOM segmentation"),
        (changed(seg(film()).content, Rows=60_000), TooManyPixels, "4 x 60000 = 240000 pixels"),
        (seg(film(), task=Task(classes=["a", "b", "c"])).content, UnclearShape, "of class 'a', expected benign"),
        (changed(seg(film()).content, PixelData=b"\xff\xff\xff\x00"), UnclearShape, "segment 3 overlaps another"),
    ],
    ids=["no segmentation", "cut short", "too large", "other classes", "overlap"],
)
def test_what_is_no_segmentation_of_the_task_is_named(content: bytes, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        read_seg(content, TASK, 1000)


def test_classes_that_the_task_has_not_are_refused() -> None:
    with pytest.raises(UnreadableImage, match="no segmentation can be made"):
        seg(film(), task=Task(classes=["benign"]))


def test_frames_smaller_than_a_byte_are_refused() -> None:
    with pytest.raises(UnreadableImage, match="has 6 pixels, fewer than the 8"):
        seg(film((2, 3)), MASK[:2, :3])


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    content = seg(film()).content
    monkeypatch.setitem(sys.modules, "highdicom", None)
    with pytest.raises(UsageError, match=r"install 'maskline\[annotations\]'"):
        seg(film())
    assert read_seg(content, TASK, 1000).any()
