"""JPEG 2000, which is not read: OpenCV's decoder of it is the one part of OpenCV 4.11 with a known fault.

OpenCV 4.10 and 4.11 use a pointer there that they have not set (CVE-2025-53644): the header below ends the process.
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from image_contents import RGB, saved
from raw_images import write

from components.imaging.files.codecs import (
    UnreadableImage,
    decode_image,
    decode_indices,
    decode_mask,
    read_image,
)
from components.imaging.files.header import header_of


def header_alone() -> bytes:
    """A file of 64 x 64 RGB pixels that ends before them."""

    def box(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(content), kind) + content

    size, colours = struct.pack(">IIHBBBB", 64, 64, 3, 7, 7, 0, 0), struct.pack(">BBBI", 1, 0, 0, 16)
    header = box(b"jp2h", box(b"ihdr", size) + box(b"colr", colours))
    return box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ") + header


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(header_alone(), id="header alone"),
        pytest.param(saved(RGB, "JPEG2000"), id="whole"),
        pytest.param(saved(RGB, "JPEG2000", no_jp2=True), id="codestream"),
    ],
)
def test_it_never_reaches_opencv(tmp_path: Path, content: bytes) -> None:
    for read in (decode_image, decode_mask, decode_indices, header_of):
        with pytest.raises(UnreadableImage, match="neither a PGM"):
            read(content)
    with pytest.raises(UnreadableImage, match="neither a PGM"):
        read_image(write(tmp_path / "image.jpg", content))
