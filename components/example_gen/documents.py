"""Annotations as JSON of the kinds that circulate, which no layout reads, and the way that leads on."""

from __future__ import annotations

import json
from pathlib import Path

from components.example_gen.tables import read_text
from components.foreign import foreign

_MOST_BYTES = 64 * 2**20
_DRAW = (
    "no layout reads it. Draw its shapes into masks, a PNG for each image, of the same name, 0 and 255 (of several "
    "classes 0, 1, 2, ...), in a folder 'masks' beside one of the images, 'images': layout 'folders' reads these"
)


class _Unreadable(ValueError):
    pass


def document_kind(path: Path) -> str | None:
    """What kind of annotations a JSON file holds, with what to do with it; None where it is none that is known."""
    try:
        with foreign(_Unreadable, "no JSON"):
            document = json.loads(read_text(path)) if path.stat().st_size <= _MOST_BYTES else None
    except _Unreadable:
        return None
    if not isinstance(document, dict):
        return None
    if {"images", "annotations", "categories"} <= document.keys():
        return f"COCO's JSON, and {_DRAW}"
    if "shapes" in document and document.keys() & {"imagePath", "imageData"}:
        return f"LabelMe's JSON, and {_DRAW}"
    if document.get("type") == "FeatureCollection":
        return f"GeoJSON, as QuPath exports it, and {_DRAW}"
    parts = document.get("_via_img_metadata", document)
    images = [part for part in parts.values() if isinstance(part, dict)] if isinstance(parts, dict) else []
    if any({"filename", "regions"} <= image.keys() for image in images):
        return (
            "JSON of the VGG Image Annotator. Export it there as CSV, as 'shapes.csv' beside the folder 'images': "
            "layout 'via' reads that"
        )
    return None
