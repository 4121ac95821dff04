"""TIFF of 16 bits by OpenCV; of fewer by Pillow, or at least with its consent: OpenCV passes over what libtiff finds
damaged in them, and puts tiles that are mirrored in wrong places."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from PIL import Image
from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import TiffImageFile

from components.foreign import foreign
from components.imaging.files.opencv import decode_with
from components.imaging.files.tiff_compression import refuse_unless_read
from components.imaging.files.unreadable import UnreadableImage

# Values of TIFF tags; sample format 4 is 'undefined'.
_UNSIGNED, _COLOUR_BY_COLOUR, _WHITE_IS_ZERO = {1, 4}, 2, 0
_MIRRORED = (2, 3, 6, 7)
"""Orientations in which stored columns run from right to left."""
_AS_LOADED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "1": lambda loaded: loaded * np.uint8(255),
    "L": lambda loaded: loaded,
    "LA": lambda loaded: np.ascontiguousarray(loaded[..., 0]),
    "RGB": lambda loaded: loaded,
}
"""By Pillow's modes, what is made of its pixels."""


class TiffFile(TiffImageFile):
    """Of any size: the limit of Pillow is one for the whole process."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size, None).im
        super().load_prepare()


def decode_tiff(content: bytes, header: TiffImageFile) -> np.ndarray:
    """`(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16, upright; palettes looked up.

    Raises:
        UnreadableImage: damaged, cut short, or pixels that are not 8- or 16-bit gray or opaque RGB.
    """
    tags = header.tag_v2
    bits, formats = tags.get(Tag.BitsPerSample, (1,)), tags.get(Tag.SampleFormat, (1,))
    if not set(formats) <= _UNSIGNED:
        raise UnreadableImage("has signed or floating-point pixels, expected unsigned ones of 8 or 16 bit")
    if bits[0] not in (1, 8, 16):
        raise UnreadableImage(f"has {bits[0]} bits per sample, expected 1, 8 or 16")
    # From here on what OpenCV would read wrongly: colour by colour, and inverted gray, at 16 bits; transparent colours.
    if bits[0] == 16 and len(bits) > 1 and tags.get(Tag.PlanarConfiguration) == _COLOUR_BY_COLOUR:
        raise UnreadableImage("has 16-bit RGB stored colour by colour, expected pixel by pixel: save it so")
    if bits[0] != 16:
        refuse_unless_read(tags.get(Tag.Compression, 1))
        mirrored = Tag.TileWidth in tags and tags.get(Tag.Orientation) in _MIRRORED
        with foreign(UnreadableImage, "not a whole TIFF image: cut short or damaged"):
            loaded = np.array(header)
        if len(bits) == len(header.getbands()) and header.mode in _AS_LOADED:
            return _AS_LOADED[header.mode](loaded)
        if mirrored:
            raise UnreadableImage("is stored in tiles that are mirrored or turned, expected strips: save it upright")
    pixels = decode_with(cv2.IMREAD_UNCHANGED, content, header)
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        if pixels[..., 3].min() < np.iinfo(pixels.dtype).max:
            raise UnreadableImage("is partly transparent: save it without an alpha channel")
        pixels = np.ascontiguousarray(pixels[..., :3])
    inverted = bits[0] == 16 and tags.get(Tag.PhotometricInterpretation) == _WHITE_IS_ZERO
    return np.invert(pixels) if inverted else pixels
