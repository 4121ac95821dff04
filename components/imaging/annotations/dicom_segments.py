"""The segments of DICOM segmentations (SEG) as masks; read by pydicom alone."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import SegmentationStorage

from components.foreign import foreign
from components.imaging.annotations.named import class_index
from components.imaging.files.dicom_dataset import open_dicom
from components.imaging.files.dicom_mark import is_dicom
from components.imaging.files.unreadable import UnreadableImage, check_size
from components.imaging.truth.shapes import UnclearShape
from components.task import Task

LABEL = 64
"""Letters of a segment's label, PS3.5 6.2 (LO)."""


@dataclass(frozen=True)
class Segment:
    """A frame of a segmentation."""

    number: int
    label: str
    inside: np.ndarray
    """bool `(H, W)`."""


def segment_labels(content: bytes) -> list[str] | None:
    """The labels of its segments, in their order; None of a file that is no DICOM segmentation.

    Raises:
        UnreadableImage: damaged.
    """
    if not is_dicom(content):
        return None
    with foreign(UnreadableImage, "not a whole DICOM segmentation"):
        seg = open_dicom(io.BytesIO(content), stop_before_pixels=True)
        if seg.get("SOPClassUID") != SegmentationStorage:
            return None
        return [str(item.SegmentLabel) for item in seg.SegmentSequence]


def segments_of(content: bytes, max_pixels: int) -> Iterator[Segment]:
    """One after the other what stands in a binary segmentation of one image.

    Raises:
        TooManyPixels: its header claims more than `max_pixels`.
        UnreadableImage: damaged, no binary segmentation, or one of several images or planes.
    """
    with foreign(UnreadableImage, "not a whole DICOM segmentation"):
        seg = open_dicom(io.BytesIO(content))
        if seg.get("SOPClassUID") != SegmentationStorage or seg.get("SegmentationType") != "BINARY":
            raise UnreadableImage(f"is of type {seg.get('SegmentationType')}, expected a BINARY segmentation")
        check_size(seg.Columns, seg.Rows, max_pixels)
        syntax = seg.file_meta.TransferSyntaxUID
        if syntax.is_compressed or not syntax.is_little_endian:
            raise UnreadableImage(f"is stored as {syntax.name}, which is not read: save it uncompressed, little endian")
        labels = {item.SegmentNumber: str(item.SegmentLabel) for item in seg.SegmentSequence}
        numbers = [_segment_of(seg, frame) for frame in range(int(seg.NumberOfFrames))]
        if len(set(numbers)) < len(numbers):
            raise UnreadableImage("holds several frames of a segment, expected a segmentation of one image")
        for frame, number in enumerate(numbers):
            yield Segment(number, labels[number], _frame(seg, frame))


def united(content: bytes, max_pixels: int) -> np.ndarray:
    """1 where any segment is, else 0, `(H, W)` uint8, whatever they are called.

    Raises:
        UnreadableImage: as `segments_of`; or there are no segments.
    """
    found = None
    for segment in segments_of(content, max_pixels):
        found = segment.inside if found is None else found | segment.inside
    if found is None:
        raise UnreadableImage("has no frames, expected one for each segment")
    return found.view(np.uint8)


def read_seg(content: bytes, task: Task, max_pixels: int) -> np.ndarray:
    """Class indices `(H, W)` uint8. Labels of segments are names of classes.

    Raises:
        UnreadableImage: as `united`.
        UnclearShape: a segment of a class that the task has not, or segments that overlap.
    """
    mask = None
    for segment in segments_of(content, max_pixels):
        mask = np.zeros(segment.inside.shape, np.uint8) if mask is None else mask
        if mask[segment.inside].any():
            raise UnclearShape(f"segment {segment.number} overlaps another: a pixel is of one class")
        mask[segment.inside] = _class_of(segment.label, task)
    if mask is None:
        raise UnreadableImage("has no frames, expected one for each segment")
    return mask


def _class_of(label: str, task: Task) -> int:
    return class_index(next((name for name in task.classes if name[:LABEL] == label), label), task)


def _segment_of(seg: Dataset, frame: int) -> int:
    """The segment of a frame; where it is the same for all frames it may stand once."""
    groups = seg.PerFrameFunctionalGroupsSequence[frame]
    shared = seg.SharedFunctionalGroupsSequence[0]
    found = groups if "SegmentIdentificationSequence" in groups else shared
    return int(found.SegmentIdentificationSequence[0].ReferencedSegmentNumber)


def _frame(seg: Dataset, frame: int) -> np.ndarray:
    """Which pixels a frame has, bool `(H, W)`. Frames follow each other bit by bit, the first in the lowest bit.

    pydicom 3.0.2 unpacks all frames at once, and single ones wrongly where they cross bytes.
    """
    size = seg.Rows * seg.Columns
    first, last = frame * size, (frame + 1) * size
    packed = np.frombuffer(seg.PixelData, np.uint8)[first // 8 : last // 8 + 1]
    bits = np.unpackbits(packed, bitorder="little")[first % 8 :][:size]
    return bits.reshape(seg.Rows, seg.Columns) > 0
