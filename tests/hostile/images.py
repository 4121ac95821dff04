"""Image files that claim, unpack to, or cost far more than they show."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import nibabel
import numpy as np
from dicom_files import dicom
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, RLELossless

_GZIP = 16 + zlib.MAX_WBITS
TEN = np.zeros((10, 10), np.uint8)


def png_of_a_gigabyte(folder: Path) -> Path:
    """10 x 10 pixels, before a gigabyte of zeros in the same stream."""
    return _write(folder / "gigabyte.png", _png(10, 10, _zeros(2**10)))


def png_of_endless_rows(folder: Path) -> Path:
    """512 x 512 pixels, before two gigabytes of zeros in the same stream."""
    return _write(folder / "rows.png", _png(512, 512, _zeros(2**11)))


def jpeg_of_500_scans(folder: Path) -> Path:
    """4096 x 4096 pixels, of which the last scan is repeated."""
    image = Image.fromarray(np.zeros((4096, 4096), np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", progressive=True)
    content = buffer.getvalue()
    last = content.rindex(b"\xff\xda")
    return _write(folder / "scans.jpg", content[:last] + content[last:-2] * 500 + content[-2:])


def tiff_of_16001_pages(folder: Path) -> Path:
    """Directories of one pixel each, one behind the other."""
    tags = [(256, 10), (257, 10), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 10), (279, 100)]
    size = 2 + 12 * len(tags) + 4
    first = 8 + 100
    pages = bytearray(b"II*\0" + struct.pack("<I", first) + bytes(100))
    for page in range(16_001):
        entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
        following = first + (page + 1) * size if page < 16_000 else 0
        pages += struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)
    return _write(folder / "pages.tif", bytes(pages))


def rle_of_a_gigabyte(folder: Path) -> Path:
    """10 x 10 pixels, of 16 MB that unpack to a gigabyte."""
    frame = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * 2**23
    return _write(folder / "rle.dcm", dicom(TEN, syntax=RLELossless, PixelData=encapsulate([frame])))


def jpeg_2000_of_12000(folder: Path) -> Path:
    """A header of 10 x 10 pixels, a codestream of 12,000 x 12,000."""
    buffer = io.BytesIO()
    Image.fromarray(TEN).save(buffer, "JPEG2000", no_jp2=True)
    stream = bytearray(buffer.getvalue())
    start = stream.index(b"\xff\x4f\xff\x51")
    for place in (8, 24):  # of the grid, and of a tile
        struct.pack_into(">II", stream, start + place, 12_000, 12_000)
    return _write(folder / "j2k.dcm", dicom(TEN, syntax=JPEG2000Lossless, PixelData=encapsulate([bytes(stream)])))


def jpeg_in_dicom_of_12000(folder: Path) -> Path:
    """A header of 10 x 10 pixels, a JPEG of 12,000 x 12,000."""
    jpeg = cv2.imencode(".jpg", np.zeros((12_000, 12_000), np.uint8))[1].tobytes()
    return _write(folder / "jpeg.dcm", dicom(TEN, syntax=JPEGBaseline8Bit, PixelData=encapsulate([jpeg])))


def jpeg_in_dicom_behind_a_stray_byte(folder: Path) -> Path:
    """As before; decoders pass over a byte between two segments."""
    jpeg = cv2.imencode(".jpg", np.zeros((12_000, 12_000), np.uint8))[1].tobytes()
    content = encapsulate([jpeg[:20] + b"\0" + jpeg[20:]])
    return _write(folder / "stray.dcm", dicom(TEN, syntax=JPEGBaseline8Bit, PixelData=content))


def jpeg_2000_of_tiny_tiles(folder: Path) -> Path:
    """255 x 255 pixels in as many tiles."""
    buffer, image = io.BytesIO(), np.zeros((255, 255), np.uint8)
    Image.fromarray(image).save(buffer, "JPEG2000", no_jp2=True)
    stream = bytearray(buffer.getvalue())
    struct.pack_into(">II", stream, stream.index(b"\xff\x4f\xff\x51") + 24, 1, 1)
    return _write(folder / "tiles.dcm", dicom(image, syntax=JPEG2000Lossless, PixelData=encapsulate([bytes(stream)])))


def tiff_of_tags_on_each_other(folder: Path) -> Path:
    """Half a megabyte that 400 tags have as their value."""
    blob = 2**19
    tags = [(256, 4, 1, 10), (257, 4, 1, 10), (258, 4, 1, 8), (259, 4, 1, 1), (262, 4, 1, 1)]
    tags += [(273, 4, 1, 8), (277, 4, 1, 1), (278, 4, 1, 10), (279, 4, 1, 100)]
    tags += [(number, 7, blob, 8) for number in range(40_000, 40_400)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return _write(folder / "tags.tif", b"II*\0" + struct.pack("<I", 8 + blob) + bytes(blob) + directory)


def dicom_of_3_gigabytes(folder: Path) -> Path:
    """A header of 10 x 10 pixels; of its pixels nothing stands on the disk."""
    return _sparse(_write(folder / "large.dcm", dicom(TEN)), 3 * 2**30)


def pgm_of_a_gigabyte(folder: Path) -> Path:
    return _sparse(_write(folder / "large.pgm", b"P5 10 10 255\n" + bytes(100)), 2**30)


def png_of_a_gigabyte_behind_its_end(folder: Path) -> Path:
    return _sparse(_write(folder / "behind.png", cv2.imencode(".png", TEN)[1].tobytes()), 2**30)


def nifti_of_a_gigabyte(folder: Path) -> Path:
    """10 x 10 pixels of one that unpacks to a gigabyte."""
    header = nibabel.Nifti1Image(TEN, np.eye(4)).to_bytes()
    return _write(folder / "large.nii.gz", _zeros(2**10, header, _GZIP))


def jpeg_of_much_exif(folder: Path) -> Path:
    """3 MB of it in small pieces, each of which Pillow appends to all before."""
    whole = cv2.imencode(".jpg", TEN)[1].tobytes()
    piece = b"\xff\xe1" + struct.pack(">H", 1008) + b"Exif\0\0" + bytes(1000)
    return _write(folder / "exif.jpg", whole[:2] + piece * 3_000 + whole[2:])


def dicom_of_many_elements(folder: Path) -> Path:
    """20,000 empty ones before the pixels."""
    whole = dicom(TEN)
    place = whole.index(b"\xe0\x7f\x10\0")
    elements = b"".join(struct.pack("<HH2sH", 0x0028, number, b"LO", 0) for number in range(0x4000, 0x4000 + 20_000))
    return _write(folder / "elements.dcm", whole[:place] + elements + whole[place:])


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.png")
    return folder / "pipe.png"


def endless(folder: Path) -> Path:
    (folder / "endless.png").symlink_to("/dev/zero")
    return folder / "endless.png"


IMAGES: tuple[Callable[[Path], Path], ...] = (
    png_of_a_gigabyte,
    png_of_endless_rows,
    jpeg_of_500_scans,
    tiff_of_16001_pages,
    rle_of_a_gigabyte,
    jpeg_2000_of_12000,
    jpeg_in_dicom_of_12000,
    jpeg_in_dicom_behind_a_stray_byte,
    jpeg_2000_of_tiny_tiles,
    tiff_of_tags_on_each_other,
    dicom_of_3_gigabytes,
    pgm_of_a_gigabyte,
    png_of_a_gigabyte_behind_its_end,
    nifti_of_a_gigabyte,
    pipe,
    endless,
)


HEADERS: tuple[Callable[[Path], Path], ...] = (jpeg_of_much_exif, dicom_of_many_elements)
"""Whole images, with a header that takes seconds."""


def _zeros(megabytes: int, begin: bytes = b"", form: int = zlib.MAX_WBITS) -> bytes:
    """A stream without its end. After a full flush each block is packed as the one before."""
    packer = zlib.compressobj(9, wbits=form)
    first = packer.compress(begin + bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + (packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)) * (megabytes - 1)


def _png(width: int, height: int, packed: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, *zip(*chunks, strict=True)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _sparse(path: Path, size: int) -> Path:
    os.truncate(path, size)
    return path


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
