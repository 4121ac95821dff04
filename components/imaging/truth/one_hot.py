"""Truth with one channel per class, in NumPy's own files."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from components.brief import some
from components.foreign import foreign
from components.imaging.files.codecs import UnreadableImage
from components.imaging.truth.masks import UnclearMask
from components.zipped import archive_of

_MEMBER = "mask.npy"
_NPY: Any = np.lib.format  # NumPy 1.26 does not type it
_READ_HEADER = {(1, 0): _NPY.read_array_header_1_0, (2, 0): _NPY.read_array_header_2_0}
_BYTES_PER_PIXEL = 8
_HEAD = 2**16


def read_one_hot(path: Path, channels: int, max_pixels: int) -> np.ndarray:
    """The array `mask` of an `.npz` file, `(H, W, channels)` of numbers; its header is checked before it is unpacked.

    Raises:
        UnreadableImage: the file is missing, damaged or too large.
        UnclearMask: it has no array `mask`, or one of another shape or type.
    """
    with foreign(UnreadableImage, "not a whole .npz file", UnclearMask), archive_of(path) as archive:
        shape, dtype = _header(archive)
        if len(shape) != 3 or shape[2] != channels or dtype.kind not in "biuf":
            raise UnclearMask(
                f"its array `mask` has the shape {shape} of {dtype}, expected numbers of the shape (height, width, "
                f"{channels}): background and each of [data] classes"
            )
        size = shape[0] * shape[1]
        if not 0 < size <= max_pixels or size * shape[2] * dtype.itemsize > _BYTES_PER_PIXEL * max_pixels:
            raise UnreadableImage(
                f"has {shape[1]} x {shape[0]} pixels of {shape[2]} {dtype}, expected 1 to {max_pixels} pixels in "
                f"{_BYTES_PER_PIXEL * max_pixels} bytes: store bool or uint8, or raise [data] max_megapixels"
            )
        with archive.open(_MEMBER) as member:
            return _NPY.read_array(member, allow_pickle=False)


def one_hot_channels(path: Path) -> int:
    """The last side of the array `mask` of an `.npz` file, by its header.

    Raises:
        UnreadableImage: the file is missing or damaged.
        UnclearMask: it has no array `mask` of three sides.
    """
    with foreign(UnreadableImage, "not a whole .npz file", UnclearMask), archive_of(path) as archive:
        shape, _ = _header(archive)
    if len(shape) != 3:
        raise UnclearMask(f"its array `mask` has the shape {shape}, expected (height, width, classes)")
    return int(shape[2])


def _header(archive: ZipFile) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of the array."""
    if _MEMBER not in archive.namelist():
        raise UnclearMask(f"has no array `mask`, but {some(archive.namelist()) or 'nothing'}")
    with archive.open(_MEMBER) as member:
        # NumPy reads as much of a header as it claims.
        head = io.BytesIO(member.read(_HEAD))
    shape, _, dtype = _READ_HEADER[_NPY.read_magic(head)](head)
    return shape, dtype


def one_hot_mask(array: np.ndarray) -> np.ndarray:
    """Class indices `(H, W)` uint8 of `(H, W, classes and background)`: exactly one 1 per pixel, else 0.

    Raises:
        UnclearMask: another shape or other values, or pixels with no class or several.
    """
    if array.ndim != 3 or not 2 <= array.shape[-1] <= 256:
        raise UnclearMask(f"the one-hot mask has the shape {array.shape}, expected (height, width, 2 or more classes)")
    ones = array == 1
    unclear = (ones.sum(axis=-1) != 1) | (~ones & (array != 0)).any(axis=-1)
    if unclear.any():
        row, column = np.unravel_index(unclear.argmax(), unclear.shape)
        raise UnclearMask(
            f"{np.count_nonzero(unclear)} pixels are not one-hot, expected one 1 and else 0: the first is "
            f"{array[row, column].tolist()} at row {row}, column {column}"
        )
    return ones.argmax(axis=-1).astype(np.uint8)
