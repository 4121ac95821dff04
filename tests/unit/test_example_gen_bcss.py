"""Annotations in the form of the Digital Slide Archive, written out as it gives them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.errors import UsageError
from components.example_gen.drawing import place
from components.example_gen.layouts.bcss import list_bcss, patterns
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import Drawing, Listing, Reject, Sample
from components.imaging.truth.shapes import Polygon, Shape, rasterized

IMAGE = "TCGA-A1-A0SK-DX1_xmin1000_ymin2000_MPP-0.2500"
SLIDE = "TCGA-A1-A0SK-01Z-00-DX1.A44D70FA-4D96-43F4-9DD7-A61535786297"

# As it is downloaded: unread keys, a depth per point, groups with and without labels.
FILE = """[
 {"_id": "5c", "_modelType": "annotation", "groups": ["roi"], "annotation": {"name": "roi", "description": "",
  "elements": [{"center": [1020.0, 2010.5, 0.0], "fillColor": "rgba(0,0,0,0)", "group": "roi", "height": 21,
   "id": "5d", "label": {"value": "roi"}, "lineWidth": 2, "normal": [0.0, 0.0, 1.0], "rotation": 0, "type": "rectangle",
   "width": 40}]}},
 {"_id": "5e", "annotation": {"elements": [
  {"closed": true, "group": "mostly_tumor", "points": [[1002, 2003, 0], [1012, 2003, 0], [1012, 2009, 0],
   [1002, 2009, 0]], "type": "polyline"},
  {"closed": true, "group": "mostly_stroma", "points": [[1000, 2000, 0], [1040, 2000, 0], [1040, 2021, 0]],
   "type": "polyline"},
  {"closed": true, "label": {"value": "Tumor"}, "points": [[1030.5, 2010.5, 0], [1045, 2010.5, 0], [1045, 2030, 0],
   [1030.5, 2030, 0]], "type": "polyline"}]}}]"""
TUMOR = (
    Shape(Polygon(((2, 3), (12, 3), (12, 9), (2, 9)))),
    Shape(Polygon(((30.5, 10.5), (45, 10.5), (45, 30), (30.5, 30)))),
)


def listing(root: Path, files: dict[str, str], **settings: Any) -> Listing:
    for folder in ("images", "annotations"):
        (root / folder).mkdir()
    for name, text in files.items():
        (root / name).write_text(text)
    return list_bcss(root, Reading(**settings))


def one(root: Path, text: str, **settings: Any) -> Listing:
    return listing(root, {f"images/{IMAGE}.png": "", f"annotations/{SLIDE}.json": text}, **settings)


def rectangle(x: float, y: float, width: float, height: float, **other: Any) -> dict[str, Any]:
    return {"type": "rectangle", "center": [x, y, 0], "width": width, "height": height, **other}


def polyline(group: str, *points: tuple[float, float], **other: Any) -> dict[str, Any]:
    return {"type": "polyline", "group": group, "points": [[x, y, 0] for x, y in points], **other}


def document(*elements: dict[str, Any]) -> str:
    return json.dumps([{"annotation": {"elements": [element]}} for element in elements])


ROI = rectangle(1020, 2010, 40, 20, group="roi")
CORNERS = ((1001, 2001), (1009, 2001), (1009, 2006), (1001, 2006))


def test_the_published_form(tmp_path: Path) -> None:
    found = one(tmp_path, FILE)
    drawing = Drawing(TUMOR, canvas=(21, 40))
    sample = Sample(id=IMAGE, group="TCGA-A1-A0SK", image=f"images/{IMAGE}.png", truth=drawing, site="A1")
    assert found == Listing((sample,), ())
    mask = rasterized(21, 40, place(drawing, 21, 40))
    assert mask.sum() == 10 * 6 + 9 * 10
    assert mask[3:9, 2:12].all()
    assert mask[11:, 31:].all()


def test_an_image_of_another_scale_has_its_truth_in_proportion(tmp_path: Path) -> None:
    [sample] = one(tmp_path, document(ROI, polyline("mostly_tumor", *CORNERS))).samples
    assert isinstance(sample.truth, Drawing)
    assert rasterized(20, 40, place(sample.truth, 20, 40)).sum() == 8 * 5
    assert rasterized(100, 200, place(sample.truth, 100, 200)).sum() == 40 * 25


@pytest.mark.parametrize("classes", [["tumor", "stroma"], ["mostly_tumor", "mostly_stroma"], ["Tumor", "STROMA"]])
def test_groups_as_classes_later_regions_over_earlier_ones(tmp_path: Path, classes: list[str]) -> None:
    [sample] = one(tmp_path, FILE, classes=classes).samples
    assert isinstance(sample.truth, Drawing)
    assert [shape.class_index for shape in sample.truth.shapes] == [1, 2, 1]
    mask = rasterized(21, 40, place(sample.truth, 21, 40))
    # On the line from corner to corner stroma begins; the first tumor lies below it, the second above.
    assert [mask[3, 3], mask[3, 10], mask[1, 30], mask[15, 35]] == [1, 2, 2, 1]


def test_other_groups_take_nothing_away(tmp_path: Path) -> None:
    stroma = polyline("mostly_stroma", (990, 1990), (1100, 1990), (1100, 2100), (990, 2100))
    [sample] = one(tmp_path, document(ROI, polyline("tumor", *CORNERS), stroma)).samples
    assert isinstance(sample.truth, Drawing)
    assert [shape.class_index for shape in sample.truth.shapes] == [1]


def test_a_region_may_be_a_rectangle(tmp_path: Path) -> None:
    [sample] = one(tmp_path, document(ROI, rectangle(1010, 2006, 6, 4, group="mostly_tumor"))).samples
    assert sample.truth == Drawing((Shape(Polygon(((7, 4), (13, 4), (13, 8), (7, 8)))),), canvas=(20, 40))


@pytest.mark.parametrize(
    "roi",
    [
        rectangle(1020, 2010, 20, 40, group="roi", rotation=math.pi / 2),
        rectangle(1020, 2010, 40, 20, rotation=math.pi),
        polyline("roi", (1000, 2005), (1030, 2000), (1040, 2015), (1010, 2020)),
    ],
)
def test_the_image_shows_the_upright_rectangle_round_the_region_of_interest(
    tmp_path: Path, roi: dict[str, Any]
) -> None:
    [sample] = one(tmp_path, document(roi, polyline("tumor", *CORNERS))).samples
    assert isinstance(sample.truth, Drawing)
    assert sample.truth.canvas == (20, 40)
    [shape] = sample.truth.shapes
    assert isinstance(shape.outline, Polygon)
    assert shape.outline.points[0] == pytest.approx((1, 1))


def test_a_rotated_region_of_interest(tmp_path: Path) -> None:
    """60 by 20, turned by 30 degrees: its upright rectangle is 30 sqrt 3 + 10 wide and 30 + 10 sqrt 3 high."""
    roi = rectangle(1000 + 15 * math.sqrt(3) + 5, 2000 + 15 + 5 * math.sqrt(3), 60, 20, rotation=math.pi / 6)
    [sample] = one(tmp_path, document(roi, polyline("tumor", *CORNERS))).samples
    assert isinstance(sample.truth, Drawing)
    assert sample.truth.canvas == (47, 62)
    # What the upright rectangle shows beside the region is not judged: all but 1200 of its pixels.
    assert sample.truth.region is not None
    inside = rasterized(47, 62, [sample.truth.region])
    assert np.count_nonzero(inside) == pytest.approx(1200, rel=0.05)
    assert (inside[0, 0], inside[23, 31], inside[46, 61]) == (0, 1, 0)


def test_the_region_of_interest_is_found_by_its_group_wherever_it_stands(tmp_path: Path) -> None:
    [sample] = one(tmp_path, document(polyline("tumor", *CORNERS), ROI)).samples
    assert isinstance(sample.truth, Drawing)
    assert sample.truth.canvas == (20, 40)


@pytest.mark.parametrize("wrap", ["{}", "\ufeff  [{}]\n"])
def test_one_annotation_may_hold_all(tmp_path: Path, wrap: str) -> None:
    whole = json.dumps({"annotation": {"elements": [ROI, polyline("tumor", *CORNERS)]}})
    assert len(one(tmp_path, wrap.replace("{}", whole)).samples) == 1


def test_a_slide_without_tumor_is_one_without_foreground(tmp_path: Path) -> None:
    other = document(rectangle(20, 10, 40, 20, group="roi"), polyline("mostly_fat", (1, 1), (5, 1), (5, 5)))
    files = {
        f"images/{IMAGE}.png": "",
        f"annotations/{SLIDE}.json": FILE,
        "images/b.png": "",
        "annotations/b.json": other,
    }
    samples = {sample.id: sample for sample in listing(tmp_path, files).samples}
    assert samples["b"] == Sample("b", "b", "images/b.png", Drawing(canvas=(20, 40)))


def test_classes_that_no_region_has_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no region is of group tumour\. Groups found: tumor \(2\), roi \(1\), stroma"
    ):
        one(tmp_path, FILE, classes=["tumour"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Invalid JSON: EOF while parsing a value"),
        (FILE[:-9], "Invalid JSON: EOF while parsing"),
        ("[" * 100_000, "Invalid JSON: recursion limit exceeded"),
        ("[]", "has no region of interest"),
        ('[{"elements": []}]', "0.annotation: Field required"),
        ("7", "Input should be a valid array"),
        (document(polyline("tumor", *CORNERS)), "has no region of interest"),
        (document(ROI, polyline("tumor", (1001, math.nan), *CORNERS)), "1.annotation.elements.0.points.0.1: Input"),
        (document(ROI, polyline("tumor", (1001, math.inf), *CORNERS)), "1.annotation.elements.0.points.0.1: Input"),
        (document(ROI).replace("1020", "1" * 400), "has coordinates that are no pixels|finite number"),
        (document(ROI, {"type": "polyline", "group": "tumor", "points": [["1", "2", 0]]}), "points.0.0: Input should"),
        (
            document(ROI, {"type": "polyline", "group": "tumor", "points": [[1]]}),
            "points.0: List should have at least 2",
        ),
        (document(ROI, polyline("tumor", *CORNERS[:2])), "the polygon of 2 points from x 1, y 1 to x 9, y 1 encloses"),
        (document(ROI, polyline("tumor")), "the polygon of no points encloses nothing"),
        (document(ROI, polyline("tumor", *CORNERS, holes=[[[1, 1, 0]]])), "a polyline with holes of group 'tumor'"),
        (document(ROI, {"type": "point", "group": "mostly_tumor", "center": [1, 2, 0]}), "a point of group 'tumor'"),
        (document({"type": "rectangle", "width": 5, "height": 5}), "a rectangle of group '', expected"),
        (document(rectangle(1000, 2000, 0, 0, group="roi")), "from x 1000, y 2000 to x 1000, y 2000 encloses nothing"),
        (document(rectangle(1000, 2000, 30, 0.4, group="roi")), "the region of interest is smaller than a pixel"),
        (document(polyline("roi"), polyline("tumor", *CORNERS)), "the polygon of no points encloses nothing"),
        (
            document(rectangle(1021, 2010, 40, 20, group="roi"), polyline("tumor", *CORNERS)),
            "the region of interest begins at x 1001, y 2000, the image by its name elsewhere",
        ),
    ],
)
def test_what_is_wrong_with_an_annotation_is_named(tmp_path: Path, text: str, reason: str) -> None:
    [reject] = one(tmp_path, text).rejects
    assert (reject.source, reject.kind) == (f"images/{IMAGE}.png", "truth")
    assert reject.reason.startswith(f"annotations/{SLIDE}.json: ")
    assert any(part in reject.reason for part in reason.split("|")), reject.reason


def test_files_without_their_other_half(tmp_path: Path) -> None:
    files = {
        f"images/{IMAGE}.png": "",
        f"images/{IMAGE}_2.png": "",
        f"annotations/{SLIDE}.json": FILE,
        "images/TCGA-A2-A04P-DX1.png": "",
        "annotations/TCGA-A2-A04P-01Z-00-DX2.json": FILE,
        "images/notes.docx": "",
        "annotations/notes.txt": "",
        "annotations/.hidden": "",
    }
    found = listing(tmp_path, files)
    assert found.samples == ()
    assert [(reject.source, reject.kind) for reject in found.rejects] == [
        ("images/notes.docx", "unknown kind of file"),
        ("annotations/notes.txt", "unknown kind of file"),
        (f"images/{IMAGE}.png", "pairing"),
        ("images/TCGA-A2-A04P-DX1.png", "pairing"),
        ("annotations/TCGA-A2-A04P-01Z-00-DX2.json", "pairing"),
    ]
    assert found.rejects[2].reason == (
        f"several files of one slide: images/{IMAGE}.png, images/{IMAGE}_2.png, annotations/{SLIDE}.json"
    )


def test_groups_are_patients_and_sites_their_hospitals(tmp_path: Path) -> None:
    files = {}
    for name in ("TCGA-A1-A0SK-01Z-00-DX1", "tcga-A1-A0SK-01Z-00-DX2.ABC", "TCGA-OL-A5D6-DX1", "own"):
        files |= {f"images/{name}.png": "", f"annotations/{name}.json": document(ROI, polyline("tumor", *CORNERS))}
    found = listing(tmp_path, files)
    assert [(sample.group, sample.site) for sample in found.samples] == [
        ("TCGA-A1-A0SK", "A1"),
        ("TCGA-A1-A0SK", "A1"),
        ("TCGA-OL-A5D6", "OL"),
        ("own", ""),
    ]


@pytest.mark.parametrize("missing", ["images", "annotations"])
def test_a_missing_folder_is_named(tmp_path: Path, missing: str) -> None:
    for folder in {"images", "annotations"} - {missing}:
        (tmp_path / folder).mkdir()
    with pytest.raises(UsageError, match=f"has no folder '{missing}', expected 'images' with images and 'annotations'"):
        list_bcss(tmp_path, Reading())


def test_folders_may_have_other_names(tmp_path: Path) -> None:
    data = Reading(images="rgbs", table="json/v2")
    for name in ("rgbs/a.png", "json/v2/a.json"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(document(ROI, polyline("tumor", *CORNERS)))
    [sample] = list_bcss(tmp_path, data).samples
    assert sample.image == "rgbs/a.png"
    read = {path for pattern in patterns(data).values() for path in tmp_path.glob(pattern)}
    assert read == {tmp_path / "rgbs/a.png", tmp_path / "json/v2/a.json"}


def test_a_reject_does_not_stop_the_others(tmp_path: Path) -> None:
    files = {
        f"images/{IMAGE}.png": "",
        f"annotations/{SLIDE}.json": FILE,
        "images/b.png": "",
        "annotations/b.json": "{",
    }
    found = listing(tmp_path, files)
    assert [sample.id for sample in found.samples] == [IMAGE]
    assert [type(reject) for reject in found.rejects] == [Reject]
