"""The truth tables of the MIAS database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.errors import UsageError
from components.example_gen.drawing import place
from components.example_gen.layouts.mias import TruthRow, UnclearRow, list_mias, parse_row, patterns
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import Drawing, Listing, Reject, Sample
from components.imaging.truth.shapes import Ellipse, Shape, UnclearShape, rasterized


def disc(x: float, y: float, radius: float) -> Ellipse:
    return Ellipse(x, y, radius, radius)


def drawing(*discs: Ellipse) -> Drawing:
    return Drawing(tuple(map(Shape, discs)), bottom_left=True, canvas=(1024, 1024))


def listing(root: Path, films: list[str], table: str, **settings: Any) -> Listing:
    for film in films:
        (root / film).touch()
    (root / "Info.txt").write_bytes(table.encode())
    return list_mias(root, Reading(**settings))


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("mdb001 G CIRC B 535 425 197", TruthRow("mdb001", "CIRC", "benign", disc(535, 425, 197))),
        ("mdb001 G CIRC B 535 425 197   \r\n", TruthRow("mdb001", "CIRC", "benign", disc(535, 425, 197))),
        ("  mdb184\tF  SPIC M 352 624 114", TruthRow("mdb184", "SPIC", "malignant", disc(352, 624, 114))),
        ("mdb003 D NORM", TruthRow("mdb003", "NORM", "normal", None)),
        ("mdb003 D NORM  \r", TruthRow("mdb003", "NORM", "normal", None)),
        ("mdb059 F CIRC B", TruthRow("mdb059", "CIRC", "benign", None)),
        ("mdb216 D CALC M *NOTE 3*", TruthRow("mdb216", "CALC", "malignant", None)),
        ("mdb216 D CALC M **", TruthRow("mdb216", "CALC", "malignant", None)),
        ("mdb028rl F CIRC M 1600 2900 224", TruthRow("mdb028rl", "CIRC", "malignant", disc(1600, 2900, 224))),
        ("", None),
        (" \t\r\n", None),
        ("Reference tissue class severity x y radius", None),
        ("INFORMATION FOR THE mdb FILMS", None),
    ],
)
def test_parse_row(line: str, row: TruthRow | None) -> None:
    assert parse_row(line) == row


@pytest.mark.parametrize(
    "line",
    [
        "mdb001",
        "mdb001 G",
        "mdb001 Q CIRC B 535 425 197",
        "mdb001 G ROUND B 535 425 197",
        "mdb001 G CIRC X 535 425 197",
        "mdb001 G CIRC 535 425 197",
        "mdb003 D NORM B 1 2 3",
        "mdb001,G,CIRC,B,535,425,197",
    ],
)
def test_a_malformed_row_is_quoted(line: str) -> None:
    with pytest.raises(UnclearRow, match="is not `film tissue class severity x y radius`") as caught:
        parse_row(line + " \r\n")
    assert repr(line) in str(caught.value)


@pytest.mark.parametrize("numbers", ["535 425", "535 425 1O7", "535 425 197 8", "-5 425 197", "535"])
def test_unreadable_numbers_are_no_coordinates(numbers: str) -> None:
    assert parse_row(f"mdb001 G CIRC B {numbers}") == TruthRow("mdb001", "CIRC", "benign", None)


def test_films_with_all_their_lesions(tmp_path: Path) -> None:
    table = (
        "film tissue class severity x y radius\r\n"
        "\r\n"
        "mdb005 F CIRC B 477 133 30 \r\n"
        "mdb005 F CIRC B 500 168 26\r\n"
        "mdb006 F NORM\r\n"
        "   \r\n"
        "mdb007 G SPIC M 10 20 5\r\n"
        "mdb007 G CALC B 30 40 5\r\n"
    )
    found = listing(tmp_path, ["mdb005.pgm", "mdb006.pgm", "mdb007.pgm"], table)
    assert (found.rejects, found.left_out) == ((), ())
    assert found.samples == (
        Sample("mdb005", "pair003", "mdb005.pgm", drawing(disc(477, 133, 30), disc(500, 168, 26)), "benign"),
        Sample("mdb006", "pair003", "mdb006.pgm", drawing(), "normal"),
        Sample("mdb007", "pair004", "mdb007.pgm", drawing(disc(10, 20, 5), disc(30, 40, 5)), "malignant"),
    )


def test_a_lesion_stands_where_the_table_says(tmp_path: Path) -> None:
    """Both lesions of mdb005, counted from the bottom: rows 1023 - 133 = 890 and 1023 - 168 = 855."""
    table = "mdb005 F CIRC B 477 133 30\nmdb005 F CIRC B 500 168 26\n"
    [film] = listing(tmp_path, ["mdb005.pgm"], table).samples
    assert isinstance(film.truth, Drawing)
    mask = rasterized(1024, 1024, place(film.truth, 1024, 1024))
    assert [mask[890, 477], mask[855, 500], mask[133, 477]] == [1, 1, 0]
    assert mask.any(axis=1).nonzero()[0][[0, -1]].tolist() == [855 - 26, 890 + 30]
    with pytest.raises(UnclearShape, match="another edition"):
        place(film.truth, 4320, 2600)


def test_the_two_films_of_a_woman_are_one_group(tmp_path: Path) -> None:
    names = [f"mdb{number:03d}" for number in range(1, 323)]
    found = listing(tmp_path, [f"{name}.pgm" for name in names], "\n".join(f"{name} D NORM" for name in names))
    groups = [sample.group for sample in found.samples]
    assert groups[0::2] == groups[1::2] == [f"pair{number:03d}" for number in range(1, 162)]


NO_COORDINATES = "Info.txt: a lesion without coordinates: the mask would be incomplete"


@pytest.mark.parametrize("note", ["", "**", "*NOTE 3*"])
def test_a_lesion_without_coordinates_rejects_its_film(tmp_path: Path, note: str) -> None:
    """Its mask would lack a lesion, even where other rows of the film have coordinates."""
    table = f"mdb001 G CALC B 5 5 2\nmdb001 G CALC B {note}\nmdb002 G NORM\n"
    found = listing(tmp_path, ["mdb001.pgm", "mdb002.pgm"], table)
    assert found.rejects == (Reject("mdb001.pgm", "truth", NO_COORDINATES),)
    assert [sample.id for sample in found.samples] == ["mdb002"]


@pytest.mark.parametrize("other", ["", "mdb001 G CIRC B 5 5 2\n", "mdb001 G NORM\n"])
def test_a_malformed_row_rejects_its_film(tmp_path: Path, other: str) -> None:
    """Whatever the row says of the film, the mask would lack it."""
    found = listing(tmp_path, ["mdb001.pgm", "mdb002.pgm"], f"{other}mdb001 G CIRC X 9 9 2\nmdb002 G NORM\n")
    [reject] = found.rejects
    assert (reject.source, reject.kind) == ("mdb001.pgm", "truth")
    assert f"Info.txt line {1 + bool(other)}: 'mdb001 G CIRC X 9 9 2' is not" in reject.reason
    assert [sample.id for sample in found.samples] == ["mdb002"]
    assert found.sources == 2


MINI_NAME = "not named like a film of the mini edition: mdb and three digits"
FULL_NAME = "a name of the full edition, whose coordinates are not the same; [data] edition is 'mini'"


@pytest.mark.parametrize(
    ("films", "table", "reject"),
    [
        (
            ["mdb001.pgm"],
            "",
            Reject("mdb001.pgm", "pairing", "no row in Info.txt: whether it is normal is not known"),
        ),
        ([], "mdb001 G NORM\n", Reject("mdb001", "pairing", "in Info.txt, but there is no such film")),
        (
            [],
            "mdb001 G CIRC B 1 2 3\nmdb001 G CIRC B 4 5 6\n",
            Reject("mdb001", "pairing", "in Info.txt, but there is no such film"),
        ),
        (
            ["mdb001.pgm", "mdb001.png"],
            "mdb001 G NORM\n",
            Reject("mdb001.pgm", "pairing", "several films of one name: mdb001.pgm, mdb001.png"),
        ),
        (
            [],
            "mdb001G NORM\n",
            Reject("mdb001", "truth", "Info.txt line 1: 'mdb001G NORM' is not `film tissue class severity x y radius`"),
        ),
        (["cat.png"], "", Reject("cat.png", "name", MINI_NAME)),
        (["mdb0011.png"], "", Reject("mdb0011.png", "name", MINI_NAME)),
        (["mdb028rl.pgm"], "mdb028rl F CIRC M 1 2 3\n", Reject("mdb028rl.pgm", "name", FULL_NAME)),
        ([], "mdb028rl F CIRC M 1 2 3\n", Reject("mdb028rl", "name", FULL_NAME)),
    ],
)
def test_what_cannot_be_used_is_named_once(tmp_path: Path, films: list[str], table: str, reject: Reject) -> None:
    found = listing(tmp_path, films, table)
    assert found.samples == ()
    assert found.rejects == (reject,)
    assert found.sources == 1


def test_films_of_the_full_edition_have_their_own_pixels(tmp_path: Path) -> None:
    table = "mdb027rl F NORM\nmdb028rl F CIRC M 1600 2900 224\nmdb028rl F CIRC M 1600 2900 224\n"
    found = listing(tmp_path, ["mdb027rl.pgm", "mdb028rl.pgm"], table, edition="full")
    assert found.samples == (
        Sample("mdb027rl", "pair014", "mdb027rl.pgm", Drawing((), bottom_left=True), "normal"),
        Sample(
            "mdb028rl",
            "pair014",
            "mdb028rl.pgm",
            Drawing((Shape(disc(1600, 2900, 224)),), bottom_left=True),
            "malignant",
        ),
    )


def test_mini_films_are_none_of_the_full_edition(tmp_path: Path) -> None:
    found = listing(tmp_path, ["mdb028.pgm", "other.pgm"], "mdb028 F CIRC M 338 314 56\n", edition="full")
    reason = "a name of the mini edition, whose coordinates are not the same; [data] edition is 'full'"
    form = "not named like a film of the full edition: mdb and three digits, then side and size"
    assert found.rejects == (Reject("mdb028.pgm", "name", reason), Reject("other.pgm", "name", form))


GRADED = (
    "mdb001 G CIRC B 100 200 10\n"
    "mdb002 G SPIC M 300 400 20\n"
    "mdb002 G CALC B **\n"
    "mdb003 D NORM\n"
    "mdb004 D CALC M *NOTE 3*\n"
    "mdb004 D CIRC B 1 2 3\n"
)
FILMS = [f"mdb00{number}.pgm" for number in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("labels", "drawn", "rejected", "left_out"),
    [
        ([], ["mdb001", "mdb003"], ["mdb002", "mdb004"], []),
        (["malignant"], ["mdb002"], ["mdb004"], ["mdb001", "mdb003"]),
        (["Malignant", "normal"], ["mdb002", "mdb003"], ["mdb004"], ["mdb001"]),
        (["benign"], ["mdb001", "mdb004"], ["mdb002"], ["mdb003"]),
        (["malignant", "benign"], ["mdb001"], ["mdb002", "mdb004"], ["mdb003"]),
    ],
)
def test_lesions_by_severity(
    tmp_path: Path, labels: list[str], drawn: list[str], rejected: list[str], left_out: list[str]
) -> None:
    found = listing(tmp_path, FILMS, GRADED, labels=labels)
    assert [sample.id for sample in found.samples] == drawn
    assert [Path(reject.source).stem for reject in found.rejects] == rejected
    assert [Path(reject.source).stem for reject in found.left_out] == left_out
    assert found.sources == 4
    assert {sample.label for sample in found.samples} <= {label.lower() for label in labels} or not labels


def test_only_lesions_of_the_severity_are_drawn(tmp_path: Path) -> None:
    found = listing(tmp_path, FILMS, GRADED, labels=["malignant"])
    assert found.samples == (Sample("mdb002", "pair001", "mdb002.pgm", drawing(disc(300, 400, 20)), "malignant"),)
    assert [reject.reason for reject in found.left_out] == [
        "only benign; [data] labels asks for malignant",
        "only normal; [data] labels asks for malignant",
    ]


def test_severities_as_classes(tmp_path: Path) -> None:
    table = "mdb001 G CIRC B 100 200 10\nmdb001 G SPIC M 300 400 20\n"
    [film] = listing(tmp_path, ["mdb001.pgm"], table, classes=["benign", "malignant"]).samples
    assert isinstance(film.truth, Drawing)
    assert [shape.class_index for shape in film.truth.shapes] == [1, 2]
    found = listing(tmp_path, ["mdb001.pgm"], table, classes=["malignant", "cyst"])
    reason = "Info.txt: a shape of 'benign', which is none of [data] classes: malignant, cyst"
    assert found.rejects == (Reject("mdb001.pgm", "truth", reason),)


def test_a_severity_that_is_none_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="malignent; layout mias has normal, benign and malignant"):
        listing(tmp_path, FILMS, GRADED, labels=["malignent"])


def test_a_row_that_is_there_twice_is_one_lesion(tmp_path: Path) -> None:
    [film] = listing(tmp_path, ["mdb001.pgm"], "mdb001 G CIRC B 1 2 3\nMDB001 G CIRC b 1 2 3 \r\n").samples
    assert film.truth == drawing(disc(1, 2, 3))


def test_latin_1_in_a_header_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "mdb001.pgm").touch()
    (tmp_path / "Info.txt").write_bytes(b"50 \xb5m per pixel\nmdb001 G NORM\n")
    assert [sample.label for sample in list_mias(tmp_path, Reading()).samples] == ["normal"]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no truth table 'Info\.txt'"):
        list_mias(tmp_path, Reading())


def test_the_table_may_have_another_name(tmp_path: Path) -> None:
    (tmp_path / "mdb001.pgm").touch()
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/truth.txt").write_text("mdb001 G NORM\n")
    data = Reading(table="meta/truth.txt")
    assert len(list_mias(tmp_path, data).samples) == 1
    read = {path for pattern in patterns(data).values() for path in tmp_path.glob(pattern)}
    assert {tmp_path / "mdb001.pgm", tmp_path / "meta/truth.txt"} <= read


def test_a_byte_order_mark_hides_no_row(tmp_path: Path) -> None:
    (tmp_path / "mdb001.pgm").touch()
    (tmp_path / "Info.txt").write_bytes(b"\xef\xbb\xbfmdb001 G CIRC B 1 2 3\r\nmdb001 G CIRC M 4 5 6\r\n")
    [film] = list_mias(tmp_path, Reading()).samples
    assert film.truth == drawing(disc(1, 2, 3), disc(4, 5, 6))


def test_upper_case_is_the_same_film(tmp_path: Path) -> None:
    [film] = listing(tmp_path, ["MDB002.PGM"], "MDB002 G CIRC B 1 2 3\nmdb002 g circ m 4 5 6\n").samples
    assert (film.image, film.label) == ("MDB002.PGM", "malignant")
    assert film.truth == drawing(disc(1, 2, 3), disc(4, 5, 6))


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("mdb001 G NORM\nmdb001 G CIRC B 1 2 3\n", "Info.txt: both normal and with a lesion"),
        ("mdb001 G CIRC B 1 2 0\n", NO_COORDINATES),
        (f"mdb001 G CIRC B 1 2 {'9' * 400}\n", NO_COORDINATES),
        (f"mdb001 G CIRC B {'9' * 400} 2 3\n", NO_COORDINATES),
    ],
)
def test_a_truth_that_cannot_be(tmp_path: Path, table: str, reason: str) -> None:
    assert listing(tmp_path, ["mdb001.pgm"], table).rejects == (Reject("mdb001.pgm", "truth", reason),)


def test_films_of_another_kind_are_named_and_papers_are_not(tmp_path: Path) -> None:
    found = listing(tmp_path, ["mdb001.pgm", "mdb002.xcf", "README.txt"], "mdb001 G NORM\n")
    assert [sample.id for sample in found.samples] == ["mdb001"]
    assert [(reject.source, reject.kind) for reject in found.rejects] == [("mdb002.xcf", "unknown kind of file")]
