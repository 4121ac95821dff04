"""PNG, JPEG, TIFF, BMP and GIF: headers by Pillow, which decodes nothing until asked, pixels by OpenCV, which is faster
and keeps 16 bits of RGB; of GIF by Pillow, too."""

from __future__ import annotations

import io
import warnings
from typing import IO

import cv2
import numpy as np
from PIL import PngImagePlugin
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ExifTags import Base as Tag
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from components.foreign import foreign
from components.imaging.files.gif import decode_gif, gif_entries
from components.imaging.files.jpeg import scans
from components.imaging.files.magic import JPEG_MAGIC, PNG_MAGIC, TIFF_MAGIC
from components.imaging.files.orientation import orientation_in, turned, turned_back
from components.imaging.files.png import check_png
from components.imaging.files.tiff_compression import refuse_compression
from components.imaging.files.tiff_directory import check_directory
from components.imaging.files.unreadable import UnreadableImage, check_size

_PLUGINS: dict[bytes, type[ImageFile]] = {
    PNG_MAGIC: PngImageFile,
    JPEG_MAGIC: JpegImageFile,
    b"BM": BmpImageFile,
    **dict.fromkeys((b"GIF87a", b"GIF89a"), GifImageFile),
    **dict.fromkeys(TIFF_MAGIC, TiffImageFile),
}
_PNG_GRAY_AND_ALPHA = 4
_MOST_SCANS = 100
"""Programs write up to 14."""
# A line for each damaged tag, without the name of a file.
warnings.filterwarnings("ignore", module="PIL")
# Of a profile or a text, which nobody asks for; Pillow takes more than 2**20 for damage.
PngImagePlugin.MAX_TEXT_CHUNK = 2**26
# Values of TIFF tags; sample format 4 is 'undefined'.
_UNSIGNED, _COLOUR_BY_COLOUR, _WHITE_IS_ZERO = {1, 4}, 2, 0


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
        if plugin is TiffImageFile:
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
        return facing(upright, _decode_tiff(content, header), orientation, header)
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


def _decode_tiff(content: bytes, header: TiffImageFile) -> np.ndarray:
    tags = header.tag_v2
    bits, formats = tags.get(Tag.BitsPerSample, (1,)), tags.get(Tag.SampleFormat, (1,))
    if not set(formats) <= _UNSIGNED:
        raise UnreadableImage("has signed or floating-point pixels, expected unsigned ones of 8 or 16 bit")
    if bits[0] not in (1, 8, 16):
        raise UnreadableImage(f"has {bits[0]} bits per sample, expected 1, 8 or 16")
    # From here on what OpenCV would read wrongly: colour by colour, and inverted gray, at 16 bits; transparent colours.
    if bits[0] == 16 and len(bits) > 1 and tags.get(Tag.PlanarConfiguration) == _COLOUR_BY_COLOUR:
        raise UnreadableImage("has 16-bit RGB stored colour by colour, expected pixel by pixel: save it so")
    pixels = decode_with(cv2.IMREAD_UNCHANGED, content, header)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        if pixels[..., 3].min() < np.iinfo(pixels.dtype).max:
            raise UnreadableImage("is partly transparent: save it without an alpha channel")
        pixels = np.ascontiguousarray(pixels[..., :3])
    inverted = bits[0] == 16 and tags.get(Tag.PhotometricInterpretation) == _WHITE_IS_ZERO
    return np.invert(pixels) if inverted else pixels


def decode_with(flags: int, content: bytes, header: ImageFile) -> np.ndarray:
    """Gray `(H, W)`, RGB `(H, W, 3)` or RGBA `(H, W, 4)` of OpenCV, by its flags.

    Raises:
        UnreadableImage: damaged, cut short, or pixels of another depth than 8 or 16 bits.
    """
    if isinstance(header, PngImageFile):
        check_png(content, *header.size)
    if isinstance(header, JpegImageFile) and (found := scans(content)) > _MOST_SCANS:
        raise UnreadableImage(
            f"has {found} scans, each over all of its pixels, expected up to {_MOST_SCANS}: save it anew"
        )
    # From memory, not by path: OpenCV hands out the readable part of a JPEG file that was cut short.
    # More pixels than it takes are refused: 2**30, unless OPENCV_IO_MAX_IMAGE_PIXELS in the environment says otherwise.
    with foreign(UnreadableImage, "OpenCV refuses it"):
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if pixels is None:
        if isinstance(header, TiffImageFile):
            refuse_compression(io.BytesIO(content))
        raise UnreadableImage(f"not a whole {header.format} image: cut short, damaged or of an unknown kind")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise UnreadableImage(f"has {pixels.dtype} pixels, expected 8 or 16 bit")
    if pixels.ndim == 3:
        code = cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
        cv2.cvtColor(pixels, code, dst=pixels)
    return pixels
