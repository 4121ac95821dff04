"""NRRD files of one slice. Nothing is unpacked beyond what a header claims."""

from __future__ import annotations

import bz2
import gzip
import io
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, cast

import numpy as np

from components.foreign import foreign
from components.imaging.files.unreadable import UnreadableImage
from components.imaging.files.volume import Volume

_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    **{"float": "f4", "double": "f8"},
}
_OPENED: Mapping[str, Callable[[BinaryIO], Any]] = {
    "raw": lambda file: file,
    **dict.fromkeys(("gzip", "gz"), lambda file: gzip.GzipFile(fileobj=file)),
    **dict.fromkeys(("bzip2", "bz2"), bz2.BZ2File),
}
_ORDERS = {"little": "<", "big": ">"}
_ELSEWHERE = ("data file", "datafile")
_SKIPS = ("line skip", "lineskip", "byte skip", "byteskip")
_SPACES = {
    **dict.fromkeys(("right-anterior-superior", "ras"), (-1, -1, 1)),
    **dict.fromkeys(("left-anterior-superior", "las"), (1, -1, 1)),
    **dict.fromkeys(("left-posterior-superior", "lps"), (1, 1, 1)),
}
"""What makes LPS of their coordinates."""


def open_nrrd(content: bytes) -> Volume:
    """The header of a file.

    Raises:
        UnreadableImage: pynrrd is missing, or a damaged file, or one of two parts, or of numbers that are none.
    """
    try:
        import nrrd
    except ImportError as error:
        raise UnreadableImage(
            "is an NRRD file, for which pynrrd is missing: pip install 'maskline[annotations]'"
        ) from error
    file = io.BytesIO(content)
    with foreign(UnreadableImage, "not a whole NRRD file"):
        header = nrrd.read_header(file)
        if any(header.get(key) for key in _ELSEWHERE):
            raise UnreadableImage("holds a header alone, its pixels are in another file: save it as one .nrrd file")
        if any(header.get(key) for key in _SKIPS):
            raise UnreadableImage("skips a part of its data, which is not read: save it anew")
        encoding = header["encoding"].lower()
        if encoding not in _OPENED:
            raise UnreadableImage(f"is encoded as {encoding}, which is not read: save it raw, or by gzip")
        shape = tuple(int(size) for size in header["sizes"])
        if len(shape) != header["dimension"] or len(shape) < 2 or min(shape) < 1:
            raise UnreadableImage(f"not a whole NRRD file: has {header['dimension']} dimensions of sizes {shape}")
        _refuse_colours(header)
        directions = _directions(header, len(shape))
        return Volume(
            title="NRRD",
            shape=shape,
            dtype=_dtype(header),
            data=cast(BinaryIO, _OPENED[encoding](file)),
            directions=directions,
            lengths=_lengths(header, directions, len(shape)),
        )


def _dtype(header: Mapping[str, Any]) -> np.dtype:
    found = _TYPES.get(header["type"].lower())
    if found is None:
        raise UnreadableImage(
            f"has pixels of type {header['type']}, expected whole numbers: save it as uint8 or uint16"
        )
    return np.dtype(found if found.endswith("1") else _ORDERS[header["endian"].lower()] + found)


def _refuse_colours(header: Mapping[str, Any]) -> None:
    for kind, size in zip(header.get("kinds", ()), header["sizes"], strict=False):
        if size > 1 and ("color" in kind or "vector" in kind):
            raise UnreadableImage(f"has {size} values for each pixel ({kind}), expected one: save colours as PNG")


def _directions(header: Mapping[str, Any], axes: int) -> np.ndarray | None:
    to_lps = _SPACES.get(header.get("space", "").lower())
    found = header.get("space directions")
    if to_lps is None or found is None:
        return None
    directions = np.nan_to_num(np.array(found, float))  # an axis without a direction has none
    return directions * to_lps if directions.shape == (axes, 3) else None


def _lengths(header: Mapping[str, Any], directions: np.ndarray | None, axes: int) -> tuple[float, ...] | None:
    """In a patient's space they are millimetres unless another unit is told; spacings alone have none untold."""
    if directions is not None and set(header.get("space units", ["mm"])) == {"mm"}:
        return tuple(np.linalg.norm(directions, axis=1).tolist())
    spacings = header.get("spacings", ())
    return tuple(map(float, spacings)) if len(spacings) == axes and set(header.get("units", ())) == {"mm"} else None
