"""COCO's annotations: regions as run lengths, which keep holes and single pixels, and the names of their classes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Discriminator, Field, Tag

from components.foreign import foreign
from components.imaging.annotations.named import Part, class_index
from components.imaging.annotations.outlines import draw
from components.imaging.annotations.regions import Region, Regions, check_edges
from components.imaging.annotations.rle import compressed, decompressed, fill, run_lengths
from components.imaging.files.unreadable import check_size
from components.imaging.truth.shapes import UnclearShape
from components.task import Task

_Id = int | str
_Length = Annotated[int, Field(ge=0, lt=2**34)]
_Flat = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=6)]


class _Image(Part):
    id: _Id
    file_name: str
    height: int
    width: int


class _Category(Part):
    id: _Id
    name: str


class _RunLengths(Part):
    size: list[int]
    counts: str | list[_Length]


def _kind(segmentation: Any) -> str:
    return "run lengths" if isinstance(segmentation, dict) else "polygons"


_Segmentation = Annotated[
    Annotated[_RunLengths, Tag("run lengths")] | Annotated[list[_Flat], Tag("polygons")], Discriminator(_kind)
]


class _Annotation(Part):
    id: _Id
    image_id: _Id
    category_id: _Id
    segmentation: _Segmentation


class _Document(Part):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


@dataclass(frozen=True)
class CocoImage:
    """An image of a document, and what is drawn on it."""

    file_name: str
    height: int
    width: int
    annotations: list[tuple[str, _Annotation]] = field(default_factory=list)
    """Each with the name of its class."""


def write_coco(images: Iterable[tuple[str, Regions]], task: Task) -> dict[str, Any]:
    """A document of images, each a file name and its regions. Numbers of classes are their indices.

    Each region is an annotation with its box (x, y, width, height) and area in pixels. Pixels that are not judged are
    in none.

    Raises:
        UnreadableImage: as of `check_edges`.
    """
    categories = [{"id": index, "name": name, "supercategory": ""} for index, name in enumerate(task.classes, 1)]
    document: dict[str, list[Any]] = {"images": [], "annotations": [], "categories": categories}
    for number, (name, found) in enumerate(images, 1):
        check_edges(found)
        height, width = found.mask.shape
        document["images"].append({"id": number, "file_name": name, "height": height, "width": width})
        for region in found.each:
            which = {"id": len(document["annotations"]) + 1, "image_id": number}
            document["annotations"].append(which | _annotation(region, (height, width)))
    return document


def read_coco(content: bytes) -> list[CocoImage]:
    """The images of a document, in order; `mask_of` draws them.

    Raises:
        UnclearShape: no such document, or numbers that name no image or class, or several images.
    """
    with foreign(UnclearShape, "not COCO's JSON of segmentations"):
        document = _Document.model_validate(json.loads(content))
    images = {image.id: CocoImage(image.file_name, image.height, image.width) for image in document.images}
    names = {category.id: category.name for category in document.categories}
    if len(images) < len(document.images) or len(names) < len(document.categories):
        raise UnclearShape("not COCO's JSON of segmentations: two images or two categories of one id")
    for each in document.annotations:
        if each.image_id not in images or each.category_id not in names:
            raise UnclearShape(
                f"annotation {each.id}: is on image {each.image_id} and of category {each.category_id}, which are not "
                "both in the document"
            )
        images[each.image_id].annotations.append((names[each.category_id], each))
    return [*images.values()]


def mask_of(image: CocoImage, task: Task, max_pixels: int) -> np.ndarray:
    """Class indices `(H, W)` uint8 of run lengths, compressed or not, and polygons; later ones lie over earlier ones.

    Of polygons the corners of pixels have whole coordinates. A pixel belongs to one if its centre does; pycocotools
    rounds, so that along slanting sides its pixels may be others.

    Raises:
        TooManyPixels: the document claims more than `max_pixels`.
        UnclearShape: an annotation of a class that the task has not, of another size, or that covers no pixel.
    """
    check_size(image.width, image.height, max_pixels)
    mask = np.zeros((image.height, image.width), np.uint8, order="F")
    for name, annotation in image.annotations:
        try:
            _draw(mask, annotation.segmentation, class_index(name, task))
        except UnclearShape as error:
            raise UnclearShape(f"annotation {annotation.id}: {error}") from error
    return np.ascontiguousarray(mask)


def _annotation(region: Region, size: tuple[int, int]) -> dict[str, Any]:
    lengths = run_lengths(region.inside, (region.top, region.left), size)
    return {
        "category_id": region.class_index,
        "bbox": [region.left, region.top, region.width, region.height],
        "area": region.area,
        "iscrowd": 0,
        "segmentation": {"size": list(size), "counts": compressed(lengths)},
    }


def _draw(mask: np.ndarray, segmentation: _RunLengths | list[_Flat], value: int) -> None:
    if isinstance(segmentation, list):
        corners = [np.array(flat[: len(flat) // 2 * 2]).reshape(-1, 2).tolist() for flat in segmentation]
        draw(mask, [[ring] for ring in corners], value)
        return
    if segmentation.size != list(mask.shape):
        raise UnclearShape(f"is of the size {segmentation.size}, expected {list(mask.shape)}, height before width")
    counts = segmentation.counts
    fill(mask, decompressed(counts) if isinstance(counts, str) else np.array(counts, np.int64), value)
