"""What the stored values of a gray DICOM image mean, the same in every file: more is brighter.

Without a window a grey level is one unit of the values after the modality LUT or rescale:

- MONOCHROME1, where more is darker, is mirrored in the range that the stored bits can hold.
- CT: 1024 is added to Hounsfield units, so air is near 0 and water 1024 whatever the scanner stored; what is still
  negative, which no tissue is, becomes 0.
- Others: values below 0 or above 65535 are refused, and so is a slope below 1, which would merge values; what is not
  whole is rounded.

With a window any values are taken, and the window spans the whole range of the result.

Padding has no such value: `components.imaging.files.dicom_padding`.
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from components.imaging.files.unreadable import UnreadableImage

_HU_SHIFT = 1024
_MAX_UINT8, _MAX_UINT16 = 255, 65535
# Stands for no width at all: a window of 1 is a threshold.
_STEP = 1e-6


def rescaled(stored: np.ndarray, tissue: np.ndarray, dataset: Dataset) -> np.ndarray:
    """Grey levels `(H, W)`, uint8 where the levels that the stored bits can have fit, else uint16.

    Args:
        stored: `(H, W)`, as the file holds it.
        tissue: the values, of any shape, whose levels must fit; others are bounded.
        dataset: of the file.

    Raises:
        UnreadableImage: levels beyond 16 bits, or fewer of them than stored values.
    """
    slope = float(dataset.get("RescaleSlope", 1))
    if not abs(slope) >= 1:
        raise UnreadableImage(f"has a rescale slope of {slope:g}, which would merge values: set [data] dicom_window")
    occurring = _grey_levels(np.array([tissue.min(), tissue.max()]), dataset)
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


def windowed(stored: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The VOI LUT or the first window of the file spread over uint8 (up to 8 bits stored) or uint16, `(H, W)`.

    Without any, the range that the stored bits can hold.

    Raises:
        UnreadableImage: a rescale or a window of no width.
    """
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
