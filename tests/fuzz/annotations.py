"""Documents of annotations, through the layout that reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import annotation_documents as documents
import numpy as np

from components.errors import UsageError
from components.example_gen.documents import document_kind
from components.example_gen.listing import list_samples
from components.example_gen.settings import DataSettings
from components.example_gen.truth import Picture, read_truth
from components.example_gen.unusable import Unusable
from components.imaging.files.codecs import encode_png
from fuzz.mutate import Change, lines, words
from fuzz.reader import Reader
from fuzz.trees import cells, json_tree, xml_tree

IMAGE = encode_png(np.arange(120, dtype=np.uint8).reshape(10, 12))
_DDSM = (
    "patient_id,left or right breast,pathology,image file path,cropped image file path,ROI mask file path\n"
    "P_1,LEFT,MALIGNANT,P_1_LEFT/1/2/000000.png,P_1_LEFT_1/1/2/000001.png,P_1_LEFT_1/1/2/000000.png\n"
)


def laid_out(layout: str, up: int = 0, **settings: Any) -> Callable[[Path], object]:
    """Lists the folder `up` above a file and reads the truth of its samples; returns why others are rejects."""
    data = DataSettings(layout=layout, height=16, width=16, max_megapixels=1, **settings)

    def read(path: Path) -> list[str]:
        root = path.parents[up]
        listing = list_samples(root, data)
        reasons = [each.reason for each in (*listing.rejects, *listing.left_out)]
        for sample in listing.samples:
            try:
                read_truth(root, Picture(sample, (10, 12), 1), data)
            except Unusable as error:
                reasons.append(str(error))
        return reasons

    return read


def _kind(path: Path) -> None:
    document_kind(path)


def _reader(found: list[Any], name: str, *changes: Change, image: str = "images/a.png") -> Reader:
    up = len(Path(name).parts) - 1
    reads = (laid_out("annotations", up), laid_out("annotations", up, classes=["mass", "other"]), _kind)
    seeds = [documents.text_of(each).encode() for each in found]
    return Reader(lambda: seeds, reads, (UsageError,), changes, name, {image: IMAGE})


def _coco() -> list[Any]:
    found = [documents.coco(["a.png"]) for _ in range(3)]
    found[1]["annotations"][0] |= {"iscrowd": 1, "segmentation": {"size": [10, 12], "counts": [32, 4, 6, 4, 74]}}
    found[2]["annotations"][0] |= {"segmentation": {"size": [10, 12], "counts": "P14f0"}}
    return found


def _labelme() -> list[Any]:
    circle = documents.labelme("a.png", shape_type="circle", points=[[5, 5], [7, 5]])
    return [documents.labelme("a.png"), documents.labelme_mask("a.png"), circle]


def _cvat() -> list[Any]:
    plain = documents.cvat(["a.png"])
    shapes = (
        '<box label="mass" xtl="1" ytl="1" xbr="5" ybr="5" rotation="30" z_order="1"/>',
        '<ellipse label="mass" cx="5" cy="5" rx="2" ry="1" rotation="10" z_order="0"/>',
        '<mask label="mass" rle="1, 3, 2, 2" left="2" top="1" width="4" height="2" z_order="0"/>',
    )
    return [plain, *(plain.replace("</polygon>", "</polygon>" + shape) for shape in shapes)]


def _label_studio() -> list[Any]:
    plain = documents.label_studio(["a.png"])
    kinds = {
        "rectanglelabels": {"x": 10, "y": 10, "width": 50, "height": 40, "rotation": 20, "rectanglelabels": ["mass"]},
        "ellipselabels": {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 0, "ellipselabels": ["mass"]},
        "brushlabels": {"format": "rle", "rle": [0, 0, 3, 192, 39, 0, 255, 128], "brushlabels": ["mass"]},
    }
    found = [plain]
    for kind, value in kinds.items():
        other = json.loads(json.dumps(plain))
        other[0]["annotations"][0]["result"][0] |= {"type": kind, "value": value}
        found.append(other)
    return found


READERS = {
    "coco": _reader(_coco(), "annotations/instances.json", json_tree),
    "labelme": _reader(_labelme(), "images/a.json", json_tree),
    "via": _reader([documents.via(["a.png"])], "via_region_data.json", json_tree),
    "cvat": _reader(_cvat(), "annotations.xml", xml_tree),
    "geojson": _reader([documents.geojson()], "annotations/a.geojson", json_tree),
    "imagescope": _reader([documents.imagescope()], "images/a.xml", xml_tree),
    "label_studio": _reader(_label_studio(), "project-1.json", json_tree),
    "run_lengths": _reader([documents.run_lengths(["a.png"])], "train.csv", cells(","), words),
    "inbreast": _reader(
        [documents.inbreast()], "AllXML/a.xml", words, lines, image="images/a_6c613a14_MG_R_CC_ANON.png"
    ),
    "cbis_ddsm": _reader([_DDSM], "table.csv", cells(","), image="P_1_LEFT/1/2/000000.png"),
}
