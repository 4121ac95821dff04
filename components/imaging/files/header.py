"""What a file tells of its pixels beside them, in one look."""

from __future__ import annotations

import io
from typing import NamedTuple

from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import TiffImageFile

from components.imaging.files import raster
from components.imaging.files.dicom_mark import is_dicom
from components.imaging.files.label_text import is_label_text
from components.imaging.files.orientation import UPRIGHT, orientation_in, swaps_sides
from components.imaging.files.pnm import MAGIC as PNM_MAGIC
from components.imaging.files.spacing import Spacing, spacing, spacing_by_resolution
from components.imaging.files.volume_mark import is_volume


class Header(NamedTuple):
    """Of PNM and text, which tell nothing, as it is here."""

    orientation: int = UPRIGHT
    """1 to 8 as in EXIF, of NIfTI and NRRD by their place in a patient; 1 of BMP, GIF and DICOM."""
    placed: bool = False
    """Whether it tells where in a patient its pixels lie, so that upright it fits any other that does: NIfTI, NRRD."""
    lossy: bool = False
    """Whether its compression changes values of pixels: JPEG, JPEG within TIFF, lossy DICOM."""
    stored_spacing: Spacing | None = None
    """Of pixels as they are stored: by the headers of DICOM, NIfTI and NRRD, the resolution of TIFF."""
    is_seg: bool = False
    """Whether it is a DICOM segmentation."""

    def spacing(self, upright: bool = True) -> Spacing | None:
        """Of pixels as `components.imaging.files.codecs.decode_image` gives them; None where the file tells nothing."""
        turned = upright and swaps_sides(self.orientation)
        return self.stored_spacing[::-1] if self.stored_spacing and turned else self.stored_spacing


def header_of(content: bytes) -> Header:
    """Some headers take minutes: to be called within `components.imaging.files.limits.decode_within`.

    Raises:
        UnreadableImage: the bytes are those of no image, or the header is damaged.
    """
    if content[:2] in PNM_MAGIC or is_label_text(content):
        return Header()
    if is_dicom(content):
        from components.imaging.files.dicom import header_of_dicom  # pydicom, a tenth of a second, only where needed

        return header_of_dicom(content)
    if is_volume(content):
        from components.imaging.files.volumes import open_volume  # nibabel, a quarter of a second, only where needed

        volume = open_volume(content)
        return Header(volume.orientation, volume.is_placed, stored_spacing=spacing(volume.spacing(upright=False)))
    return _of_raster(content)


def _of_raster(content: bytes) -> Header:
    header = raster.open_raster(io.BytesIO(content))
    return Header(
        orientation_in(header, io.BytesIO(content)),
        lossy="jpeg" in (str(header.format).lower(), header.info.get("compression")),
        stored_spacing=_spacing_of_tiff(header) if isinstance(header, TiffImageFile) else None,
    )


def _spacing_of_tiff(header: TiffImageFile) -> Spacing | None:
    tags = header.tag_v2
    return spacing_by_resolution(
        [tags.get(tag) for tag in (Tag.YResolution, Tag.XResolution)], tags.get(Tag.ResolutionUnit, 2)
    )
