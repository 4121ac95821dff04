"""TIFF files by regions: of tiles or strips only those that a region touches are decoded, one by one."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import tifffile
from PIL.ExifTags import Base as Tag
from PIL.JpegImagePlugin import JpegImageFile

from components.foreign import foreign
from components.imaging.files.orientation import UPRIGHT, turn_name
from components.imaging.files.spacing import Spacing, spacing_by_resolution
from components.imaging.files.tiff_compression import refuse_unless_read
from components.imaging.files.unreadable import UnreadableImage, check_size

_MOST_STORED = 2**26
"""Pixels of a tile or strip."""
_STEP = 1024
_TURNED = range(2, 9)
"""Of orientations; other numbers mean nothing."""
_WHITE_IS_ZERO, _YCBCR = 0, 6
_READ = (_WHITE_IS_ZERO, 1, 2)
"""With black that is zero, and RGB."""


class TiffSlide:
    """The largest resolution of the first image."""

    def __init__(self, path: Path, upright: bool) -> None:
        """Raises UnreadableImage: it is of a kind that is not read; nothing has been decoded."""
        self._file = tifffile.TiffFile(path)
        try:
            self._page = self._checked(upright)
        except BaseException:
            self._file.close()
            raise
        page = self._page
        self.height, self.width, self.dtype = page.imagelength, page.imagewidth, np.dtype(page.dtype)
        self.channels = 1 if page.samplesperpixel == 1 else 3
        resolutions = [_ratio(page.tags.valueof(int(tag))) for tag in (Tag.YResolution, Tag.XResolution)]
        unit = int(page.tags.valueof(int(Tag.ResolutionUnit), 2))
        self.spacing: Spacing | None = spacing_by_resolution(resolutions, unit)
        across = page.chunks[1]
        self.step = min(self.width, max(1, _STEP // across) * across)

    def read(self, top: int, left: int, height: int, width: int) -> np.ndarray:
        down, across = self._page.chunks[:2]
        pixels = np.zeros((height, width, self._page.samplesperpixel), self.dtype)
        for row in range(top // down, -(-(top + height) // down)):
            for column in range(left // across, -(-(left + width) // across)):
                stored = self._stored(row, column)
                begin = max(top, row * down), max(left, column * across)
                end = min(top + height, row * down + len(stored)), min(left + width, column * across + stored.shape[1])
                there = tuple(slice(a - o, b - o) for a, b, o in zip(begin, end, (top, left), strict=True))
                own = tuple(
                    slice(a - o, b - o) for a, b, o in zip(begin, end, (row * down, column * across), strict=True)
                )
                pixels[there] = stored[own]
        return self._colours(pixels)

    def close(self) -> None:
        self._file.close()

    def _colours(self, pixels: np.ndarray) -> np.ndarray:
        """Gray `(h, w)` or RGB `(h, w, 3)` of samples as they are stored."""
        if pixels.shape[2] == 4:
            if pixels[..., 3].min() < np.iinfo(self.dtype).max:
                raise UnreadableImage("is partly transparent: save it without an alpha channel")
            pixels = pixels[..., :3]
        if self._page.photometric == _WHITE_IS_ZERO:
            pixels = np.invert(pixels)
        return pixels[..., 0] if self.channels == 1 else pixels

    def _stored(self, row: int, column: int) -> np.ndarray:
        """A tile or strip `(h, w, samples)`, cut off at the border of the image; of one that is not there, zeros."""
        page = self._page
        down, across = page.chunks[:2]
        number = row * page.chunked[1] + column
        height, width = min(down, self.height - row * down), min(across, self.width - column * across)
        with foreign(UnreadableImage, f"is damaged near row {row * down}, column {column * across}"):
            length = page.databytecounts[number]
            if not length:
                return np.zeros((height, width, page.samplesperpixel), self.dtype)
            self._file.filehandle.seek(page.dataoffsets[number])
            content = self._file.filehandle.read(length)
            if len(content) < length:
                raise UnreadableImage(f"is cut short: row {row * down} is missing")
            if page.compression == tifffile.COMPRESSION.JPEG:
                _refuse_larger(content, down, across)
            decoded, _, _ = page.decode(content, number, jpegtables=page.jpegtables, jpegheader=page.jpegheader)
            assert decoded is not None  # which it is of no content
            return decoded[0, :height, :width]

    def _checked(self, upright: bool) -> tifffile.TiffPage:
        series, *others = self._file.series
        page = series.levels[0].keyframe
        # Beside resolutions there may be pictures of the label and of the whole glass.
        if len(series.levels[0].pages) > 1 or (
            others and (len(series.levels) == 1 or max(each.size for each in others) > series.size)
        ):
            count = sum(len(each.levels[0].pages) for each in self._file.series)
            raise UnreadableImage(f"holds {count} images, expected one or its resolutions: save one of them alone")
        check_size(page.imagewidth, page.imagelength, 2**63)
        # The decoder of JPEG alone makes RGB of it.
        colours = page.photometric == _YCBCR and page.compression == tifffile.COMPRESSION.JPEG
        if not (colours or page.photometric in _READ) or page.samplesperpixel not in (1, 3, 4):
            kind = tifffile.PHOTOMETRIC(page.photometric).name
            raise UnreadableImage(f"has {page.samplesperpixel} channels of {kind}, expected gray or RGB: convert it")
        if page.dtype not in (np.uint8, np.uint16) or page.bitspersample not in (8, 16):
            raise UnreadableImage(f"has {page.bitspersample}-bit {page.dtype} pixels, expected unsigned of 8 or 16 bit")
        if page.samplesperpixel > 1 and page.planarconfig != tifffile.PLANARCONFIG.CONTIG:
            raise UnreadableImage("has its colours stored one by one, expected pixel by pixel: save it so")
        refuse_unless_read(page.compression)
        if min(page.chunks[:2]) < 1:
            raise UnreadableImage(f"is stored in pieces of {page.chunks[1]} x {page.chunks[0]} pixels: save it anew")
        if np.prod(page.chunks[:2]) > _MOST_STORED:
            raise UnreadableImage(
                f"is stored in pieces of {page.chunks[1]} x {page.chunks[0]} pixels, of which each must be held in "
                "memory: save it in tiles"
            )
        orientation = page.tags.valueof(int(Tag.Orientation), UPRIGHT)
        if upright and orientation in _TURNED:
            raise UnreadableImage(f"carries {turn_name(orientation)} in its header: save it upright")
        return page


def _refuse_larger(content: bytes, height: int, width: int) -> None:
    """A JPEG that claims more than its tile is decoded before anybody compares; other decoders are told the size."""
    claimed = JpegImageFile(BytesIO(content))
    if claimed.height > height or claimed.width > width:
        raise UnreadableImage(
            f"holds a tile that claims {claimed.width} x {claimed.height} pixels, not {width} x {height}"
        )


def _ratio(value: tuple[int, int] | None) -> float:
    return value[0] / value[1] if value and value[1] else 0
