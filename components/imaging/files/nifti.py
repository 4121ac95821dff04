"""NIfTI files of one slice, also compressed by gzip. Nothing is unpacked beyond what a header claims."""

from __future__ import annotations

import gzip
import io
from typing import Any, BinaryIO, cast

import numpy as np

from components.foreign import foreign
from components.imaging.files.unreadable import UnreadableImage
from components.imaging.files.volume import Volume
from components.imaging.files.volume_mark import GZIP, NIFTI_1, NIFTI_2

_TO_LPS = np.array([-1, -1, 1])
"""NIfTI has x to the right and y to anterior."""
_MOST_BEFORE = 2**24
"""Bytes of header and extensions."""
_MM = {"meter": 1000.0, "mm": 1.0, "micron": 0.001}


def open_nifti(content: bytes) -> Volume:
    """The header of a file.

    Raises:
        UnreadableImage: nibabel is missing, or a damaged file, or one of two parts, or of numbers that are none.
    """
    try:
        import nibabel  # a quarter of a second
    except ImportError as error:
        raise UnreadableImage(
            "is a NIfTI file, for which nibabel is missing: pip install 'maskline[annotations]'"
        ) from error
    file = cast(
        BinaryIO, gzip.GzipFile(fileobj=io.BytesIO(content)) if content.startswith(GZIP) else io.BytesIO(content)
    )
    with foreign(UnreadableImage, "not a whole NIfTI file"):
        start = file.read(4)
        if not start.startswith((*NIFTI_1, *NIFTI_2)):
            raise UnreadableImage("is compressed by gzip, and is no NIfTI file: unpack it")
        kind = nibabel.Nifti2Header if start in NIFTI_2 else nibabel.Nifti1Header
        header = kind(start + file.read(kind.template_dtype.itemsize - len(start)), check=False)
        if not header["magic"].item().startswith(b"n+"):
            raise UnreadableImage(
                "holds a header alone, its pixels are in another file (.img): save it as one .nii file"
            )
        before = int(header["vox_offset"])
        if not kind.template_dtype.itemsize <= before <= _MOST_BEFORE:
            raise UnreadableImage(f"not a whole NIfTI file: its pixels are said to begin at byte {before}")
        file.read(before - kind.template_dtype.itemsize)
        with foreign(UnreadableImage, f"has pixels of type {header['datatype']}, which is not read"):
            dtype = header.get_data_dtype()
        if dtype.kind not in "iuf":
            what = f"type {header['datatype']} ({dtype.name})"
            raise UnreadableImage(f"has pixels of {what}, expected one whole number each: save it as uint8 or uint16")
        slope, intercept = header.get_slope_inter()
        shape = tuple(int(size) for size in header.get_data_shape())
        if len(shape) < 2 or min(shape) < 1:
            raise UnreadableImage(f"not a whole NIfTI file: has axes of {shape} pixels, expected those of an image")
        return Volume(
            title="NIfTI",
            shape=shape,
            dtype=dtype,
            data=file,
            directions=_directions(header, len(shape)),
            lengths=_lengths(header),
            slope=1.0 if slope is None else slope,
            intercept=intercept or 0.0,
        )


def _directions(header: Any, axes: int) -> np.ndarray | None:
    """By the sform, else the qform; None where neither is coded, that is, meant."""
    affine = header.get_sform(coded=True)[0]
    affine = header.get_qform(coded=True)[0] if affine is None else affine
    if affine is None or not np.isfinite(affine).all():
        return None
    found = np.zeros((max(3, axes), 3))
    found[:3] = affine[:3, :3].T * _TO_LPS
    return found[:axes]


def _lengths(header: Any) -> tuple[float, ...] | None:
    """None where their unit is not told, as of images that another program saved without a thought of it."""
    millimetres = _MM.get(header.get_xyzt_units()[0])
    return None if millimetres is None else tuple(float(length) * millimetres for length in header.get_zooms())
