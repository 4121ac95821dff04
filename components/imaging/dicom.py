"""DICOM images as gray or RGB arrays that mean the same in every file.

Values of gray images are those after the modality LUT or rescale, one grey level per unit, and more is brighter:

- MONOCHROME1, where more is darker, is mirrored in the range that the stored bits can hold.
- CT: 1024 is added to Hounsfield units, so air is near 0 and water 1024 whatever the scanner stored; what is still
  negative, which no tissue is, becomes 0.
- Others: values below 0 or above 65535, or a slope below 1, which would merge values, are refused; a slope that is not
  whole is rounded to the nearest level.

With `window`, which takes any values, the window spans the whole range of the result.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.filereader import read_dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from components.imaging.unreadable import UnreadableImage, check_size

_PREAMBLE_BYTES = 132
_HU_SHIFT = 1024
_MAX_UINT8, _MAX_UINT16 = 255, 65535
# Stands for no width at all: a window of 1 is a threshold.
_STEP = 1e-6
_GRAY = frozenset({"MONOCHROME1", "MONOCHROME2"})
_COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
_LOSSY = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless})


def decode_dicom(content: bytes, max_pixels: int, window: bool) -> np.ndarray:
    """`(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16; see the module for the meaning of the values.

    `window` applies the VOI LUT or the first window of the file, or without one the range that the stored bits can
    hold, spread over 0 to 255 (up to 8 bits stored) or 65535.

    Raises:
        UnreadableImage: damaged, cut short, no or several images, values or a compression that are not read.
    """
    with _damage_named():
        dataset = _open(io.BytesIO(content))
        _check(dataset, max_pixels)
    with _damage_named(f", stored as {dataset.file_meta.TransferSyntaxUID.name}"):
        stored = pixel_array(dataset)
    with _damage_named():
        if dataset.PhotometricInterpretation in _COLOUR:
            return _as_colour(stored)
        return _windowed(stored, dataset) if window else _rescaled(stored, dataset)


def is_lossy_dicom(file: BinaryIO) -> bool:
    """Whether the pixels went through a lossy compression, now or before.

    Raises:
        UnreadableImage: a damaged file.
    """
    with _damage_named():
        dataset = _open(file, stop_before_pixels=True)
        return dataset.get("LossyImageCompression") == "01" or dataset.file_meta.TransferSyntaxUID in _LOSSY


@contextmanager
def _damage_named(where: str = "") -> Iterator[None]:
    try:
        yield
    except UnreadableImage:
        raise
    except Exception as error:  # pydicom and the decoders below it fail in a dozen ways on damaged files
        raise UnreadableImage(f"not a whole DICOM image{where}: {' '.join(str(error).split())}") from error


def _open(file: BinaryIO, stop_before_pixels: bool = False) -> FileDataset:
    file.seek(_PREAMBLE_BYTES)
    meta = read_dataset(file, False, True, stop_when=lambda tag, _representation, _length: tag.group != 2)
    # Inflated by pydicom as a whole, whatever size that has.
    if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        raise UnreadableImage(f"is stored as {DeflatedExplicitVRLittleEndian.name}, which is not read: save it anew")
    file.seek(0)
    return dcmread(file, stop_before_pixels=stop_before_pixels)


def _check(dataset: FileDataset, max_pixels: int) -> None:
    if "PixelData" not in dataset:
        raise UnreadableImage(
            f"not a whole DICOM image: has no pixel data (modality {dataset.get('Modality', 'unknown')})"
        )
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
    except NotImplementedError:
        return False


def _as_colour(stored: np.ndarray) -> np.ndarray:
    if stored.ndim != 3 or stored.dtype not in (np.uint8, np.uint16):
        raise UnreadableImage(f"has {stored.dtype} colours of shape {stored.shape}, expected unsigned (H, W, 3)")
    return stored


def _rescaled(stored: np.ndarray, dataset: Dataset) -> np.ndarray:
    slope = float(dataset.get("RescaleSlope", 1))
    if not abs(slope) >= 1:
        raise UnreadableImage(f"has a rescale slope of {slope:g}, which would merge values: set [data] dicom_window")
    occurring = _grey_levels(np.array([stored.min(), stored.max()]), dataset)
    low, high = sorted(occurring)
    if not 0 <= low <= high <= _MAX_UINT16:
        raise UnreadableImage(
            f"has rescaled values of which the extremes come to {low:g} and {high:g}, expected 0 to {_MAX_UINT16}: "
            "set [data] dicom_window"
        )
    largest = max(high, *_grey_levels(_representable(stored.dtype, dataset), dataset))
    levels = np.clip(_grey_levels(_every_value(stored.dtype), dataset), 0, _MAX_UINT16)
    return _look_up(levels.astype(np.uint8 if largest <= _MAX_UINT8 else np.uint16), stored)


def _grey_levels(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The levels of stored values, whole numbers as float64, not yet bounded to those of a type."""
    levels = apply_modality_lut(values, dataset).astype(np.float64)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        levels = apply_modality_lut(_representable(values.dtype, dataset), dataset).astype(np.float64).sum() - levels
    if dataset.get("Modality") == "CT":
        levels = np.maximum(levels + _HU_SHIFT, 0)
    return np.floor(levels + 0.5)  # not rint, which takes 0.5 and 1.5 to even numbers, and so merges 1.5 and 2.5


def _windowed(stored: np.ndarray, dataset: Dataset) -> np.ndarray:
    with np.errstate(all="ignore"):
        shares = _brightness(stored.dtype, dataset)
    if not np.isfinite(shares).all():
        raise UnreadableImage("has a rescale or a window that is not finite, or is of no width")
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        shares = 1 - shares
    dtype, largest = (np.uint8, _MAX_UINT8) if dataset.BitsStored <= 8 else (np.uint16, _MAX_UINT16)
    return _look_up(np.rint(np.clip(shares, 0, 1) * largest).astype(dtype), stored)


def _brightness(dtype: np.dtype, dataset: Dataset) -> np.ndarray:
    """Shares of white that the window gives to every value of a type."""
    values = apply_modality_lut(_every_value(dtype), dataset)
    if dataset.get("VOILUTSequence"):
        bits = dataset.VOILUTSequence[0].LUTDescriptor[2]
        return apply_voi(np.rint(values).astype(np.int64), dataset) / (2**bits - 1)
    if "WindowCenter" in dataset and "WindowWidth" in dataset:
        return _window(values, dataset)
    lowest, highest = sorted(apply_modality_lut(_representable(dtype, dataset), dataset).astype(np.float64))
    return (values - lowest) / (highest - lowest)


def _window(values: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Shares of white by the first window of a file: DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    centre, width = (float(np.atleast_1d(dataset[name].value)[0]) for name in ("WindowCenter", "WindowWidth"))
    function = dataset.get("VOILUTFunction", "LINEAR")
    if width <= 0 or (function == "LINEAR" and width < 1):
        raise UnreadableImage(f"has a window width of {width:g}: set [data] dicom_window = false")
    if function == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (values - centre) / width))
    if function == "LINEAR":
        centre, width = centre - 0.5, max(width - 1, _STEP)
    return (values - centre) / width + 0.5


def _representable(dtype: np.dtype, dataset: Dataset) -> np.ndarray:
    """The least and the largest value that the stored bits can hold."""
    signed = dtype.kind == "i"
    lowest = -(2 ** (dataset.BitsStored - 1)) if signed else 0
    return np.array([lowest, lowest + 2**dataset.BitsStored - 1]).astype(dtype)


def _every_value(dtype: np.dtype) -> np.ndarray:
    """All values of a type; each stands where itself, taken as an index, points: -1 last."""
    return np.arange(2 ** (8 * dtype.itemsize)).astype(dtype)


def _look_up(table: np.ndarray, stored: np.ndarray) -> np.ndarray:
    pixels = np.empty(stored.shape, table.dtype)
    # By rows: numpy makes 8-byte integers of all indices at once.
    for row, indices in zip(pixels, stored, strict=True):
        row[:] = table[indices]
    return pixels
