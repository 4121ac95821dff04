"""The same truth in every format that is read: of images of 12 x 10 pixels, of class mass, drawn as `SQUARE` is."""

from __future__ import annotations

import base64
import json
import plistlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.imaging.files.codecs import encode_png

HEIGHT, WIDTH = 10, 12
LEFT, TOP, RIGHT, BOTTOM = 3, 2, 8, 6
SQUARE = np.zeros((HEIGHT, WIDTH), np.uint8)
SQUARE[TOP:BOTTOM, LEFT:RIGHT] = 1
CORNERS = [[LEFT, TOP], [RIGHT, TOP], [RIGHT, BOTTOM], [LEFT, BOTTOM]]
RING = [*CORNERS, CORNERS[0]]
FLAT = [value for corner in CORNERS for value in corner]
PERCENT = [[x / WIDTH * 100, y / HEIGHT * 100] for x, y in CORNERS]
COLUMN_RUNS = " ".join(f"{column * HEIGHT + TOP + 1} {BOTTOM - TOP}" for column in range(LEFT, RIGHT))
_OSIRIX = '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">'


def coco(names: list[str]) -> dict[str, Any]:
    box = {"image_id": 0, "category_id": 7, "iscrowd": 0, "segmentation": [FLAT]}
    return {
        "images": [{"id": n, "file_name": name, "height": HEIGHT, "width": WIDTH} for n, name in enumerate(names)],
        "annotations": [{**box, "id": n, "image_id": n} for n in range(len(names))],
        "categories": [{"id": 7, "name": "mass", "supercategory": ""}],
    }


def labelme(name: str, **changed: Any) -> dict[str, Any]:
    shape = {"label": "mass", "points": CORNERS, "group_id": None, "shape_type": "polygon", "flags": {}, **changed}
    size = {"imageHeight": HEIGHT, "imageWidth": WIDTH}
    return {"version": "5.4.1", "flags": {}, "shapes": [shape], "imagePath": f"..\\images\\{name}", **size}


def labelme_mask(name: str) -> dict[str, Any]:
    content = encode_png(np.full((BOTTOM - TOP, RIGHT - LEFT), 255, np.uint8))
    points = [[LEFT, TOP], [RIGHT - 1, BOTTOM - 1]]
    return labelme(name, shape_type="mask", points=points, mask=base64.b64encode(content).decode())


def via(names: list[str]) -> dict[str, Any]:
    xs, ys = zip(*CORNERS, strict=True)
    shape = {"name": "polygon", "all_points_x": [*xs], "all_points_y": [*ys]}
    regions = [{"shape_attributes": shape, "region_attributes": {"label": "mass"}}]
    return {f"{name}99": {"filename": name, "size": 99, "regions": regions, "file_attributes": {}} for name in names}


def cvat(names: list[str]) -> str:
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in CORNERS)
    images = "".join(
        f'<image id="{n}" name="{name}" width="{WIDTH}" height="{HEIGHT}">'
        f'<polygon label="mass" source="manual" occluded="0" points="{points}" z_order="0"></polygon><tag label="x"/>'
        "</image>"
        for n, name in enumerate(names)
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{images}</annotations>'


def geojson() -> dict[str, Any]:
    properties = {"objectType": "annotation", "classification": {"name": "mass", "color": [200, 0, 0]}}
    geometry = {"type": "Polygon", "coordinates": [RING]}
    return {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "geometry": geometry, "properties": properties}],
    }


def imagescope(*more: str) -> str:
    vertices = "".join(f'<Vertex X="{x}" Y="{y}" Z="0"/>' for x, y in CORNERS)
    region = f'<Region Id="1" Type="0" NegativeROA="0" Text=""><Attributes/><Vertices>{vertices}</Vertices></Region>'
    layer = f'<Annotation Id="1" Name="mass"><Attributes/><Regions>{region}{"".join(more)}</Regions></Annotation>'
    return f'<Annotations MicronsPerPixel="0.25">{layer}</Annotations>'


def label_studio(names: list[str]) -> list[dict[str, Any]]:
    value = {"points": PERCENT, "closed": True, "polygonlabels": ["mass"]}
    result = {"id": "r", "type": "polygonlabels", "value": value, "original_width": WIDTH, "original_height": HEIGHT}
    return [
        {
            "id": n,
            "data": {"image": f"/data/upload/1/0a1b2c3d-{name}"},
            "annotations": [{"id": n, "was_cancelled": False, "result": [result]}],
            "predictions": [],
        }
        for n, name in enumerate(names)
    ]


def run_lengths(names: list[str]) -> str:
    return "\n".join(["ImageId,EncodedPixels,Label", *(f"{name},{COLUMN_RUNS},mass" for name in names)])


def inbreast() -> str:
    points = [f"({x:.6f}, {y:.6f})" for x, y in CORNERS]
    region = {"Area": 0.1, "Name": "mass", "NumberOfPoints": 4, "Point_px": points, "Type": 15}
    text = plistlib.dumps({"Images": [{"ImageIndex": 0, "NumberOfROIs": 1, "ROIs": [region]}]}).decode()
    assert _OSIRIX in text
    return text


def _of_all(write: Callable[[list[str]], Any], file: str) -> Callable[[list[str]], Mapping[str, Any]]:
    return lambda names: {file: write(names)}


def _of_each(write: Callable[[str], Any], folder: str, suffix: str) -> Callable[[list[str]], Mapping[str, Any]]:
    return lambda names: {f"{folder}/{Path(name).stem}{suffix}": write(name) for name in names}


DOCUMENTS: dict[str, Callable[[list[str]], Mapping[str, Any]]] = {
    "coco": _of_all(coco, "annotations/instances_all.json"),
    "labelme": _of_each(labelme, "images", ".json"),
    "via": _of_all(via, "via_region_data.json"),
    "cvat": _of_all(cvat, "annotations.xml"),
    "geojson": _of_each(lambda _: geojson(), "annotations", ".geojson"),
    "imagescope": _of_each(lambda _: imagescope(), "images", ".xml"),
    "label_studio": _of_all(label_studio, "project-1.json"),
    "run_lengths": _of_all(run_lengths, "train.csv"),
    "inbreast": _of_each(lambda _: inbreast(), "AllXML", ".xml"),
}
"""Of each format the documents of images of some names, by their paths."""


def text_of(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def write_folder(root: Path, format_name: str, names: list[str]) -> None:
    """Images of noise and the documents beside them; films of INbreast have longer names."""
    for number, name in enumerate(names):
        long = f"{Path(name).stem}_6c613a14_MG_R_CC_ANON.png" if format_name == "inbreast" else name
        (root / "images").mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 200, (HEIGHT, WIDTH)).astype(np.uint8)
        (root / "images" / long).write_bytes(encode_png(noise))
    for path, document in DOCUMENTS[format_name](names).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text_of(document))
