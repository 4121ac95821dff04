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


def padding_of(stored: np.ndarray, dataset: Dataset) -> np.ndarray | None:
    """bool `(H, W)`; None where the file names no padding.

    Args:
        stored: `(H, W)`, without what unused bits hold.
        dataset: of the file, with its pixels.
    """
    if _VALUE not in dataset:
        return None
    signed = stored.dtype.kind == "i"
    limits = [_as_stored(int(dataset[name].value), signed) for name in (_VALUE, _LIMIT) if name in dataset]
    low, high = min(limits), max(limits)
    least = -(2 ** (dataset.BitsStored - 1)) if signed else 0
    if low < least or high >= least + 2**dataset.BitsStored:
        # It differs from tissue in the unused bits alone.
        stored = pixel_array(dataset, correct_unused_bits=False)
    return (stored >= low) & (stored <= high)


def _as_stored(value: int, signed: bool) -> int:
    """A limit as the pixels count: files in which it is signed and the pixels are not, or the reverse, are about."""
    return (value + 2**15) % 2**16 - 2**15 if signed else value % 2**16
