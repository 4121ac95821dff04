"""What the compressed pixels of a DICOM file claim, held against its header before they are decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataset import FileDataset
from pydicom.encaps import get_frame
from pydicom.uid import RLELossless

from components.imaging.files.jpeg import Size, sizes
from components.imaging.files.unreadable import UnreadableImage

_SIZ = re.compile(rb"\xff\x4f\xff\x51.{4}(.{4})(.{4})(.{4})(.{4})(.{4})(.{4}).{8}(.{2})", re.DOTALL)
"""ISO/IEC 15444-1 A.5.1: Rsiz, then the grid's far and near ends, the size of tiles, and how many components."""
_MANY_TILES, _SMALL_TILE = 64, 4096
"""Of small images so many, of large ones of no fewer pixels."""
_RLE_HEADER, _MOST_SEGMENTS = 64, 15
_NOTHING = 128
_PADDING = 1024
"""Bytes by which encoders have been too generous."""


def check_stored(dataset: FileDataset) -> None:
    """
    Raises:
        UnreadableImage: what is compressed is of another size than the header tells.
        ValueError: it is of none.
    """
    if not dataset.file_meta.TransferSyntaxUID.is_compressed:
        return
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        _check_rle(frame, dataset.Rows * dataset.Columns)
        return
    told = Size(dataset.Columns, dataset.Rows, dataset.SamplesPerPixel)
    found = {*_jpeg_2000_sizes(frame), *sizes(frame)}
    if not found:
        raise ValueError("no image begins in its compressed pixels")
    if found != {told}:
        shown = " and ".join(" x ".join(map(str, size)) for size in sorted(found))
        raise UnreadableImage(
            f"its compressed pixels are {shown} values, its header tells {' x '.join(map(str, told))}: save it anew"
        )


def _jpeg_2000_sizes(frame: bytes) -> Iterator[Size]:
    """Of all codestreams, wherever they begin: which of them is decoded, is up to a decoder.

    Raises:
        UnreadableImage: more tiles than any program makes, each of which takes memory.
    """
    for found in _SIZ.finditer(frame):
        right, bottom, left, top, wide, high, samples = (int.from_bytes(number, "big") for number in found.groups())
        size = Size(right - left, bottom - top, samples)
        if size.width * size.height > max(1, wide * high) * (_MANY_TILES + size.width * size.height // _SMALL_TILE):
            raise UnreadableImage(f"is divided into tiles of {wide} x {high} pixels, which is not read: save it anew")
        yield size


def _check_rle(frame: bytes, size: int) -> None:
    """Whether no segment, of a byte of each value, unpacks to more than the image has: PS3.5 G.3 and G.5."""
    offsets = [int.from_bytes(frame[at : at + 4], "little") for at in range(4, _RLE_HEADER, 4)]
    offsets = offsets[: min(frame[0], _MOST_SEGMENTS)]
    for begin, end in zip(offsets, [*offsets[1:], len(frame)], strict=True):
        if _unpacked(frame[begin:end], size + _PADDING) > size + _PADDING:
            raise UnreadableImage(f"its pixels unpack to more than the {size} that its header tells: save it anew")


def _unpacked(segment: bytes, most: int) -> int:
    """Bytes that it unpacks to, counted up to `most`: after a control byte come as many others, or one to repeat."""
    position = found = 0
    while position < len(segment) and found <= most:
        control = segment[position]
        if control < _NOTHING:
            found += control + 1
            position += control + 2
        elif control > _NOTHING:
            found += 257 - control
            position += 2
        else:
            position += 1
    return found
