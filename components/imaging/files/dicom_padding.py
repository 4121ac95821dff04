"""Which pixels of a gray DICOM image are padding: DICOM PS3.3 C.7.5.1.1.2.

They show nothing, and have no place on the scale of the others: padding of 65535 beside tissue of 12 bits is no light,
nor is 0 in MONOCHROME1. Pixel Padding Value is one stored value, or with Pixel Padding Range Limit one end of a range
that both belong to, whichever is the larger.

Padding becomes level 0, and takes no part in the range of an image's values. It does in the mean and the deviation by
which a model standardises its input, as any black border does: those who ask a served model have files in which padding
is black already, and cannot say where it was.
"""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.utils import pixel_array

_VALUE, _LIMIT = "PixelPaddingValue", "PixelPaddingRangeLimit"
_DETECTORS = (10, 12, 14, 16)


def forget_padding(dataset: Dataset) -> None:
    """So that the file names none."""
    for name in (_VALUE, _LIMIT):
        if name in dataset:
            del dataset[name]


def padding_of(stored: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    """bool `(H, W)`; None where the file names no padding.

    Args:
        stored: `(H, W)`, without what unused bits hold.
        dataset: of the file, with its pixels.
    """
    if _VALUE not in dataset:
        return None
    signed = stored.dtype.kind == "i"
    low, high = _limits(dataset, signed)
    least = -(2 ** (dataset.BitsStored - 1)) if signed else 0
    if low < least or high >= least + 2**dataset.BitsStored:
        # It differs from tissue in the unused bits alone.
        stored = pixel_array(dataset, correct_unused_bits=False)
    return (stored >= low) & (stored <= high)


def bits_of_tissue(tissue: np.ndarray, dataset: Dataset) -> int:
    """Bits Stored, or where 16 of them are for padding alone, those that tissue takes, of as many as detectors have.

    Or else MONOCHROME1 of 12 bits, mirrored in 16, would be a bright band far above its padding.
    """
    if _VALUE not in dataset or dataset.BitsStored != 16 or tissue.dtype.kind == "i":
        return dataset.BitsStored
    bits = next(bits for bits in _DETECTORS if tissue.max() < 2**bits)
    return bits if _limits(dataset, signed=False)[1] >= 2**bits else 16


def _limits(dataset: Dataset, signed: bool) -> tuple[int, int]:
    ends = [_as_stored(int(dataset[name].value), signed) for name in (_VALUE, _LIMIT) if name in dataset]
    return min(ends), max(ends)


def _as_stored(value: int, signed: bool) -> int:
    """A limit as the pixels count: files in which it is signed and the pixels are not, or the reverse, are about."""
    return (value + 2**15) % 2**16 - 2**15 if signed else value % 2**16
