"""JSON of the VGG Image Annotator: a project, or its annotations alone."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from components.foreign import foreign
from components.imaging.annotations.document import AnnotatedImage, Format, annotated
from components.imaging.annotations.named import Part
from components.imaging.annotations.via_shapes import SHAPE, label_of
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import UnclearShape

_IMAGES = "_via_img_metadata"


class _Region(Part):
    shape_attributes: dict[str, Any]
    region_attributes: dict[str, Any] = Field(default={})


class _Image(Part):
    filename: str
    regions: list[Any] | dict[str, Any]
    file_attributes: dict[str, Any] = Field(default={})


def read_via(content: Any, _stem: str) -> list[AnnotatedImage]:
    """The images with their circles, ellipses, rectangles and polygons; the centre of a pixel has whole coordinates.

    A label is an attribute named pathology, label or class, of the region or else of the file.

    Raises:
        UnclearShape: no such document.
    """
    with foreign(UnclearShape, "not JSON of the VGG Image Annotator"):
        images = [_Image.model_validate(each) for each in content.get(_IMAGES, content).values()]
    return [_read_image(image) for image in images]


def _read_image(image: _Image) -> AnnotatedImage:
    def read(part: Any) -> tuple[str, Outline]:
        region = _Region.model_validate(part)
        label = label_of(region.region_attributes) or label_of(image.file_attributes)
        return label, SHAPE.validate_python(region.shape_attributes).outline()

    regions = image.regions if isinstance(image.regions, list) else [*image.regions.values()]
    return annotated(image.filename, [(f"region {number}", each) for number, each in enumerate(regions, 1)], read)


def _is_via(content: Any) -> bool:
    images = content.get(_IMAGES, content) if isinstance(content, dict) else None
    parts = images.values() if isinstance(images, dict) else ()
    return any(isinstance(each, dict) and {"filename", "regions"} <= each.keys() for each in parts)


FORMAT = Format(name="via", title="JSON of the VGG Image Annotator", told=_is_via, read=read_via)
