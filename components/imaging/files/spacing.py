"""The size of an image's pixels on what it shows: by the headers of DICOM, NIfTI and NRRD, the resolution of TIFF."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import TiffImageFile

from components.imaging.files import raster
from components.imaging.files.dicom_mark import is_dicom
from components.imaging.files.orientation import orientation_in, swaps_sides
from components.imaging.files.pnm import MAGIC as PNM_MAGIC
from components.imaging.files.volume_mark import is_volume

Spacing = tuple[float, float]
"""Height and width of a pixel in millimetres."""
_MM_PER_UNIT = {2: 25.4, 3: 10.0}
"""By TIFF's number of the unit: inch and centimetre."""
_SCREENS = (72, 96)
"""Dots per inch that programs write who know nothing of the image."""


def spacing_of(content: bytes, upright: bool = True) -> Spacing | None:
    """What the bytes of an image file tell, of pixels as `decode_image` gives them; None where they tell nothing.

    Of DICOM it is Pixel Spacing, else Imager Pixel Spacing, which is that of the detector: what lies before it is
    smaller than it says.

    Raises:
        UnreadableImage: the bytes are those of no image.
    """
    if content[:2] in PNM_MAGIC:
        return None
    if is_dicom(content):
        from components.imaging.files.dicom import spacing_of_dicom  # pydicom, a tenth of a second, only where needed

        return spacing(spacing_of_dicom(io.BytesIO(content)))
    if is_volume(content):
        from components.imaging.files.volumes import open_volume  # nibabel, a quarter of a second, only where needed

        return spacing(open_volume(content).spacing(upright))
    header = raster.open_raster(io.BytesIO(content))
    if not isinstance(header, TiffImageFile):
        return None
    found = _of_tiff(header)
    return found[::-1] if found and upright and swaps_sides(orientation_in(header, io.BytesIO(content))) else found


def spacing(values: Sequence[object]) -> Spacing | None:
    """Two lengths in mm, or None of what is none."""
    try:
        height, width = (float(str(value)) for value in values)
    except ValueError:
        return None
    return (height, width) if all(math.isfinite(length) and length > 0 for length in (height, width)) else None


def spacing_by_resolution(resolutions: Sequence[float], unit: int) -> Spacing | None:
    """Of pixels a unit along height and width, as TIFF tells them, and its number of the unit; None of a screen's."""
    found = spacing(resolutions)
    millimetres = _MM_PER_UNIT.get(unit)
    if millimetres is None or found is None or {round(25.4 * each / millimetres, 1) for each in found} <= {*_SCREENS}:
        return None
    return spacing([millimetres / each for each in found])


def _of_tiff(header: TiffImageFile) -> Spacing | None:
    tags = header.tag_v2
    resolutions = [float(tags.get(tag, 0)) for tag in (Tag.YResolution, Tag.XResolution)]
    return spacing_by_resolution(resolutions, tags.get(Tag.ResolutionUnit, 2))
