"""What a segmentation takes over from its image, and what stands in it because something must."""

from __future__ import annotations

import io

from pydicom.dataset import Dataset

from components.foreign import foreign
from components.imaging.files.dicom_dataset import element_name, open_dicom
from components.imaging.files.dicom_mark import PREAMBLE_BYTES, is_dicom
from components.imaging.files.spacing import Spacing, spacing
from components.imaging.files.unreadable import UnreadableImage

_IDENTITY = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality")
_TYPE_2 = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"),
)
"""What must be there, be it empty: PS3.3 C.7.1.1 and C.7.2.1, type 2. Of an image without a place in space also which
way its rows and columns run: C.7.6.1, type 2C."""
_THICKNESS = 1.0
"""In mm, of what has none: a projection, in which everything lies upon each other."""


def completed(image: bytes, given: Spacing | None) -> tuple[Dataset, list[str]]:
    """The header of an image with what a segmentation asks for, and of that what the image does not tell.

    Args:
        image: a DICOM file of one frame.
        given: height and width of a pixel in mm, whatever the image tells.

    Returns:
        The header; and each tag that was made up, with its value and why, for people to read. Empty where the image
        has it all.

    Raises:
        UnreadableImage: no DICOM image of one frame, or without what a segmentation refers to it by.
    """
    if not is_dicom(image[:PREAMBLE_BYTES]):
        raise UnreadableImage("not a DICOM image")
    with foreign(UnreadableImage, "not a whole DICOM image"):
        header = open_dicom(io.BytesIO(image), stop_before_pixels=True)
        missing = [element_name(keyword) for keyword in _IDENTITY if not header.get(keyword)]
        if missing:
            raise UnreadableImage(f"has no {', '.join(missing)}, by which a segmentation refers to its image")
        if int(header.get("NumberOfFrames") or 1) != 1:
            raise UnreadableImage(f"holds {header.NumberOfFrames} frames, expected one")
        type_2 = [*_TYPE_2, "PositionReferenceIndicator"] if "FrameOfReferenceUID" in header else [*_TYPE_2]
        if "ImageOrientationPatient" not in header:
            type_2.append("PatientOrientation")
        notes = [f"{element_name(keyword)}, empty: the image has none" for keyword in type_2 if keyword not in header]
        for keyword in type_2:
            setattr(header, keyword, header.get(keyword))
        return header, notes + _measured(header, given)


def _measured(header: Dataset, given: Spacing | None) -> list[str]:
    """Sets spacing and thickness as far as they can be told."""
    own, detector = (spacing(header.get(keyword) or ()) for keyword in ("PixelSpacing", "ImagerPixelSpacing"))
    found = given or own or detector
    if found is None:
        for keyword in ("PixelSpacing", "SliceThickness"):
            header.pop(keyword, None)
        return []
    notes = []
    if found != own:
        header.PixelSpacing = list(found)
        why = "as it was given" if given else f"that of {element_name('ImagerPixelSpacing')}, of the detector"
        notes.append(f"{element_name('PixelSpacing')}, {found[0]:g} x {found[1]:g} mm: {why}")
    if not header.get("SliceThickness"):
        header.SliceThickness = _THICKNESS
        notes.append(f"{element_name('SliceThickness')}, {_THICKNESS:g} mm: the image has none")
    return notes
