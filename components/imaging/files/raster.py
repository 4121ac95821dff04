"""PNG, JPEG, TIFF, BMP and GIF: headers by Pillow, which decodes nothing until asked, pixels by OpenCV, which is faster
and keeps 16 bits of RGB; of GIF, and TIFF of fewer bits, by Pillow, too."""

from __future__ import annotations

import io
import warnings
from typing import IO

import cv2
import numpy as np
from PIL import PngImagePlugin
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from components.foreign import foreign
from components.imaging.files.gif import decode_gif, gif_entries
from components.imaging.files.magic import JPEG_MAGIC, PNG_MAGIC, TIFF_MAGIC
from components.imaging.files.opencv import decode_with
from components.imaging.files.orientation import orientation_in, turned, turned_back
from components.imaging.files.tiff import TiffFile, decode_tiff
from components.imaging.files.tiff_compression import refuse_compression
from components.imaging.files.tiff_directory import check_directory
from components.imaging.files.unreadable import UnreadableImage, check_size

_PLUGINS: dict[bytes, type[ImageFile]] = {
    PNG_MAGIC: PngImageFile,
    JPEG_MAGIC: JpegImageFile,
    b"BM": BmpImageFile,
    **dict.fromkeys((b"GIF87a", b"GIF89a"), GifImageFile),
    **dict.fromkeys(TIFF_MAGIC, TiffFile),
}
_PNG_GRAY_AND_ALPHA = 4
# A line for each damaged tag, without the name of a file.
warnings.filterwarnings("ignore", module="PIL")
# Of a profile or a text, which nobody asks for; Pillow takes more than 2**20 for damage.
PngImagePlugin.MAX_TEXT_CHUNK = 2**26


def open_raster(file: IO[bytes]) -> ImageFile:
    """The header of a PNG, JPEG, TIFF, BMP or GIF file.

    Raises:
        UnreadableImage: another kind of file, or a damaged header.
    """
    plugin = _plugin_of(file.read(8))
    file.seek(0)
    if plugin is None:
        raise UnreadableImage(
            "not a whole image: neither a PGM, PPM, PNG, JPEG, TIFF, BMP, GIF, DICOM, NIfTI nor an NRRD file"
        )
    try:
        with foreign(
            UnreadableImage, f"not a whole {plugin.format} image: its header is damaged or of an unknown kind"
        ):
            # Not Image.open, whose limit on the size is one for the whole process.
            return plugin(file)
    except UnreadableImage:
        if plugin is TiffFile:
            refuse_compression(file)
        raise


def is_raster(head: bytes) -> bool:
    """Whether a file is PNG, JPEG, TIFF, BMP or GIF, by its first 8 bytes."""
    return _plugin_of(head) is not None


def _plugin_of(head: bytes) -> type[ImageFile] | None:
    return next((plugin for start, plugin in _PLUGINS.items() if head.startswith(start)), None)


def decode_raster(content: bytes, max_pixels: int, upright: bool = True) -> np.ndarray:
    """`(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16; alpha dropped, palettes looked up.

    The orientation that the file carries is applied where they shall be `upright`; else they are as stored.

    Gray of 1, 2 and 4 bits is spread over 0 to 255, as its formats define it.

    Raises:
        UnreadableImage: damaged, cut short, several pages, or pixels that are not 8- or 16-bit gray or RGB.
    """
    header = one_image(io.BytesIO(content), max_pixels)
    orientation = orientation_in(header, io.BytesIO(content))
    refuse_colours(header)
    if isinstance(header, TiffImageFile):
        return facing(upright, decode_tiff(content, header), orientation, header)
    if isinstance(header, GifImageFile):
        return decode_gif(header)
    flags = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = decode_with(flags, content, header)
    # OpenCV makes RGB of it. At 16 bits Pillow's mode does not tell; the colour type, byte 25 of a PNG, does.
    if isinstance(header, PngImageFile) and content[25] == _PNG_GRAY_AND_ALPHA:
        pixels = np.ascontiguousarray(pixels[..., 0])
    return facing(upright, pixels, orientation, header)


def indices_in_raster(content: bytes, max_pixels: int, upright: bool = True) -> np.ndarray | None:
    """Palette entries `(H, W)` uint8, turned as by `decode_raster`; None for an image without a palette."""
    header = one_image(io.BytesIO(content), max_pixels)
    if header.mode != "P":
        return None
    if isinstance(header, GifImageFile):
        return gif_entries(header)[0]
    decode_with(cv2.IMREAD_UNCHANGED, content, header)  # stricter than Pillow, which ignores check sums
    orientation = orientation_in(header, io.BytesIO(content))  # forgotten by Pillow when it decodes
    with foreign(UnreadableImage, f"not a whole {header.format} image: cut short or damaged"):
        entries = np.array(header)
    return facing(upright, entries, orientation, header)


def one_image(file: IO[bytes], max_pixels: int) -> ImageFile:
    """Its header, as of `open_raster`.

    Raises:
        UnreadableImage: as of `open_raster`; it claims no pixels, more than `max_pixels`, or more than one image, or
            tiles far larger than that.
    """
    header = open_raster(file)
    check_size(*header.size, max_pixels)
    if isinstance(header, TiffImageFile):
        with foreign(UnreadableImage, "not a whole TIFF image: its header is damaged"):
            file.seek(0)
            check_directory(file, header.width * header.height)
    with foreign(UnreadableImage, f"not a whole {header.format} image: its list of pages is damaged"):
        # Not how many: to count them Pillow reads each.
        has_pages = getattr(header, "is_animated", False)
    if has_pages:
        raise UnreadableImage("holds several pages, frames or resolutions, expected one image: save one of them alone")
    return header


def refuse_colours(header: ImageFile) -> None:
    """Raises UnreadableImage: the colours are none that are read."""
    if header.mode in ("CMYK", "LAB"):
        raise UnreadableImage(f"has {header.mode} colours, expected gray or RGB: convert it")


def facing(upright: bool, pixels: np.ndarray, orientation: int, header: ImageFile) -> np.ndarray:
    """Decoded pixels upright, or as stored: to TIFF alone decoders have applied the orientation."""
    if upright == isinstance(header, TiffImageFile):
        return pixels
    return (turned if upright else turned_back)(pixels, orientation)
