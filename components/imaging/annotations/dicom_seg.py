"""DICOM segmentations (SEG): the classes of a mask as segments that refer to the image, binary, a frame for each.

A plain film (MG, CR, DX) tells less than a segmentation must: what stands in it because something had to is listed.
Written by highdicom, read by `components.imaging.annotations.dicom_segments`.
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
from pydicom.uid import generate_uid

from components.errors import UsageError
from components.foreign import foreign
from components.imaging.annotations.dicom_header import completed
from components.imaging.annotations.dicom_segments import LABEL
from components.imaging.files.spacing import Spacing
from components.imaging.files.unreadable import UnreadableImage
from components.imaging.truth.classes import IGNORE
from components.task import Task

_LEAST_PIXELS = 8
"""Of smaller frames highdicom 0.28.2 pads each to a byte, though they follow each other bit by bit."""


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
            segment_label=name[:LABEL],
            segmented_property_category=category,
            segmented_property_type=highdicom.sr.CodedConcept(f"class-{index}", "99MASKLINE", name[:LABEL]),
            algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
            algorithm_identification=algorithm,
            display_color=highdicom.color.CIELabColor.from_rgb(*task.colour(index)),
        )
        for index, name in enumerate(task.classes, 1)
    ]
