"""DICOM files as gray or RGB arrays; `components.imaging.files.dicom_values` says what the values of gray ones mean."""

from __future__ import annotations

import io
from contextlib import AbstractContextManager, suppress
from typing import BinaryIO

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, SegmentationStorage

from components.foreign import foreign
from components.imaging.files.dicom_dataset import check_required, open_dicom
from components.imaging.files.dicom_frame import check_stored
from components.imaging.files.dicom_padding import bits_of_tissue, forget_padding, padding_of
from components.imaging.files.dicom_values import rescaled, windowed
from components.imaging.files.header import Header
from components.imaging.files.spacing import spacing
from components.imaging.files.unreadable import UnreadableImage, check_size

_GRAY = frozenset({"MONOCHROME1", "MONOCHROME2"})
_COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
_LOSSY = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless})


def decode_dicom(content: bytes, max_pixels: int, window: bool, padded: bool = True) -> np.ndarray:
    """`(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16; `window` is for gray, whose padding is 0, the darkest level.

    Where it shall not be `padded`, a pixel is what it is, also where the file calls it padding.

    Raises:
        UnreadableImage: damaged, cut short, no or several images, values or a compression that are not read.
    """
    with _damage_named():
        dataset = open_dicom(io.BytesIO(content))
        if not padded:
            forget_padding(dataset)
        _check(dataset, max_pixels)
    with _damage_named(f", stored as {dataset.file_meta.TransferSyntaxUID.name}"):
        check_stored(dataset)
        stored = pixel_array(dataset)
    with _damage_named():
        if dataset.PhotometricInterpretation in _COLOUR:
            return _as_colour(stored)
        padding = padding_of(stored, dataset)
        tissue = stored if padding is None else stored[~padding]
        if not tissue.size:
            raise UnreadableImage("shows padding alone: each of its values is one that Pixel Padding Value names")
        dataset.BitsStored = bits_of_tissue(tissue, dataset)
        pixels = windowed(stored, dataset) if window else rescaled(stored, tissue, dataset)
        if padding is not None:
            pixels[padding] = 0
        return pixels


def header_of_dicom(content: bytes) -> Header:
    """The spacing is Pixel Spacing, else Imager Pixel Spacing, which is that of the detector: what lies before it is
    smaller than it says.

    Raises:
        UnreadableImage: a damaged file.
    """
    with _damage_named():
        dataset = open_dicom(io.BytesIO(content), stop_before_pixels=True)
        return Header(
            # Now, or before.
            lossy=dataset.get("LossyImageCompression") == "01" or dataset.file_meta.TransferSyntaxUID in _LOSSY,
            stored_spacing=spacing(_spacings(dataset)),
            is_seg=dataset.get("SOPClassUID") == SegmentationStorage,
        )


def sides_of_dicom(file: BinaryIO) -> tuple[int, int]:
    """Width and height as the header tells them; zeros where it does not.

    Raises:
        UnreadableImage: a damaged file.
    """
    with _damage_named():
        dataset = open_dicom(file, stop_before_pixels=True)
        return int(dataset.get("Columns", 0)), int(dataset.get("Rows", 0))


def _spacings(dataset: FileDataset) -> list[object]:
    """Height and width of a pixel in mm as they stand in the file; empty where they do not, or are no numbers."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        with suppress(Exception):  # what pydicom raises of values that are none
            if found := list(dataset[keyword].value):
                return found
    return []


def _damage_named(where: str = "") -> AbstractContextManager[None]:
    return foreign(UnreadableImage, f"not a whole DICOM image{where}")


def _check(dataset: FileDataset, max_pixels: int) -> None:
    if not dataset.get("PixelData"):
        raise UnreadableImage(
            f"not a whole DICOM image: has no pixel data (modality {dataset.get('Modality', 'unknown')})"
        )
    check_required(dataset)
    check_size(dataset.Columns, dataset.Rows, max_pixels)
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames != 1:
        raise UnreadableImage(f"holds {frames} frames, expected one: save each frame as a file")
    if dataset.BitsAllocated not in (8, 16):
        raise UnreadableImage(f"has pixels of {dataset.BitsAllocated} bit, expected 8 or 16")
    if dataset.PhotometricInterpretation not in _GRAY | _COLOUR:
        known = ", ".join(sorted(_GRAY | _COLOUR))
        raise UnreadableImage(f"has {dataset.PhotometricInterpretation} pixels, expected one of {known}")
    syntax = dataset.file_meta.TransferSyntaxUID
    if not _has_decoder(syntax):
        raise UnreadableImage(f"is compressed as {syntax.name} ({syntax}), which is not read: save it uncompressed")


def _has_decoder(syntax: UID) -> bool:
    try:
        return get_decoder(syntax).is_available
    except NotImplementedError:  # what pydicom says of a transfer syntax that it does not know
        return False


def _as_colour(stored: np.ndarray) -> np.ndarray:
    if stored.ndim != 3 or stored.dtype not in (np.uint8, np.uint16):
        raise UnreadableImage(f"has {stored.dtype} colours of shape {stored.shape}, expected unsigned (H, W, 3)")
    return stored
