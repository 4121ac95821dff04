"""Whether bytes begin as NIfTI or NRRD files do; without their packages, for which other files need not wait."""

from __future__ import annotations

NRRD, GZIP = b"NRRD", b"\x1f\x8b"
NIFTI_1, NIFTI_2 = (b"\x5c\x01\0\0", b"\0\0\x01\x5c"), (b"\x1c\x02\0\0", b"\0\0\x02\x1c")
"""They begin with the size of their header, 348 or 540, in either byte order."""


def is_volume(content: bytes) -> bool:
    """Whether a file is to be read as NIfTI or NRRD, by its first four bytes. What is compressed by gzip as a whole can
    be NIfTI alone."""
    return content.startswith((NRRD, GZIP, *NIFTI_1, *NIFTI_2))
