"""NIfTI and NRRD files, each by its own reader."""

from __future__ import annotations

from components.imaging.files.nifti import open_nifti
from components.imaging.files.nrrd import open_nrrd
from components.imaging.files.volume import Volume
from components.imaging.files.volume_mark import NRRD


def open_volume(content: bytes) -> Volume:
    """The header of a file that `is_volume`.

    Raises:
        UnreadableImage: damaged, of a kind that is not read, or the package that reads it is missing.
    """
    return open_nrrd(content) if content.startswith(NRRD) else open_nifti(content)
