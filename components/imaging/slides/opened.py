"""Which files are read by regions, and by what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from components.errors import MasklineError, UsageError
from components.foreign import foreign
from components.imaging.files import raster
from components.imaging.files.codecs import LIMITS
from components.imaging.files.limits import decode_within
from components.imaging.files.magic import TIFF_MAGIC
from components.imaging.files.unreadable import UnreadableImage
from components.imaging.slides import vips
from components.imaging.slides.slide import Slide
from components.reading import opened

SUFFIXES = frozenset({".svs", ".ndpi", ".mrxs", ".scn", ".vms", ".vmu", ".bif", ".svslide"})
"""Of slides alone; others are TIFF."""
LONGEST_SIDE = 2**18
"""Pixels: of wider slides a few rows are more than memory holds."""
_MAGIC_BYTES = 8


def is_slide(path: Path, max_pixels: int = LIMITS.pixels) -> bool:
    """Whether a file is read by regions: of a suffix of slides, or a TIFF of several resolutions, or a TIFF, a PNG or a
    JPEG of more pixels than are read at once. What is damaged is none."""
    if path.suffix.lower() in SUFFIXES:
        return True
    try:
        with foreign(UnreadableImage, "cannot be read", MasklineError):
            return decode_within(LIMITS.seconds, _is_by_regions, path, max_pixels)
    except UnreadableImage:
        return False


def _is_by_regions(path: Path, max_pixels: int) -> bool:
    with opened(path) as file:
        magic = file.read(_MAGIC_BYTES)
        if not magic.startswith((*TIFF_MAGIC, *vips.MAGIC)):
            return False
        file.seek(0)
        header = raster.open_raster(file)
        is_pyramid = magic.startswith(TIFF_MAGIC) and getattr(header, "is_animated", False)
        return is_pyramid or header.width * header.height > max_pixels


def is_decoded_by_rows(path: Path) -> bool:
    """Whether a slide is a PNG or a JPEG; of such nothing but its pixels needs the extra `slides`.

    Raises:
        UnreadableImage: it cannot be opened.
    """
    with foreign(UnreadableImage, "cannot be read"), opened(path) as file:
        return file.read(_MAGIC_BYTES).startswith(vips.MAGIC)


def load_reader(path: Path) -> None:
    """For the pixels of a slide.

    Raises:
        UsageError: it is not installed.
        UnreadableImage: the slide cannot be opened.
    """
    if is_decoded_by_rows(path):
        vips.load_vips()
    else:
        load_openslide()


def load_openslide() -> ModuleType:
    """Raises UsageError: what reads slides is not installed."""
    try:
        import imagecodecs  # noqa: F401 - by it tifffile decodes JPEG and LZW
        import openslide
    except ImportError as error:
        raise UsageError(f"slides cannot be read, {error.name} is missing: pip install 'maskline[slides]'") from error
    return openslide


@contextmanager
def open_slide(path: Path, upright: bool = True) -> Iterator[Slide]:
    """A slide that OpenSlide knows, or a TIFF, tiled or in strips, a PNG or a JPEG, 8 or 16 bit, gray or RGB.

    Args:
        path: of the file.
        upright: whether a file that carries an orientation is refused, since regions are read as they are stored.

    Raises:
        UsageError: the extra `slides` is not installed.
        UnreadableImage: it is damaged, or of a kind that is not read.
    """
    slide = _opened(path, upright)
    try:
        if max(slide.height, slide.width) > LONGEST_SIDE:
            raise UnreadableImage(f"has {slide.width} x {slide.height} pixels, expected at most {LONGEST_SIDE} a side")
        yield slide
    finally:
        slide.close()


def _opened(path: Path, upright: bool) -> Slide:
    if is_decoded_by_rows(path):
        with foreign(UnreadableImage, "cannot be read by rows"):
            return vips.VipsSlide(path, upright)
    from components.imaging.slides.tiff import TiffSlide
    from components.imaging.slides.vendor import VendorSlide

    openslide = load_openslide()
    with foreign(UnreadableImage, "cannot be read as a slide"):
        # What it calls generic tells nothing that the file itself does not, and comes in 8 bit.
        vendor = openslide.OpenSlide.detect_format(path)
        plain = vendor in (None, "generic-tiff")
        return TiffSlide(path, upright) if plain else VendorSlide(openslide.OpenSlide(path))
