"""DICOM segmentations (SEG): the classes of a mask as segments that refer to the image, binary, a frame for each.

A plain film (MG, CR, DX) tells less than a segmentation must: what stands in it because something had to is listed.
Written by highdicom, read by pydicom alone.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from hashlib import sha256
from types import ModuleType

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import SegmentationStorage, generate_uid

from components.errors import UsageError
from components.foreign import foreign
from components.imaging.annotations.dicom_header import completed
from components.imaging.annotations.named import class_index
from components.imaging.files.dicom_dataset import open_dicom
from components.imaging.files.spacing import Spacing
from components.imaging.files.unreadable import UnreadableImage, check_size
from components.imaging.truth.classes import IGNORE
from components.imaging.truth.shapes import UnclearShape
from components.task import Task

_LEAST_PIXELS = 8
"""Of smaller frames highdicom 0.28.2 pads each to a byte, though they follow each other bit by bit."""
_LABEL = 64
"""Letters of a segment's label, PS3.5 6.2 (LO)."""


@dataclass(frozen=True)
class Segmentation:
    """A DICOM file, and what of it was made up because the image does not tell it: each tag, its value, and why."""

    content: bytes
    invented: list[str]


def write_seg(
    image: bytes, mask: np.ndarray, task: Task, model: str, version: str, given: Spacing | None = None
) -> Segmentation:
    """The segments of an image, of which each class is one, also where it has no pixel.

    Numbers of segments are class indices, their labels the names of the classes; codes are of a scheme of our own.
    Pixels that are not judged are in no segment. Of the same image, mask and model it has the same UIDs, but for that
    of its dimensions.

    Args:
        image: a DICOM file of one frame.
        mask: class indices `(H, W)` uint8.
        model: names what predicted the mask, as the version of the algorithm.
        version: of the software that writes.
        given: height and width of a pixel in mm, whatever the image tells.

    Raises:
        UsageError: highdicom is not installed.
        UnreadableImage: no DICOM image, of another size, or without what a segmentation refers to it by.
    """
    highdicom = load_highdicom()
    header, invented = completed(image, given)
    if (header.get("Rows"), header.get("Columns")) != mask.shape:
        raise UnreadableImage(
            f"has {header.get('Columns')} x {header.get('Rows')} pixels, its mask {mask.shape[1]} x {mask.shape[0]}"
        )
    if mask.size < _LEAST_PIXELS:
        raise UnreadableImage(f"has {mask.size} pixels, fewer than the {_LEAST_PIXELS} that highdicom writes rightly")
    segments = np.where(mask == IGNORE, 0, mask).astype(np.uint8)
    with foreign(UnreadableImage, "no segmentation can be made of this DICOM image"):
        seg = highdicom.seg.Segmentation(
            source_images=[header],
            pixel_array=segments,
            segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=_descriptions(highdicom, task, model),
            series_instance_uid=generate_uid(entropy_srcs=["series", header.SeriesInstanceUID, model]),
            series_number=1,
            sop_instance_uid=generate_uid(
                entropy_srcs=[header.SOPInstanceUID, model, sha256(segments.tobytes()).hexdigest()]
            ),
            instance_number=1,
            manufacturer="Maskline",
            manufacturer_model_name="Maskline",
            software_versions=version,
            device_serial_number=model,
            content_label="SEGMENTATION",
            omit_empty_frames=bool(segments.any()),
            pixel_measures=_measures(highdicom, header),
            specific_character_set="ISO_IR 192",
        )
        _without_made_up_gap(seg, header)
        if "ImageOrientationPatient" not in header:
            # Which highdicom leaves out.
            seg.PatientOrientation = header.PatientOrientation
        file = io.BytesIO()
        dcmwrite(file, seg, enforce_file_format=True)
        return Segmentation(file.getvalue(), invented)


def read_seg(content: bytes, task: Task, max_pixels: int) -> np.ndarray:
    """Class indices `(H, W)` uint8 of a binary segmentation of one image. Labels of segments are names of classes.

    Raises:
        TooManyPixels: its header claims more than `max_pixels`.
        UnreadableImage: damaged, no binary segmentation, or one of several images or planes.
        UnclearShape: a segment of a class that the task has not, or segments that overlap.
    """
    with foreign(UnreadableImage, "not a whole DICOM segmentation", UnclearShape):
        seg = open_dicom(io.BytesIO(content))
        if seg.get("SOPClassUID") != SegmentationStorage or seg.get("SegmentationType") != "BINARY":
            raise UnreadableImage(f"is of type {seg.get('SegmentationType')}, expected a BINARY segmentation")
        check_size(seg.Columns, seg.Rows, max_pixels)
        syntax = seg.file_meta.TransferSyntaxUID
        if syntax.is_compressed or not syntax.is_little_endian:
            raise UnreadableImage(f"is stored as {syntax.name}, which is not read: save it uncompressed, little endian")
        classes = {item.SegmentNumber: _class_of(item.SegmentLabel, task) for item in seg.SegmentSequence}
        numbers = [_segment_of(seg, frame) for frame in range(int(seg.NumberOfFrames))]
        if len(set(numbers)) < len(numbers):
            raise UnreadableImage("holds several frames of a segment, expected a segmentation of one image")
        mask = np.zeros((seg.Rows, seg.Columns), np.uint8)
        for frame, number in enumerate(numbers):
            inside = _frame(seg, frame)
            if mask[inside].any():
                raise UnclearShape(f"segment {number} overlaps another: a pixel is of one class")
            mask[inside] = classes[number]
        return mask


def load_highdicom() -> ModuleType:
    """Raises UsageError: it is not installed."""
    try:
        import highdicom
    except ImportError as error:
        raise UsageError(
            "highdicom, which writes DICOM SEG, is missing: pip install 'maskline[annotations]'"
        ) from error
    return highdicom


def _measures(highdicom: ModuleType, header: Dataset) -> Dataset | None:
    if "PixelSpacing" not in header:
        return None
    return highdicom.PixelMeasuresSequence(
        pixel_spacing=[float(length) for length in header.PixelSpacing],
        slice_thickness=float(header.SliceThickness),
        spacing_between_slices=header.get("SpacingBetweenSlices"),
    )


def _without_made_up_gap(seg: Dataset, header: Dataset) -> None:
    """highdicom gives one slice a distance to the next."""
    for measures in seg.SharedFunctionalGroupsSequence[0].get("PixelMeasuresSequence", ()):
        if "SpacingBetweenSlices" not in header:
            measures.pop("SpacingBetweenSlices", None)


def _descriptions(highdicom: ModuleType, task: Task, model: str) -> list[Dataset]:
    algorithm = highdicom.AlgorithmIdentificationSequence("Maskline", codes.DCM.ArtificialIntelligence, model)
    category = highdicom.sr.CodedConcept("309825002", "SCT", "Spatial and Relational Concept")
    return [
        highdicom.seg.SegmentDescription(
            segment_number=index,
            segment_label=name[:_LABEL],
            segmented_property_category=category,
            segmented_property_type=highdicom.sr.CodedConcept(f"class-{index}", "99MASKLINE", name[:_LABEL]),
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
            display_color=highdicom.color.CIELabColor.from_rgb(*task.colour(index)),
        )
        for index, name in enumerate(task.classes, 1)
    ]


def _class_of(label: str, task: Task) -> int:
    return class_index(next((name for name in task.classes if name[:_LABEL] == label), label), task)


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
