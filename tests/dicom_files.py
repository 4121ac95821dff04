"""Tiny DICOM files with worked values."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, SecondaryCaptureImageStorage

TWELVE = np.array([[0, 1, 2000], [2047, 4094, 4095]], np.uint16)
EIGHT = np.array([[0, 1, 2], [127, 128, 255]], np.uint8)
SIGNED = np.array([[-2000, -1024, -1000], [0, 40, 3071]], np.int16)
RGB = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]]], np.uint8)


def dicom(
    pixels: np.ndarray,
    bits: int | None = None,
    syntax: UID = ExplicitVRLittleEndian,
    set_empty: Mapping[str, object] | None = None,
    **elements: object,
) -> bytes:
    """A DICOM file of `(H, W)` or `(H, W, 3)`; `elements` adds or replaces data elements, None leaves one out.

    `set_empty` names those that are there without a value: None, or no items.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset.SOPClassUID, dataset.SOPInstanceUID = SecondaryCaptureImageStorage, UID("1.2.3")
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    dataset.PhotometricInterpretation = "MONOCHROME2" if pixels.ndim == 2 else "RGB"
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = 8 * pixels.itemsize
    dataset.BitsStored = bits or 8 * pixels.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OB" if pixels.itemsize == 1 else "OW"
    for keyword, value in elements.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    for keyword, nothing in (set_empty or {}).items():
        setattr(dataset, keyword, nothing)
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def lut(descriptor: list[int], data: list[int]) -> list[Dataset]:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", descriptor)
    item.add_new("LUTData", "US", data)
    return [item]


def check(pixels: np.ndarray, expected: np.ndarray | list, dtype: type = np.uint16) -> None:
    assert pixels.dtype == dtype
    np.testing.assert_array_equal(pixels, expected)
