"""Pixels that were drawn as truth: as colours or grey values, through a palette, or in the alpha channel."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from components.foreign import foreign
from components.imaging.files.gif import decode_gif
from components.imaging.files.opencv import decode_with
from components.imaging.files.orientation import orientation_in
from components.imaging.files.raster import decode_raster, facing, one_image
from components.imaging.files.unreadable import UnreadableImage


@dataclass(frozen=True)
class Drawn:
    """The pixels of a mask file, and where in the file they stand."""

    pixels: np.ndarray
    """`(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16."""
    where: str = ""
    """`palette` or `alpha channel`; empty: the pixels themselves."""


def decode_drawn(content: bytes, max_pixels: int, upright: bool) -> Drawn:
    """As `decode_raster`; of a file of one colour with a drawing in its alpha channel that channel.

    Raises:
        UnreadableImage: as `decode_raster`; or colours and alpha tell two things.
    """
    header = one_image(io.BytesIO(content), max_pixels)
    alpha = _drawn_in_alpha(content, header, upright) if _has_alpha(content, header) else None
    if alpha is not None:
        return Drawn(alpha, "alpha channel")
    return Drawn(decode_raster(content, max_pixels, upright), "palette" if header.mode == "P" else "")


def _drawn_in_alpha(content: bytes, header: ImageFile, upright: bool) -> np.ndarray | None:
    """The alpha channel `(H, W)`; None where the colours tell what is drawn.

    They do where alpha has one value, and where it tells the same: all that is black, and nothing else, is transparent.
    One colour that is transparent everywhere is what a file of such drawings holds where nothing was drawn; but in BMP,
    whose fourth byte may be unused, it is the mask.
    """
    orientation = orientation_in(header, io.BytesIO(content))
    channels = _with_alpha(content, header)
    colours, alpha = channels[..., :-1], channels[..., -1]
    one_colour = (colours == colours[0, 0]).all()
    if alpha.min() == alpha.max() and (alpha.any() or not one_colour or isinstance(header, BmpImageFile)):
        return None
    if one_colour:
        return facing(upright, np.ascontiguousarray(alpha), orientation, header)
    if not _tell_the_same(colours, alpha):
        raise UnreadableImage(
            "has one drawing in its colours and another in its alpha channel: save the mask without the wrong one"
        )
    return None


def _has_alpha(content: bytes, header: ImageFile) -> bool:
    if isinstance(header, PngImageFile):
        # The colour type; and of palettes, entries of one colour may differ in what they let through.
        return content[25] in (4, 6) or (header.mode == "P" and "transparency" in header.info)
    if isinstance(header, GifImageFile):
        return "transparency" in header.info
    if isinstance(header, TiffImageFile):
        return header.mode in ("LA", "RGBA", "RGBX", "RGBa")
    return isinstance(header, BmpImageFile) and _is_32_bit(header)


def _is_32_bit(header: ImageFile) -> bool:
    decoder, _, _, arguments = header.tile[0]
    return decoder == "raw" and arguments is not None and len(arguments[0]) == 4


def _with_alpha(content: bytes, header: ImageFile) -> np.ndarray:
    """`(H, W, C)` as decoders give it, alpha last."""
    if isinstance(header, BmpImageFile):
        return _bmp_channels(content, header)
    if isinstance(header, GifImageFile):
        return decode_gif(header, alpha=True)
    if header.format == "TIFF" and header.mode == "LA":  # whose alpha OpenCV drops
        with foreign(UnreadableImage, "not a whole TIFF image"):
            return np.array(header)
    pixels = decode_with(cv2.IMREAD_UNCHANGED, content, header)
    if pixels.ndim != 3 or pixels.shape[2] != 4:
        return np.dstack([pixels, np.full(pixels.shape[:2], np.iinfo(pixels.dtype).max, pixels.dtype)])
    return pixels


def _bmp_channels(content: bytes, header: ImageFile) -> np.ndarray:
    """OpenCV and Pillow take the fourth byte for unused where the header does not call it alpha."""
    _, _, offset, arguments = header.tile[0]
    order, _, direction = cast("tuple[str, int, int]", arguments)
    width, height = header.size
    if len(content) < offset + 4 * width * height:
        raise UnreadableImage("not a whole BMP image: cut short")
    rows = np.frombuffer(content, np.uint8, 4 * width * height, offset).reshape(height, width, 4)[::direction]
    last = max(order.find("A"), order.find("X"))
    return rows[..., [*(channel for channel in range(4) if channel != last), last]]


def _tell_the_same(colours: np.ndarray, alpha: np.ndarray) -> bool:
    """Whether what is black is transparent, and nothing else, and that is all that alpha says."""
    two_values = cv2.countNonZero(np.ascontiguousarray(alpha)) == np.count_nonzero(alpha == alpha.max())
    return two_values and np.array_equal(alpha == 0, (colours == 0).all(axis=-1))
