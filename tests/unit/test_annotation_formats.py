"""Documents of every format: the same truth in each, what is peculiar to one, and what is no document."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from typing import Any

import annotation_documents as documents
import numpy as np
import pytest
from annotation_documents import CORNERS, DOCUMENTS, HEIGHT, SQUARE, WIDTH, text_of
from skimage.draw import polygon2mask

from components.imaging.annotations.content import content_of
from components.imaging.annotations.document import AnnotatedImage, mask_of
from components.imaging.annotations.registry import FORMATS
from components.imaging.truth.compound import Several
from components.imaging.truth.outline import reaches_beyond
from components.imaging.truth.shapes import Ellipse, UnclearShape
from components.task import Task

TASK = Task(classes=["mass", "other"])


def read(name: str, document: Any, stem: str = "film") -> list[AnnotatedImage]:
    content = content_of(text_of(document))
    assert [each.name for each in FORMATS.values() if each.told(content)] == [name]
    return FORMATS[name].read(content, stem)


def drawn(image: AnnotatedImage, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return mask_of(image if image.size else replace(image, size=(height, width)), TASK, 10_000)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_same_truth_in_every_format(name: str) -> None:
    [document] = DOCUMENTS[name](["a.png"]).values()
    (image,) = read(name, document, "a")
    assert image.fault == ""
    assert [piece.label for piece in image.pieces] == ["mass"]
    np.testing.assert_array_equal(drawn(image), SQUARE)


def test_of_coco_several_polygons_are_one_and_loops_are_holes() -> None:
    inner = [4.0, 3.0, 7.0, 3.0, 7.0, 5.0, 4.0, 5.0]
    bridge = [*documents.FLAT, *documents.FLAT[:2], *inner, *inner[:2]]
    document = documents.coco(["a.png"])
    document["annotations"][0]["segmentation"] = [bridge, [9.0, 7.0, 11.0, 7.0, 11.0, 9.0, 9.0, 9.0]]
    expected = SQUARE.copy()
    expected[3:5, 4:7] = 0
    expected[7:9, 9:11] = 1
    [image] = read("coco", document)
    np.testing.assert_array_equal(drawn(image), expected)


class TestLabelMe:
    def test_a_mask(self) -> None:
        [image] = read("labelme", documents.labelme_mask("a.png"))
        assert (image.file, image.otherwise) == ("../images/a.png", "film")
        np.testing.assert_array_equal(drawn(image), SQUARE)

    def test_rectangle_and_circle(self) -> None:
        corners = [CORNERS[2], CORNERS[0]]
        [image] = read("labelme", documents.labelme("a.png", shape_type="rectangle", points=corners))
        np.testing.assert_array_equal(drawn(image), SQUARE)
        [image] = read("labelme", documents.labelme("a.png", shape_type="circle", points=[[6, 5], [6, 7]]))
        y, x = np.indices(SQUARE.shape)
        np.testing.assert_array_equal(drawn(image), (x - 5.5) ** 2 + (y - 4.5) ** 2 <= 4)

    @pytest.mark.parametrize(
        ("changed", "reason"),
        [
            ({"shape_type": "line", "points": CORNERS[:2]}, "shape 1: a line encloses nothing"),
            ({"shape_type": "circle", "points": CORNERS[:1]}, "shape 1: a circle of 1 points, expected two"),
            ({"shape_type": "mask", "points": CORNERS[:2], "mask": "AAAA"}, "shape 1: "),
            ({"points": CORNERS[:2]}, "shape 1: .* encloses nothing"),
            ({"label": None}, "shape 1: cannot be read: label"),
        ],
    )
    def test_what_is_none_is_named(self, changed: dict[str, Any], reason: str) -> None:
        [image] = read("labelme", documents.labelme("a.png", **changed))
        with pytest.raises(UnclearShape, match=reason):
            drawn(image)


class TestVia:
    def test_a_project_and_regions_of_the_first_version(self) -> None:
        images = documents.via(["a.png"])
        for image in images.values():
            image["regions"] = {"0": image["regions"][0]}
        [found] = read("via", {"_via_settings": {}, "_via_img_metadata": images, "_via_attributes": {}})
        np.testing.assert_array_equal(drawn(found), SQUARE)

    def test_a_point_is_named(self) -> None:
        images = documents.via(["a.png"])
        images["a.png99"]["regions"][0]["shape_attributes"] = {"name": "point", "cx": 1, "cy": 2}
        [found] = read("via", images)
        assert found.fault.startswith("region 1: cannot be read: ")


class TestCvat:
    def image(self, *shapes: str) -> AnnotatedImage:
        head = f'<image id="0" name="a.png" width="{WIDTH}" height="{HEIGHT}">'
        [found] = read("cvat", f"<annotations>{head}{''.join(shapes)}</image></annotations>")
        return found

    def test_boxes_ellipses_and_masks(self) -> None:
        box = '<box label="mass" xtl="3.0" ytl="2.0" xbr="8.0" ybr="6.0" z_order="0"/>'
        np.testing.assert_array_equal(drawn(self.image(box)), SQUARE)
        mask = '<mask label="mass" rle="1, 4, 2, 8" left="3" top="2" width="5" height="3" z_order="0"/>'
        expected = np.zeros_like(SQUARE)
        expected[2:5, 3:8] = [[0, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 1, 1, 1, 1]]
        np.testing.assert_array_equal(drawn(self.image(mask)), expected)
        oval = '<ellipse label="mass" cx="6.00" cy="5.00" rx="4.00" ry="2.00" rotation="90.00"/>'
        y, x = np.indices(SQUARE.shape) + 0.5
        np.testing.assert_array_equal(drawn(self.image(oval)), ((x - 6) / 2) ** 2 + ((y - 5) / 4) ** 2 <= 1)

    def test_a_box_turns_about_its_centre(self) -> None:
        box = '<box label="mass" xtl="3" ytl="4" xbr="9" ybr="6" rotation="90"/>'
        expected = np.zeros_like(SQUARE)
        expected[2:8, 5:7] = 1
        np.testing.assert_array_equal(drawn(self.image(box)), expected)

    def test_what_has_the_greater_order_lies_on_top(self) -> None:
        box = '<box label="{}" xtl="3" ytl="2" xbr="8" ybr="6" z_order="{}"/>'
        assert drawn(self.image(box.format("mass", 2), box.format("other", 1))).max() == 1
        assert drawn(self.image(box.format("mass", 1), box.format("other", 1))).max() == 2

    def test_an_image_of_no_size_is_named(self) -> None:
        [image] = read("cvat", documents.cvat(["a.png"]).replace(f'height="{HEIGHT}"', 'height="0"'))
        assert image.fault == "the document tells an image of 12 x 0 pixels"

    @pytest.mark.parametrize(
        ("shape", "reason"),
        [
            ('<polyline label="mass" points="1,2;3,4"/>', "polyline 1: a polyline encloses nothing"),
            ('<polygon label="mass" points="1,2;3"/>', "polygon 1: points '1,2;3' are not x,y;x,y"),
            ('<polygon label="mass" points="nan,2;3,4;5,9"/>', "polygon 1: .* coordinates that are no pixels"),
            ('<mask label="mass" rle="1,2" left="0" top="0" width="2" height="2"/>', "mask 1: its run lengths tell 3"),
            ('<mask label="mass" rle="1" left="0" top="0" width="99999" height="99999"/>', "mask 1: .*has 99999 x"),
            ('<box label="mass" xtl="a" ytl="2" xbr="8" ybr="6"/>', "box 1: xtl is 'a', expected a number"),
        ],
    )
    def test_what_is_none_is_named(self, shape: str, reason: str) -> None:
        with pytest.raises(UnclearShape, match=reason):
            drawn(self.image(shape))


class TestImageScope:
    def region(self, kind: int, corners: list[list[float]], negative: int = 0) -> str:
        vertices = "".join(f'<Vertex X="{x}" Y="{y}"/>' for x, y in corners)
        return f'<Region Id="2" Type="{kind}" NegativeROA="{negative}"><Vertices>{vertices}</Vertices></Region>'

    def test_a_negative_region_is_a_hole(self) -> None:
        hole = self.region(0, [[4, 3], [6, 3], [6, 9], [4, 9]], negative=1)
        expected = SQUARE.copy()
        expected[3:, 4:6] = 0
        np.testing.assert_array_equal(drawn(*read("imagescope", documents.imagescope(hole))), expected)

    def test_rectangle_and_ellipse_by_two_corners(self) -> None:
        found = documents.imagescope(self.region(1, [[0, 0], [1, 2]]), self.region(2, [[8, 6], [12, 10]]))
        expected = SQUARE.copy()
        expected[:2, 0] = 1
        expected[7:9, 8:] = expected[6:, 9:11] = 1
        np.testing.assert_array_equal(drawn(*read("imagescope", found)), expected)

    def test_the_class_may_be_the_name_of_an_attribute(self) -> None:
        attribute = '<Attributes><Attribute Name="mass" Id="0" Value=""/></Attributes>'
        text = documents.imagescope().replace(' Name="mass"', ' Name=""').replace("<Attributes/>", attribute, 1)
        assert [piece.label for piece in read("imagescope", text)[0].pieces] == ["mass"]

    def test_a_ruler_is_named(self) -> None:
        [image] = read("imagescope", documents.imagescope(self.region(4, [[0, 0], [9, 9]])))
        assert image.fault == "layer 1 region 2: a region of type 4 encloses nothing"


class TestRunLengths:
    def test_rows_of_an_image_lie_on_it_together_and_none_is_nothing(self) -> None:
        table = "\ufeffImageId;EncodedPixels\na.png;1 2 13 1\na.png;11 1\nb.png;-1\nc.png;\nd.png;1 1 1 1\n"
        a, b, c, d = read("run_lengths", table.lstrip("\ufeff"))
        assert (a.file, b.pieces, c.pieces, b.fault) == ("a.png", (), (), "")
        expected = np.zeros((10, 12), np.uint8)
        expected[:2, 0] = expected[0, 1] = expected[2, 1] = 1
        np.testing.assert_array_equal(mask_of(replace(a, size=(10, 12)), Task(), 1000), expected)
        assert (
            d.fault == "line 6: '1 1 1 1' are no runs from pixel 1 on, of which none begins before the last one's end"
        )

    @pytest.mark.parametrize("runs", ["1 2 3", "a b", "0 4", "5 -1", "99999999999999999999 1"])
    def test_what_is_none_is_named(self, runs: str) -> None:
        [image] = read("run_lengths", f"ImageId,EncodedPixels\na,{runs}\n")
        assert image.fault.startswith(f"line 2: '{runs}' are no")


class TestInbreast:
    def test_a_calcification_of_one_point_is_its_pixel(self) -> None:
        text = documents.inbreast()
        start, end = text.index("<array>", text.index("Point_px")), text.rindex("</array>", 0, text.index("<key>Type"))
        one = text[:start] + "<array><string>(4.2, 7.1)</string></array>" + text[end + len("</array>") :]
        assert np.argwhere(drawn(*read("inbreast", one))).tolist() == [[7, 4]]

    def test_entities_are_not_expanded(self) -> None:
        entities = '<!DOCTYPE plist [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
        with pytest.raises(UnclearShape, match="no property list: XML entity declarations are not supported"):
            content_of(entities + '<plist version="1.0"><string>&b;</string></plist>')


@pytest.mark.parametrize(
    ("corner", "reaches"),
    [
        ((11.9, 9.9), False),
        ((12.4, 10.4), False),
        ((12.6, 9), True),
        ((11, 10.6), True),
        ((-0.4, 3), False),
        ((-0.6, 3), True),
    ],
)
def test_what_reaches_beyond_its_image_by_half_a_pixel_is_cut_off(corner: tuple[float, float], reaches: bool) -> None:
    [image] = read(
        "geojson", [{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[*CORNERS, corner]]}}]
    )
    outline = image.pieces[0].outline
    assert reaches_beyond(outline, HEIGHT, WIDTH) is reaches
    assert reaches_beyond(Several((outline, Ellipse(5, 5, 1, 1))), HEIGHT, WIDTH) is reaches


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('<!DOCTYPE x [<!ENTITY a "b">]><annotations/>', "declares a document type 'x'"),
        ("<annotations>", "not XML: no element found"),
        ("{", "not JSON: "),
        ("[" * 100_000, "not JSON: nested too deeply"),
        ('{"a": \x00}', "not JSON"),
    ],
)
def test_what_is_no_document_is_named(text: str, reason: str) -> None:
    with pytest.raises(UnclearShape, match=reason):
        content_of(text)


@pytest.mark.parametrize("document", [None, [], {}, [{}], {"a": {}}, "a,b\n1,2\n", "<x/>", "text", "", "3"])
def test_of_anything_else_no_format_is_told(document: Any) -> None:
    content = content_of(document if isinstance(document, str) else json.dumps(document))
    assert [each.name for each in FORMATS.values() if each.told(content)] == []


def test_polygons_of_any_kind_hold_the_centres_that_scikit_image_finds() -> None:
    """Whose pixels have their centres at whole coordinates, and which here lie on no edge."""
    points = np.array([[1.3, 0.7], [10.6, 2.2], [8.1, 9.3], [4.9, 4.4]])
    document = documents.labelme("a.png", points=points.tolist())
    expected = polygon2mask((HEIGHT, WIDTH), points[:, ::-1] - 0.5)
    np.testing.assert_array_equal(drawn(*read("labelme", document)), expected)


def test_many_regions_and_many_holes_are_matched_in_time() -> None:
    square = '<Region Type="1" NegativeROA="{}"><Vertex X="{}" Y="0"/><Vertex X="{}" Y="4"/></Region>'.format
    hole = '<Region Type="1" NegativeROA="1"><Vertex X="{}" Y="1"/><Vertex X="{}" Y="2"/></Region>'.format
    regions = "".join(square(0, 9 * n, 9 * n + 4) + hole(9 * n + 1, 9 * n + 2) for n in range(4000))
    begin = time.process_time()
    [image] = read("imagescope", f'<Annotations><Annotation Name="mass">{regions}</Annotation></Annotations>')
    assert time.process_time() - begin < 10
    assert len(image.pieces) == 4000
    assert mask_of(replace(image, size=(4, 36_000)), TASK, 200_000).sum() == 4000 * 15


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("cvat", '<mask label="mass" left="0" top="0" width="9999999" height="9999999" rle="1,2"/>'),
        ("cvat", f'<mask label="mass" left="0" top="0" width="3" height="1" rle="{2**63 - 1},{2**63 - 1},5"/>'),
        ("cvat", '<polygon label="mass" points="1e308,0;0,1e308;1,1"/>'),
        ("cvat", '<polygon label="mass" points="nan,0;0,1;1,1"/>'),
    ],
)
def test_what_a_shape_claims_is_checked_before_it_is_made(name: str, shape: str) -> None:
    [image] = read(name, f'<annotations><image name="a" width="9" height="9">{shape}</image></annotations>')
    assert re.match(
        "(mask|polygon) 1: (its mask: has 9999999 x|its run lengths tell|.* has coordinates that are no)", image.fault
    )
