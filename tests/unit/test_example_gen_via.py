"""Tables of the VGG Image Annotator, written out as it exports them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from components.errors import UsageError
from components.example_gen.layouts.settings import Reading
from components.example_gen.layouts.via import list_via, patterns
from components.example_gen.samples import Drawing, Listing, Sample
from components.imaging.truth.shapes import Ellipse, Polygon, Shape, rasterized

HEADER = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
CIRCLE: dict[str, Any] = {"name": "circle", "cx": 52, "cy": 40, "r": 20}
DISC = Ellipse(52, 40, 20, 20)


def cell(value: object) -> str:
    return '"' + json.dumps(value).replace('"', '""') + '"'


def row(
    name: str, shape: object, attributes: object = (), *, count: int = 1, number: int = 0, file: object = ()
) -> str:
    cells = [name, "129855", cell(file or {}), str(count), str(number), cell(shape), cell(attributes or {})]
    return ",".join(cells)


def listing(root: Path, table: str | bytes, images: tuple[str, ...] = ("a.png",), **settings: Any) -> Listing:
    (root / "images").mkdir()
    for name in images:
        (root / "images" / name).touch()
    (root / "shapes.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    return list_via(root, Reading(**settings))


def of_rows(root: Path, *rows: str, images: tuple[str, ...] = ("a.png",), **settings: Any) -> Listing:
    return listing(root, "\n".join([HEADER, *rows]), images, **settings)


def shapes(found: Listing) -> list[Shape]:
    assert found.rejects == ()
    [sample] = found.samples
    assert isinstance(sample.truth, Drawing)
    return list(sample.truth.shapes)


def test_the_exported_form(tmp_path: Path) -> None:
    table = (
        "#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\r\n"
        'a.png,129855,"{""caption"":""left, \\""CC\\""""}",2,0,"{""name"":""circle"",""cx"":52,""cy"":40,""r"":20}",'
        '"{""pathology"":""Malignant""}"\r\n'
        'a.png,129855,"{""caption"":""left, \\""CC\\""""}",2,1,"{""name"":""polygon"",""all_points_x"":[1,9,9],'
        '""all_points_y"":[2,2,8.5]}","{""pathology"":""Benign""}"\r\n'
        'b.png,100,"{}",0,0,"{}","{}"\r\n'
    )
    found = listing(tmp_path, table, ("a.png", "b.png"))
    drawing = Drawing((Shape(DISC), Shape(Polygon(((1, 2), (9, 2), (9, 8.5))))))
    assert found == Listing(
        (
            Sample(id="a", group="a", image="images/a.png", truth=drawing, label="malignant"),
            Sample(id="b", group="b", image="images/b.png", truth=Drawing(), label="normal"),
        ),
        (),
    )


@pytest.mark.parametrize(
    ("shape", "outline"),
    [
        (CIRCLE, DISC),
        ({"name": "circle", "cx": 1.5, "cy": 2, "r": 3.25, "extra": None}, Ellipse(1.5, 2, 3.25, 3.25)),
        ({"name": "ellipse", "cx": 5, "cy": 6, "rx": 4, "ry": 2}, Ellipse(5, 6, 4, 2)),
        ({"name": "ellipse", "cx": 5, "cy": 6, "rx": 4, "ry": 2, "theta": math.pi / 6}, Ellipse(5, 6, 4, 2, 30)),
        ({"name": "rect", "x": 3, "y": 4, "width": 5, "height": 2}, Polygon(((3, 4), (8, 4), (8, 6), (3, 6)))),
        (
            {"name": "polygon", "all_points_x": [0, 4, 4, 0], "all_points_y": [0, 0, 5, 0]},
            Polygon(((0, 0), (4, 0), (4, 5), (0, 0))),
        ),
    ],
)
def test_kinds_of_shapes(tmp_path: Path, shape: dict[str, Any], outline: Ellipse | Polygon) -> None:
    [found] = shapes(of_rows(tmp_path, row("a.png", shape)))
    if isinstance(outline, Ellipse):
        assert isinstance(found.outline, Ellipse)
        assert found.outline.degrees == pytest.approx(outline.degrees)
        outline = Ellipse(outline.x, outline.y, outline.radius_x, outline.radius_y, found.outline.degrees)
    assert found == Shape(outline)


def test_an_ellipse_has_both_its_axes_and_turns_clockwise(tmp_path: Path) -> None:
    """The handle at the end of the first half-axis is at cx + rx cos theta, cy + rx sin theta, y down."""
    shape = {"name": "ellipse", "cx": 10, "cy": 10, "rx": 8, "ry": 1, "theta": math.pi / 4}
    mask = rasterized(21, 21, shapes(of_rows(tmp_path, row("a.png", shape))))
    assert [mask[15, 15], mask[5, 5], mask[5, 15], mask[15, 5]] == [1, 1, 0, 0]


def test_a_rectangle_has_as_many_pixels_as_it_says(tmp_path: Path) -> None:
    mask = rasterized(
        9, 9, shapes(of_rows(tmp_path, row("a.png", {"name": "rect", "x": 3, "y": 4, "width": 5, "height": 2})))
    )
    assert mask[4:6, 3:8].sum() == mask.sum() == 10


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({"name": "polyline", "all_points_x": [1, 2, 3], "all_points_y": [1, 5, 1]}, "'polyline' found using 'name'"),
        ({"name": "point", "cx": 3, "cy": 4}, "'point' found using 'name' does not match any of the expected tags"),
        ({"cx": 3, "cy": 4, "r": 5}, "Unable to extract tag using discriminator 'name'"),
        ({"name": "circle", "cx": 3, "cy": 4}, "circle.r: Field required"),
        ({"name": "circle", "cx": "3", "cy": 4, "r": 5}, "circle.cx: Input should be a valid number"),
        ({"name": "circle", "cx": 3, "cy": 4, "r": math.nan}, "circle.r: Input should be a finite number"),
        ({"name": "circle", "cx": 3, "cy": 4, "r": 0}, "the ellipse of half-axes 0 and 0 at x 3, y 4 encloses nothing"),
        ({"name": "rect", "x": 3, "y": 4, "width": 0, "height": 5}, "encloses nothing"),
        ({"name": "polygon", "all_points_x": [1, 2, 3], "all_points_y": [1, 5]}, "a polygon of 3 x and 2 y"),
        ({"name": "polygon", "all_points_x": [1, 2], "all_points_y": [1, 5]}, "the polygon of 2 points"),
        ({"name": "polygon", "all_points_x": [], "all_points_y": []}, "the polygon of no points encloses nothing"),
        ([], "Input should be an object"),
    ],
)
def test_shapes_that_are_none_reject_their_image(tmp_path: Path, shape: object, reason: str) -> None:
    found = of_rows(tmp_path, row("a.png", CIRCLE, count=2), row("a.png", shape, count=2, number=1))
    [reject] = found.rejects
    assert (reject.source, reject.kind) == ("images/a.png", "truth")
    assert reject.reason.startswith("shapes.csv: ")
    assert reason in reject.reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a.png", "line 2: region_count: Field required"),
        ('a.png,1,"{}",one,0,"{}","{}"', "line 2: region_count: Input should be a valid integer"),
        ('a.png,1,"{}",-1,0,"{}","{}"', "line 2: region_count: Input should be greater than or equal to 0"),
        ('a.png,1,"{}",1,0,"{}"', "line 2: region_attributes: Field required"),
        ('a.png,1,"{}",1,0,"{}",malignant', "line 2: region_attributes: Invalid JSON"),
        ('a.png,1,"{",1,0,"{}","{}"', "line 2: file_attributes: Invalid JSON"),
        ('a.png,1,"[1]",1,0,"{}","{}"', "line 2: file_attributes: Input should be a valid dictionary"),
        ('a.png,1,"{}",1,0,"{""name"": ","{}"', "shapes.csv: Invalid JSON"),
        ('a.png,1,"{}",1,0,"{}","{}"', "0 shapes of the 1 that region_count tells"),
        ('a.png,1,"{}",1,0,"' + 100_000 * "[" + '","{}"', "Invalid JSON: recursion limit exceeded"),
    ],
)
def test_rows_that_are_none_reject_their_image(tmp_path: Path, line: str, reason: str) -> None:
    [reject] = of_rows(tmp_path, line).rejects
    assert (reject.source, reject.kind) == ("images/a.png", "truth")
    assert reason in reject.reason


def test_a_table_that_lost_rows_is_not_the_truth(tmp_path: Path) -> None:
    found = of_rows(tmp_path, row("a.png", CIRCLE, count=3, number=0), row("a.png", CIRCLE, count=3, number=2))
    assert [reject.reason for reject in found.rejects] == ["shapes.csv: 2 shapes of the 3 that region_count tells"]


def test_rows_that_are_there_twice_are_one_shape(tmp_path: Path) -> None:
    rows = [row("a.png", CIRCLE, count=2, number=number) for number in (0, 1)]
    assert shapes(of_rows(tmp_path, *rows, HEADER, *rows)) == [Shape(DISC)] * 2


def test_what_has_no_other_half(tmp_path: Path) -> None:
    found = of_rows(
        tmp_path,
        row("gone.png", CIRCLE),
        row("c.png", CIRCLE),
        row("d.png", CIRCLE),
        "a stray remark",
        images=("b.png", "c.png", "c.jpg", "notes.txt"),
    )
    assert found.samples == ()
    assert [(reject.source, reject.kind) for reject in found.rejects] == [
        ("images/notes.txt", "unknown kind of file"),
        ("a stray remark", "pairing"),
        ("images/b.png", "pairing"),
        ("images/c.jpg", "pairing"),
        ("images/c.png", "pairing"),
        ("d.png", "pairing"),
        ("gone.png", "pairing"),
    ]
    reasons = {reject.source: reject.reason for reject in found.rejects}
    assert reasons["images/b.png"] == "no row in shapes.csv: whether it shows a lesion is not known"
    assert reasons["gone.png"] == "in shapes.csv, but there is no such image"
    assert reasons["images/c.png"] == "several files of one name: c.jpg, c.png"


@pytest.mark.parametrize(
    ("attributes", "file", "label"),
    [
        ({"pathology": "Malignant"}, {}, "malignant"),
        ({" Pathology ": " MALIGNANT "}, {}, "malignant"),
        ({"label": "malignant"}, {}, "malignant"),
        ({"Class": "malignant"}, {}, "malignant"),
        ({"class": "mass", "pathology": "malignant"}, {}, "malignant"),
        ({}, {"pathology": "malignant"}, "malignant"),
        ({"pathology": "malignant"}, {"pathology": "benign"}, "malignant"),
        ({"pathology": ""}, {"label": "malignant"}, "malignant"),
        ({"pathology": {"benign": False, "malignant": True}}, {}, "malignant"),
        ({"class": 3}, {}, "3"),
        ({"side": "left"}, {}, ""),
    ],
)
def test_where_a_label_stands(tmp_path: Path, attributes: object, file: object, label: str) -> None:
    [sample] = of_rows(tmp_path, row("a.png", CIRCLE, attributes, file=file)).samples
    assert sample.label == label


ROWS = (
    row("a.png", CIRCLE, {"pathology": "Malignant"}, count=2),
    row("a.png", {**CIRCLE, "r": 5}, {"pathology": "Benign"}, count=2, number=1),
    row("b.png", CIRCLE, {"pathology": "Benign"}),
    row("c.png", {}, count=0),
    row("d.png", {}, count=0, file={"pathology": "Normal"}),
)


@pytest.mark.parametrize(
    ("labels", "radii", "left_out"),
    [
        ([], {"a": [20, 5], "b": [20], "c": [], "d": []}, []),
        (["malignant"], {"a": [20]}, ["b", "c", "d"]),
        (["BENIGN "], {"a": [5], "b": [20]}, ["c", "d"]),
        (["malignant", "normal"], {"a": [20], "c": [], "d": []}, ["b"]),
    ],
)
def test_shapes_by_label(tmp_path: Path, labels: list[str], radii: dict[str, list[int]], left_out: list[str]) -> None:
    found = of_rows(tmp_path, *ROWS, images=("a.png", "b.png", "c.png", "d.png"), labels=labels)
    drawn = {sample.id: [shape.extent for shape in sample.truth.shapes] for sample in found.samples}
    assert drawn == radii
    assert [Path(reject.source).stem for reject in found.left_out] == left_out
    assert found.rejects == ()


def test_the_label_is_of_what_is_drawn(tmp_path: Path) -> None:
    found = of_rows(tmp_path, *ROWS[:2], labels=["benign"])
    assert [sample.label for sample in found.samples] == ["benign"]


def test_labels_as_classes(tmp_path: Path) -> None:
    found = shapes(of_rows(tmp_path, *ROWS[:2], classes=["Benign", "Malignant"]))
    assert [shape.class_index for shape in found] == [2, 1]


@pytest.mark.parametrize(
    ("line", "settings", "reason"),
    [
        (
            row("a.png", CIRCLE),
            {"labels": ["benign"]},
            "a shape without a label: expected an attribute named pathology",
        ),
        (row("a.png", CIRCLE), {"classes": ["x", "y"]}, "a shape of '', which is none of [data] classes: x, y"),
        (row("a.png", CIRCLE, {"label": {"x": True, "y": True}}), {}, "a shape of several labels: x, y"),
        (row("a.png", {}, {"label": "Malignant"}, count=0), {}, "a malignant image without a shape"),
    ],
)
def test_labels_that_do_not_tell(tmp_path: Path, line: str, settings: dict[str, Any], reason: str) -> None:
    [reject] = of_rows(tmp_path, line, **settings).rejects
    assert (reject.source, reject.kind) == ("images/a.png", "truth")
    assert reason in reject.reason


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff", "exported by hand\n\n", ",,,\n"])
def test_line_ends_and_marks_and_remarks(tmp_path: Path, start: str, end: str) -> None:
    table = f"{start}{HEADER}\n\n{row('a.png', CIRCLE)}\n , ,\n".replace("\n", end)
    assert shapes(listing(tmp_path, table)) == [Shape(DISC)]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_beyond_ascii(tmp_path: Path, encoding: str) -> None:
    table = f"{HEADER}\n{row('Müller.png', CIRCLE)}\n".encode(encoding)
    assert [sample.id for sample in listing(tmp_path, table, ("Müller.png",)).samples] == ["Müller"]


def test_columns_in_another_order(tmp_path: Path) -> None:
    header = "region_attributes,Region_shape_attributes,x,region_count,file_attributes,filename"
    table = f"{header}\n{{}},{cell(CIRCLE)},7,1,,a.png"
    assert shapes(listing(tmp_path, table)) == [Shape(DISC)]


def test_polygons_of_very_many_corners(tmp_path: Path) -> None:
    """Their cell is longer than the csv module takes unless told otherwise."""
    angles = [2 * math.pi * number / 20_000 for number in range(20_000)]
    xs, ys = [50 + 40 * math.cos(a) for a in angles], [50 + 40 * math.sin(a) for a in angles]
    line = row("a.png", {"name": "polygon", "all_points_x": xs, "all_points_y": ys})
    assert rasterized(100, 100, shapes(of_rows(tmp_path, line))).sum() == pytest.approx(math.pi * 1600, rel=0.005)


def test_a_quote_that_is_not_closed_swallows_no_image_in_silence(tmp_path: Path) -> None:
    found = of_rows(tmp_path, 'a.png,1,"{},1', row("b.png", CIRCLE), images=("a.png", "b.png"))
    assert [reject.source for reject in found.rejects] == ["images/a.png", "images/b.png"]


@pytest.mark.parametrize("content", [b"", b"a,b,c\n1,2,3\n", b"\x00\xff\x00", b'{"a.png": {}}'])
def test_a_file_that_is_no_such_table(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(
        UsageError, match=r"shapes\.csv: is no table of the VGG Image Annotator: no row names file_attr"
    ):
        listing(tmp_path, content)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no folder 'images'"):
        list_via(tmp_path, Reading())
    (tmp_path / "images").mkdir()
    with pytest.raises(UsageError, match=r"has no table 'shapes\.csv' of shapes"):
        list_via(tmp_path, Reading())


def test_patterns_name_all_that_is_read() -> None:
    data = Reading(images="films", table="meta/via.csv")
    assert patterns(data) == {"images": "films/*", "table": "meta/via.csv"}
