"""Layout `bcss`: images of regions of interest, and the annotations of their slides as the Digital Slide Archive
gives them, one JSON file per slide.

A file is a list of annotations, each with `elements`; an element is a polyline (points) or a rectangle (centre, width,
height, rotation), in pixels of the slide, and has a group such as `mostly_tumor`. The region of interest is the
element of group `roi`, else the first of all; its image shows the upright rectangle round it, at any scale. What lies
in that rectangle but outside a rotated region has no truth, and is not judged.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from components.brief import some
from components.errors import UsageError
from components.example_gen.documents import document_kind
from components.example_gen.drawing import listing_of
from components.example_gen.layouts.layout import Layout
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import (
    Drawing,
    Listing,
    NotLaidOut,
    Reject,
    Sample,
    image_files,
    unread_files,
    without_suffix,
)
from components.example_gen.tables import faults_named, other_files, read_text
from components.foreign import cause
from components.imaging.truth.shapes import Polygon, Shape, UnclearShape
from components.texts import refuse_parts

_BARCODE = re.compile(r"(TCGA-(\w{2})-\w{4})(?:\S*?-(DX\d+))?", re.IGNORECASE)
_CORNER = re.compile(r"_xmin(\d+)_ymin(\d+)")
_CORNER_TOLERANCE = 0.01
"""Share of the region of interest by which its corner may differ from the one in the image's name."""

Number = Annotated[float, Field(allow_inf_nan=False)]
Point = Annotated[list[Number], Field(min_length=2, max_length=3)]


class _Part(BaseModel):
    """A part of an annotation file. Keys that are not read may be there."""

    model_config = ConfigDict(frozen=True, strict=True)


class Label(_Part):
    value: str = ""


class Element(_Part):
    type: str
    group: str | None = None
    label: Label | None = None
    points: list[Point] = []
    holes: list[Any] | None = None
    center: Point | None = None
    width: Number = 0.0
    height: Number = 0.0
    rotation: Number = 0.0

    @property
    def name(self) -> str:
        return plain(self.group or (self.label.value if self.label else ""))

    def corners(self) -> list[tuple[float, float]]:
        """In pixels of the slide, `(x, y)`.

        Raises:
            UnclearShape: neither a rectangle nor a polyline without holes.
        """
        if self.type == "polyline" and not self.holes:
            return [(point[0], point[1]) for point in self.points]
        if self.type != "rectangle" or not self.center:
            kind = f"{self.type} with holes" if self.holes else self.type
            raise UnclearShape(f"a {kind} of group {self.name!r}, expected a rectangle or a polyline without holes")
        cos, sin = math.cos(self.rotation), math.sin(self.rotation)
        halves = [(x * self.width / 2, y * self.height / 2) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        return [(self.center[0] + x * cos - y * sin, self.center[1] + x * sin + y * cos) for x, y in halves]


class Annotation(_Part):
    elements: list[Element]


class Document(_Part):
    annotation: Annotation


_DOCUMENTS = TypeAdapter(list[Document])


def plain(group: str) -> str:
    """The name of a group without the `mostly_` that some have."""
    return group.strip().lower().removeprefix("mostly_")


def patterns(data: Reading) -> dict[str, str]:
    """Globs, relative to the input folder, of every file that is read."""
    return {"images": f"{data.images}/*", "annotations": f"{_folder(data)}/*"}


def list_bcss(root: Path, data: Reading) -> Listing:
    """The regions of interest with the regions of `[data] classes`, tumor where none is named.

    Regions of other groups are not drawn: they cover nothing. Of the others, later ones lie over earlier ones. Groups
    are patients and sites tissue source sites where names begin with a TCGA barcode, else each name is a group.

    Raises:
        UsageError: one of the two folders is missing, or no region has one of the classes.
    """
    for folder in (data.images, _folder(data)):
        if not (root / folder).is_dir():
            raise NotLaidOut(
                f"{root}: has no folder {folder!r}, expected {data.images!r} with images and {_folder(data)!r} with "
                "annotations. Set [data] images and table, or another layout."
            )
    files = sorted((root / _folder(data)).iterdir())
    images = _by_slide(image_files(root / data.images))
    annotations = _by_slide(path for path in files if path.suffix.lower() == ".json")
    classes = [plain(name) for name in data.classes] or ["tumor"]
    found = [
        _sample(root, images.get(slide, []), annotations.get(slide, []), classes)
        for slide in sorted(images.keys() | annotations.keys())
    ]
    unread = [*unread_files(root, root / data.images), *other_files(root, files, [".json"])]
    listing = listing_of([*unread, *found])
    if not listing.samples and any(document_kind(path) for paths in annotations.values() for path in paths):
        raise NotLaidOut(f"{root}: the files in {_folder(data)!r} are no annotations of the Digital Slide Archive.")
    _refuse_unknown_classes(listing, [path for paths in annotations.values() for path in paths], classes)
    return listing


def _folder(data: Reading) -> str:
    return data.table or "annotations"


def _by_slide(paths: Iterable[Path]) -> dict[str, list[Path]]:
    slides: dict[str, list[Path]] = {}
    for path in paths:
        name = without_suffix(path).name
        barcode = _BARCODE.match(name)
        slide = "-".join(filter(None, [barcode[1], barcode[3]])).upper() if barcode else name
        slides.setdefault(slide, []).append(path)
    return slides


def _sample(root: Path, images: list[Path], annotations: list[Path], classes: Sequence[str]) -> Sample | Reject:
    sources = [path.relative_to(root).as_posix() for path in images + annotations]
    if len(images) > 1 or len(annotations) > 1:
        return Reject(sources[0], "pairing", f"several files of one slide: {', '.join(sources)}")
    if not images:
        return Reject(sources[0], "pairing", "annotations without an image of the same slide")
    if not annotations:
        return Reject(sources[0], "pairing", "an image without annotations of the same slide")
    name = without_suffix(images[0]).name
    try:
        drawing = _drawing(name, _elements(annotations[0]), classes)
    except (OSError, UnclearShape) as error:
        return Reject(sources[0], "truth", f"{sources[1]}: {cause(error)}")
    barcode = _BARCODE.match(name)
    group, site = (barcode[1].upper(), barcode[2].upper()) if barcode else (name, "")
    return Sample(id=name, group=group, image=sources[0], truth=drawing, site=site)


def _elements(path: Path) -> list[Element]:
    text = read_text(path).strip()
    try:
        with faults_named():
            refuse_parts(text)
            documents = _DOCUMENTS.validate_json(f"[{text}]" if text.startswith("{") else text)
    except UnclearShape as error:
        kind = document_kind(path)
        raise UnclearShape(f"is {kind}" if kind else str(error)) from error
    return [element for document in documents for element in document.annotation.elements]


def _drawing(name: str, elements: list[Element], classes: Sequence[str]) -> Drawing:
    region = next((element for element in elements if element.name == "roi"), elements[0] if elements else None)
    if region is None or region.name in classes:
        raise UnclearShape("has no region of interest: expected an element of group 'roi', or one before all others")
    (left, top), (right, bottom) = Polygon(tuple(region.corners())).bounds
    width, height = round(right - left), round(bottom - top)
    if not (width and height):
        raise UnclearShape("the region of interest is smaller than a pixel")
    corner = _CORNER.search(name)
    if corner and math.dist((left, top), (int(corner[1]), int(corner[2]))) > _CORNER_TOLERANCE * max(width, height):
        raise UnclearShape(f"the region of interest begins at x {left:g}, y {top:g}, the image by its name elsewhere")
    shapes = tuple(
        Shape(Polygon(tuple((x - left, y - top) for x, y in element.corners())), classes.index(element.name) + 1)
        for element in elements
        if element.name in classes
    )
    return Drawing(shapes, region=_turned(region, left, top), canvas=(height, width))


def _turned(region: Element, left: float, top: float) -> Shape | None:
    """The region of interest within the upright rectangle round it; None where it fills that."""
    corners = [(x - left, y - top) for x, y in region.corners()]
    turned = any(min(abs(x - x_before), abs(y - y_before)) >= 1 for (x_before, y_before), (x, y) in _sides(corners))
    return Shape(Polygon(tuple(corners))) if turned else None


def _sides(corners: Sequence[tuple[float, float]]) -> Iterator[tuple[tuple[float, float], tuple[float, float]]]:
    return pairwise([*corners, corners[0]])


def _refuse_unknown_classes(listing: Listing, annotations: list[Path], classes: Sequence[str]) -> None:
    """A misspelt class would make every image one without foreground."""
    if any(isinstance(sample.truth, Drawing) and sample.truth.shapes for sample in listing.samples):
        return
    groups: Counter[str] = Counter()
    for path in annotations if listing.samples else []:
        try:
            groups.update(element.name for element in _elements(path))
        except (OSError, UnclearShape):
            continue
    if groups.keys() - {"roi", ""}:
        known = some(f"{name} ({count})" for name, count in groups.most_common())
        raise UsageError(f"[data] classes: no region is of group {' or '.join(classes)}. Groups found: {known}.")


LAYOUT = Layout(
    name="bcss",
    keys=frozenset({"images", "table"}),
    marks=(("images", "annotations"),),
    listing=list_bcss,
    patterns=patterns,
    ignores=True,
)
