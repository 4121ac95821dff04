"""DICOM files opened as people find them: without a preamble or a transfer syntax, with elements that are empty."""

from __future__ import annotations

import logging
import warnings
from typing import BinaryIO

from pydicom import dcmread
from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.dataset import FileDataset
from pydicom.filereader import read_dataset
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from components.imaging.files.dicom_mark import PREAMBLE_BYTES, has_preamble
from components.imaging.files.unreadable import UnreadableImage

# Lines without number, each with all of a value, be it a patient's, and without the name of a file.
logging.getLogger("pydicom").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="pydicom")

_REQUIRED = (
    *("SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "PixelRepresentation"),
)
"""Without them the meaning of the pixels would be a guess: PS3.3 C.7.6.3.1, type 1."""
_UNCOMPRESSED: dict[tuple[bool, bool] | tuple[None, None], UID] = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}
"""By whether VRs are implicit, and the byte order little endian."""
_IMAGE_GROUP = 0x0028


def open_dicom(file: BinaryIO, stop_before_pixels: bool = False) -> FileDataset:
    """A file with its transfer syntax. Empty elements of the image are absent; a table or a rescale is whole.

    Raises:
        UnreadableImage: compressed as a whole, or in a way that it does not name.
        Exception: whatever a damaged file makes pydicom raise.
    """
    file.seek(PREAMBLE_BYTES if has_preamble(file.read(PREAMBLE_BYTES)) else 0)
    meta = read_dataset(file, False, True, stop_when=lambda tag, _representation, _length: tag.group != 2)
    # Inflated by pydicom as a whole, whatever size that has.
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise UnreadableImage(f"is stored as {DeflatedExplicitVRLittleEndian.name}, which is not read: save it anew")
    file.seek(0)
    dataset = dcmread(file, stop_before_pixels=stop_before_pixels, force=True)
    for element in dataset.group_dataset(_IMAGE_GROUP):
        if element.is_empty:
            del dataset[element.tag]
    _complete(dataset)
    return dataset


def check_required(dataset: FileDataset) -> None:
    """Raises UnreadableImage: an element is missing without which pixels have no meaning."""
    colour = ("PlanarConfiguration",) if dataset.get("SamplesPerPixel", 1) > 1 else ()
    missing = [element_name(keyword) for keyword in (*_REQUIRED, *colour) if keyword not in dataset]
    if missing:
        raise UnreadableImage(
            f"not a whole DICOM image: has no {', '.join(missing)}, without which its pixels have no meaning: export "
            "it anew, or add what is missing"
        )


def element_name(keyword: str) -> str:
    """An element in the words of the standard, such as `Bits Stored (0028,0101)`."""
    tag = Tag(tag_for_keyword(keyword) or 0)
    return f"{dictionary_description(tag)} ({tag.group:04X},{tag.element:04X})"


def _complete(dataset: FileDataset) -> None:
    """What the standard leaves no choice about."""
    if "RescaleSlope" in dataset or "RescaleIntercept" in dataset:
        dataset.RescaleSlope = dataset.get("RescaleSlope", 1)
        dataset.RescaleIntercept = dataset.get("RescaleIntercept", 0)
    for table in dataset.get("ModalityLUTSequence", ()):
        # Of 12 bits, say, its entries lie in 16; NumPy has no type of 12, which is what pydicom asks for.
        table.LUTDescriptor = [*table.LUTDescriptor[:2], 16]
    if not dataset.file_meta.get("TransferSyntaxUID"):
        if "PixelData" in dataset and dataset["PixelData"].is_undefined_length:
            raise UnreadableImage(
                f"has compressed pixels and no {element_name('TransferSyntaxUID')}, which names the compression: save "
                "it uncompressed"
            )
        dataset.file_meta.TransferSyntaxUID = _UNCOMPRESSED[dataset.original_encoding]
