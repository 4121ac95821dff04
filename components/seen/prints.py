"""What of its images goes with a model beside their hashes: signatures, by which changed copies are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from components.files import write_bytes
from components.imaging.fingerprint import SIDE
from components.reading import opened
from components.state import BrokenState, broken_named
from components.zipped import archive_of, refuse_bomb

SIGNATURES_FILE = "signatures.npz"
"""Beside the split report: `sha256` uint8 `(n, 32)` of the decoded pixels, `signatures` int8 `(n, side, side)`."""
COARSE_SIDE = 8
_LEVELS = 127


@dataclass(frozen=True)
class Prints:
    """The signatures of some images, each image once."""

    hashes: list[str]
    """SHA-256 of the decoded pixels, hexadecimal."""
    values: np.ndarray
    """int8 `(n, side, side)`: `SIDE` of the full form, `COARSE_SIDE` of the coarse one."""

    @property
    def coarse(self) -> Prints:
        """The coarse form."""
        return Prints(self.hashes, coarse(self.values))

    @property
    def blank(self) -> int:
        """How many have too little detail for changed copies to be known by."""
        return int((self.values == 0).all((1, 2)).sum())

    @property
    def is_coarse(self) -> bool:
        return self.values.shape[1] == COARSE_SIDE


def prints_of(signatures: Mapping[str, bytes]) -> Prints:
    """The full form of signatures of `components.imaging.fingerprint` by the hash of their image."""
    hashes = sorted(signatures)
    values = np.frombuffer(b"".join(signatures[one] for one in hashes), np.int8)
    return Prints(hashes, values.reshape(len(hashes), SIDE, SIDE))


def coarse(details: np.ndarray) -> np.ndarray:
    """int8 `(n, 64, 64)` to `(n, 8, 8)`: means of squares of 8 by 8, the greatest of an image 127 or -127."""
    step = SIDE // COARSE_SIDE
    means = details.reshape(len(details), COARSE_SIDE, step, COARSE_SIDE, step).mean((2, 4), dtype=np.float32)
    greatest = np.abs(means).max((1, 2), keepdims=True)
    return np.rint(means * (_LEVELS / np.maximum(greatest, 1 / step**2))).astype(np.int8)


def write_prints(path: Path, prints: Prints) -> None:
    """Writes the file; the same prints give the same bytes."""
    packed = BytesIO()
    hashes = np.frombuffer(bytes.fromhex("".join(prints.hashes)), np.uint8).reshape(len(prints.hashes), 32)
    np.savez_compressed(packed, sha256=hashes, signatures=prints.values)
    write_bytes(path, packed.getvalue())


def read_prints(path: Path, remedy: str) -> Prints:
    """The file as it was written.

    Raises:
        BrokenState: it cannot be read, or holds something else.
    """
    with broken_named(path, remedy):
        with archive_of(path) as archive:
            refuse_bomb(path, archive)
        with opened(path) as file, np.load(file, allow_pickle=False) as packed:
            hashes, values = packed["sha256"], packed["signatures"]
        form = (values.dtype, values.shape[1:])
        if form not in ((np.int8, (side, side)) for side in (SIDE, COARSE_SIDE)):
            raise BrokenState(
                f"found signatures of {values.dtype} {values.shape}, expected int8 (n, 64, 64) or (n, 8, 8)"
            )
        if hashes.dtype != np.uint8 or hashes.shape != (len(values), 32):
            raise BrokenState(f"found hashes of {hashes.dtype} {hashes.shape}, expected uint8 ({len(values)}, 32)")
    return Prints([one.tobytes().hex() for one in hashes], values)
