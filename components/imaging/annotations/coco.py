"""COCO's annotations: regions as run lengths, which keep holes and single pixels, and the names of their classes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Discriminator, Field, Tag

from components.foreign import foreign
from components.imaging.annotations.document import AnnotatedImage, Format, annotated, polygon
from components.imaging.annotations.named import Part
from components.imaging.annotations.raster import raster
from components.imaging.annotations.regions import Region, Regions, check_edges, regions_of
from components.imaging.annotations.rle import compressed, decompressed, run_lengths
from components.imaging.annotations.target import Chunk, Labelled, Target, listed
from components.imaging.truth.compound import several
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import UnclearShape
from components.task import Task

_Id = int | str
_Length = Annotated[int, Field(ge=0, lt=2**34)]
_Flat = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=6)]


class _Image(Part):
    id: _Id
    file_name: str
    height: int | None = None
    width: int | None = None


class _Category(Part):
    id: _Id
    name: str


class _RunLengths(Part):
    size: Annotated[tuple[int, int], Field(strict=False)]
    counts: str | list[_Length]


def _kind(segmentation: Any) -> str:
    return "run lengths" if isinstance(segmentation, dict) else "polygons"


_Segmentation = Annotated[
    Annotated[_RunLengths, Tag("run lengths")] | Annotated[list[_Flat], Tag("polygons")], Discriminator(_kind)
]


class _Annotation(Part):
    image_id: _Id
    category_id: _Id | None = None
    segmentation: _Segmentation


class _Owned(Part):
    """What must be known of an annotation to say whose it is."""

    id: _Id | None = None
    image_id: _Id


class _Document(Part):
    images: list[_Image]
    annotations: list[dict[str, Any]]
    categories: list[_Category]


def write_coco(images: Iterable[tuple[str, Regions]], task: Task) -> dict[str, Any]:
    """A document of images, each a file name and its regions. Numbers of classes are their indices.

    Each region is an annotation with its box (x, y, width, height) and area in pixels. Pixels that are not judged are
    in none.

    Raises:
        UnreadableImage: as of `check_edges`.
    """
    categories = [
        {"id": index, "name": name, "supercategory": "", "color": [*task.colour(index)]}
        for index, name in enumerate(task.classes, 1)
    ]
    document: dict[str, list[Any]] = {"images": [], "annotations": [], "categories": categories}
    for number, (name, found) in enumerate(images, 1):
        check_edges(found)
        height, width = found.mask.shape
        document["images"].append({"id": number, "file_name": name, "height": height, "width": width})
        for region in found.each:
            which = {"id": len(document["annotations"]) + 1, "image_id": number}
            document["annotations"].append(which | _annotation(region, (height, width)))
    return document


def joined(documents: Iterable[Mapping[str, Any]], task: Task) -> Iterator[str]:
    """The text of one document of those of `write_coco` of an image each, their numbers counted on.

    Of each image its name and size are held, and no more.
    """
    images: list[str] = []

    def annotations() -> Iterator[str]:
        before = 0
        for number, document in enumerate(documents, 1):
            images.append(json.dumps({**document["images"][0], "id": number}))
            for count, each in enumerate(document["annotations"], before + 1):
                yield json.dumps({**each, "id": count, "image_id": number})
            before += len(document["annotations"])

    yield f'{{"categories": {json.dumps(write_coco([], task)["categories"])},\n"annotations": [\n'
    yield from listed(annotations())
    yield '],\n"images": [\n'
    yield from listed(images)
    yield "]}\n"


def read_coco(content: Any, _stem: str = "") -> list[AnnotatedImage]:
    """The images of a document, in order, with its polygons and run lengths, compressed or not.

    Of polygons the corners of pixels have whole coordinates, and what is wound round twice lies outside, as pycocotools
    has it; those of one annotation are united. A pixel belongs to one if its centre does; pycocotools rounds, so that
    along slanting sides its pixels may be others. A crowd is drawn as its class: its pixels are of it.

    Raises:
        UnclearShape: no such document, or two images or categories of one number, or an annotation of no image.
    """
    with foreign(UnclearShape, "not COCO's JSON of segmentations"):
        document = _Document.model_validate(content)
        owned = [_Owned.model_validate(each) for each in document.annotations]
    names = {category.id: category.name for category in document.categories}
    records: dict[_Id, list[tuple[str, Any]]] = {image.id: [] for image in document.images}
    if len(records) < len(document.images) or len(names) < len(document.categories):
        raise UnclearShape("not COCO's JSON of segmentations: two images or two categories of one id")
    for number, (owner, each) in enumerate(zip(owned, document.annotations, strict=True), 1):
        record = f"annotation {number if owner.id is None else owner.id}"
        if owner.image_id not in records:
            raise UnclearShape(f"{record}: is on image {owner.image_id}, which is not in the document")
        records[owner.image_id].append((record, each))
    return [_read_image(image, records[image.id], names) for image in document.images]


def _read_image(image: _Image, records: list[tuple[str, Any]], names: Mapping[_Id, str]) -> AnnotatedImage:
    size = (image.height, image.width) if image.height and image.width else None

    def read(part: Any) -> tuple[str, Outline]:
        if not part.get("segmentation"):
            raise UnclearShape("has no segmentation: a box alone is no outline")
        found = _Annotation.model_validate(part)
        if found.category_id is not None and found.category_id not in names:
            raise UnclearShape(f"is of category {found.category_id}, which is not in the document")
        label = "" if found.category_id is None else names[found.category_id]
        return label, _outline(found.segmentation, size)

    return annotated(image.file_name, records, read, size=size)


def _outline(segmentation: _RunLengths | list[_Flat], size: tuple[int, int] | None) -> Outline:
    if isinstance(segmentation, list):
        rings = [np.array(flat[: len(flat) // 2 * 2]).reshape(-1, 2).tolist() for flat in segmentation]
        return several([polygon(ring, even_odd=True) for ring in rings])
    if size and segmentation.size != size:
        raise UnclearShape(f"is of the size {[*segmentation.size]}, expected {[*size]}, height before width")
    counts = segmentation.counts
    return raster(decompressed(counts) if isinstance(counts, str) else np.array(counts, np.int64), segmentation.size)


def _annotation(region: Region, size: tuple[int, int]) -> dict[str, Any]:
    lengths = run_lengths(region.inside, (region.top, region.left), size)
    return {
        "category_id": region.class_index,
        "bbox": [region.left, region.top, region.width, region.height],
        "area": region.area,
        "iscrowd": 0,
        "segmentation": {"size": list(size), "counts": compressed(lengths)},
    }


FORMAT = Format(
    name="coco",
    title="COCO's JSON",
    told=lambda content: isinstance(content, dict) and {"images", "annotations", "categories"} <= content.keys(),
    read=read_coco,
)


def _draw(image: Labelled, task: Task) -> dict[str, Any]:
    return write_coco([(image.name, regions_of(image.mask))], task)


def _join(drawn: Iterable[Mapping[str, Any]], task: Task) -> Iterator[Chunk]:
    return (("coco.json", text.encode()) for text in joined(drawn, task))


TARGET = Target("coco", _draw, _join, note="a region is an annotation, its segmentation run lengths")
