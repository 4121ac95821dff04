"""What the compressed pixels of a DICOM file claim, held against its header before they are decoded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataset import FileDataset
from pydicom.encaps import get_frame
from pydicom.uid import RLELossless

from components.imaging.files.unreadable import UnreadableImage

_SIZ = re.compile(rb"\xff\x4f\xff\x51.{4}(.{4})(.{4})(.{4})(.{4}).{16}(.{2})", re.DOTALL)
"""ISO/IEC 15444-1 A.5.1: Rsiz, then the grid's far and near ends, the sizes of tiles, and how many components."""
_SOF = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""ISO/IEC 10918-1 B.1.1.3, and of JPEG-LS ISO/IEC 14495-1 C.1.1."""
_SOS, _ALONE = 0xDA, frozenset({0x01, *range(0xD0, 0xD9)})
_RLE_HEADER, _MOST_SEGMENTS = 64, 15
_NOTHING = 128
_PADDING = 1024
"""Bytes by which encoders have been too generous."""


def check_stored(dataset: FileDataset) -> None:
    """Raises UnreadableImage: what is compressed is of another size than the header tells."""
    if not dataset.file_meta.TransferSyntaxUID.is_compressed:
        return
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    if dataset.file_meta.TransferSyntaxUID == RLELossless:
        _check_rle(frame, dataset.Rows * dataset.Columns)
        return
    told = dataset.Columns, dataset.Rows, dataset.SamplesPerPixel
    for width, height, samples in (*_jpeg_2000_sizes(frame), *_jpeg_sizes(frame)):
        if (width, height, samples) != told:
            raise UnreadableImage(
                f"its compressed pixels are {width} x {height} x {samples} values, its header tells "
                f"{' x '.join(map(str, told))}: save it anew"
            )


def _jpeg_2000_sizes(frame: bytes) -> Iterator[tuple[int, int, int]]:
    """Of all codestreams, wherever they begin: which of them is decoded, is up to a decoder."""
    for found in _SIZ.finditer(frame):
        right, bottom, left, top, samples = (int.from_bytes(number, "big") for number in found.groups())
        yield right - left, bottom - top, samples


def _jpeg_sizes(frame: bytes) -> Iterator[tuple[int, int, int]]:
    """Of each start of a frame before the first scan, of JPEG and JPEG-LS."""
    position = 2
    while frame.startswith(b"\xff\xd8") and position + 9 < len(frame) and frame[position] == 0xFF:
        marker = frame[position + 1]
        if marker == _SOS:
            return
        if marker in _SOF:
            height, width = (int.from_bytes(frame[at : at + 2], "big") for at in (position + 5, position + 7))
            yield width, height, frame[position + 9]
        is_alone = marker in _ALONE or marker == 0xFF  # which may fill up
        length = 0 if is_alone else int.from_bytes(frame[position + 2 : position + 4], "big")
        position += (1 if marker == 0xFF else 2) + length


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
