"""NIfTI and NRRD files of one slice, as other programs write them, with worked values."""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nibabel
import nrrd
import numpy as np

RAS, LPS = (1, 1, 1), (-1, -1, 1)


def nifti(values: np.ndarray, affine: np.ndarray | None = None, *, packed: bool = False) -> bytes:
    """Of `(X, Y, ...)`; without an affine it says nothing of where it lies."""
    image = nibabel.Nifti1Image(values, np.eye(4) if affine is None else affine, dtype=values.dtype)
    if affine is None:
        image.set_sform(None, 0)
        image.set_qform(None, 0)
    image.header.set_xyzt_units("mm")
    content = image.to_bytes()
    return gzip.compress(content) if packed else content


def affine(directions: Any, spacing: float | tuple[float, ...] = 1.0) -> np.ndarray:
    """Of axes, each a vector in RAS."""
    found = np.eye(4)
    found[:3, :3] = np.array(directions, float).T * spacing
    return found


def nrrd_file(values: np.ndarray, **header: Any) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file.nrrd"
        nrrd.write(str(path), values, header)
        return path.read_bytes()
