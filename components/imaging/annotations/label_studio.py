"""Label Studio's JSON export: tasks, each an image with its annotations, in percent of the image."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any
from urllib.parse import parse_qs, quote, unquote, urlparse
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from pydantic import Field

from components.foreign import foreign
from components.imaging.annotations.brush import painted_pixels, run_lengths
from components.imaging.annotations.colours import web_colour
from components.imaging.annotations.document import AnnotatedImage, Format, annotated, polygon, rectangle
from components.imaging.annotations.named import Part
from components.imaging.annotations.raster import painted
from components.imaging.annotations.target import Chunk, Labelled, Target, listed
from components.imaging.truth.classes import present
from components.imaging.truth.outline import Outline
from components.imaging.truth.shapes import Ellipse, UnclearShape
from components.task import Task

_UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")
"""What is put before the name of a file that is uploaded."""
_OBJECT, _CONTROL = "image", "label"
_Number = Annotated[float, Field(allow_inf_nan=False)]


class _Result(Part):
    type: str
    value: dict[str, Any]
    original_width: Annotated[int, Field(gt=0)]
    original_height: Annotated[int, Field(gt=0)]


class _Annotation(Part):
    result: list[dict[str, Any]]
    was_cancelled: bool = False


class _Task(Part):
    id: int | str = ""
    data: dict[str, Any]
    annotations: list[_Annotation]


class _Corners(Part):
    points: list[Annotated[list[_Number], Field(min_length=2)]]


class _Box(Part):
    x: _Number
    y: _Number
    width: _Number
    height: _Number
    rotation: _Number = 0.0


class _Oval(Part):
    x: _Number
    y: _Number
    radiusX: _Number
    radiusY: _Number
    rotation: _Number = 0.0


class _Brush(Part):
    rle: list[Annotated[int, Field(ge=0, le=255)]]


def read_label_studio(content: Any, _stem: str) -> list[AnnotatedImage]:
    """The images with their polygons, rectangles, ellipses and brush strokes; predictions are not read.

    Raises:
        UnclearShape: no such document, or a task without image.
    """
    with foreign(UnclearShape, "not Label Studio's JSON"):
        tasks = [_Task.model_validate(each) for each in content]
    return [_read_task(task, f"task {task.id or number}") for number, task in enumerate(tasks, 1)]


def _read_task(task: _Task, record: str) -> AnnotatedImage:
    values = [value for value in task.data.values() if isinstance(value, str)]
    found = task.data.get("image") or (values[0] if len(values) == 1 else None)
    if not isinstance(found, str):
        raise UnclearShape(f"{record}: its data have no image, expected one under that name")
    url = urlparse(found)
    file = unquote(parse_qs(url.query).get("d", [url.path])[0])
    folder, slash, name = file.rpartition("/")
    otherwise = folder + slash + _UPLOADED.sub("", name, count=1)
    done = [each for each in task.annotations if not each.was_cancelled]
    if len(done) != 1:
        return AnnotatedImage(
            file, (), fault=f"{record}: has {len(done)} annotations, expected one", otherwise=otherwise
        )
    # A choice or a text beside the shapes has no class of pixels.
    results = [each for each in done[0].result if str(each.get("type", "")).endswith("labels")]
    records = [(f"{record} result {each.get('id', number)}", each) for number, each in enumerate(results, 1)]
    return annotated(file, records, _read_result, otherwise=otherwise, size=_size(results))


def _size(results: list[dict[str, Any]]) -> tuple[int, int] | None:
    """Of the image, where a result tells it; one that is none is told by `_read_result`."""
    height, width = (results[0].get(f"original_{axis}") for axis in ("height", "width")) if results else (None, None)
    return (height, width) if isinstance(height, int) and isinstance(width, int) and height > 0 < width else None


def _read_result(part: Any) -> tuple[str, Outline]:
    result = _Result.model_validate(part)
    labels = result.value.get(result.type)
    if not isinstance(labels, list) or len(labels) > 1:
        raise UnclearShape(f"has the labels {labels}, expected one")
    return str(labels[0]) if labels else "", _outline(result)


def _outline(result: _Result) -> Outline:
    width, height = result.original_width, result.original_height
    across, down = width / 100, height / 100
    if result.type == "polygonlabels":
        points = _Corners.model_validate(result.value).points
        return polygon([(x * across, y * down) for x, y, *_ in points])
    if result.type == "rectanglelabels":
        box = _Box.model_validate(result.value)
        corner = box.x * across, box.y * down
        # It turns about its upper left corner.
        return rectangle(*corner, box.width * across, box.height * down, box.rotation, corner)
    if result.type == "ellipselabels":
        oval = _Oval.model_validate(result.value)
        centre = oval.x * across - 0.5, oval.y * down - 0.5
        return Ellipse(*centre, oval.radiusX * across, oval.radiusY * down, oval.rotation)
    if result.type == "brushlabels":
        content = np.array(_Brush.model_validate(result.value).rle, np.uint8)
        return painted(painted_pixels(content, height, width))
    raise UnclearShape(f"{result.type} enclose nothing")


def _is_label_studio(content: Any) -> bool:
    if not isinstance(content, list) or not content:
        return False
    return isinstance(content[0], dict) and {"data", "annotations"} <= content[0].keys()


FORMAT = Format(name="label_studio", title="Label Studio's JSON", told=_is_label_studio, read=read_label_studio)


def _draw(image: Labelled, task: Task) -> dict[str, Any]:
    """A task with an annotation: of each class what a brush would have painted."""
    height, width = image.mask.shape
    results = [
        {
            "id": f"class_{index}",
            "type": "brushlabels",
            "from_name": _CONTROL,
            "to_name": _OBJECT,
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "format": "rle",
                "rle": run_lengths(image.mask == index).tolist(),
                "brushlabels": [task.name(index)],
            },
        }
        for index in present(image.mask)
    ]
    url = f"/data/local-files/?d={quote(image.name)}"
    return {"data": {_OBJECT: url}, "annotations": [{"result": results}], "predictions": []}


def _join(drawn: Iterable[dict[str, Any]], task: Task) -> Iterator[Chunk]:
    view = Element("View")
    SubElement(view, "Image", name=_OBJECT, value=f"${_OBJECT}")
    labels = SubElement(view, "BrushLabels", name=_CONTROL, toName=_OBJECT)
    for index, name in enumerate(task.classes, 1):
        SubElement(labels, "Label", value=name, background=web_colour(task, index))
    yield "labeling_config.xml", tostring(view, "utf-8", xml_declaration=False) + b"\n"
    yield "tasks.json", b"[\n"
    for line in listed(json.dumps(each, separators=(",", ":")) for each in drawn):
        yield "tasks.json", line.encode()
    yield "tasks.json", b"]\n"


TARGET = Target(
    "label-studio",
    _draw,
    _join,
    note="a class is a brush stroke (run lengths) of each image; set LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT to the "
    "folder of images, give labeling_config.xml to the project, and import tasks.json",
)
