"""The truth table of the MIAS database."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.errors import UsageError
from components.example_gen.mias import Row, UnclearRow, list_mias, parse_row
from components.example_gen.samples import Lesion, Listing, Reject, Sample


def listing(root: Path, films: list[str], table: str) -> Listing:
    for film in films:
        (root / film).touch()
    (root / "Info.txt").write_bytes(table.encode())
    return list_mias(root, "Info.txt")


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("mdb001 G CIRC B 535 425 197", Row("mdb001", "CIRC", "B", Lesion(535, 425, 197))),
        ("mdb001 G CIRC B 535 425 197   \r\n", Row("mdb001", "CIRC", "B", Lesion(535, 425, 197))),
        ("  mdb184\tF  SPIC M 352 624 114", Row("mdb184", "SPIC", "M", Lesion(352, 624, 114))),
        ("mdb003 D NORM", Row("mdb003", "NORM", None, None)),
        ("mdb003 D NORM  \r", Row("mdb003", "NORM", None, None)),
        ("mdb059 F CIRC B", Row("mdb059", "CIRC", "B", None)),
        ("mdb216 D CALC M *NOTE 3*", Row("mdb216", "CALC", "M", None)),
        ("mdb216 D CALC M **", Row("mdb216", "CALC", "M", None)),
        ("mdb028rl F CIRC M 1600 2900 224", Row("mdb028rl", "CIRC", "M", Lesion(1600, 2900, 224))),
        ("", None),
        (" \t\r\n", None),
        ("Reference tissue class severity x y radius", None),
        ("INFORMATION FOR THE mdb FILMS", None),
    ],
)
def test_parse_row(line: str, row: Row | None) -> None:
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
    assert parse_row(f"mdb001 G CIRC B {numbers}") == Row("mdb001", "CIRC", "B", None)


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
    assert found.rejects == ()
    assert found.samples == (
        Sample("mdb005", "pair003", "mdb005.pgm", None, (Lesion(477, 133, 30), Lesion(500, 168, 26)), "benign"),
        Sample("mdb006", "pair003", "mdb006.pgm", None, (), "normal"),
        Sample("mdb007", "pair004", "mdb007.pgm", None, (Lesion(10, 20, 5), Lesion(30, 40, 5)), "malignant"),
    )


def test_the_two_films_of_a_woman_are_one_group(tmp_path: Path) -> None:
    names = [f"mdb{number:03d}" for number in range(1, 323)]
    found = listing(tmp_path, [f"{name}.pgm" for name in names], "\n".join(f"{name} D NORM" for name in names))
    groups = [sample.group for sample in found.samples]
    assert groups[0::2] == groups[1::2] == [f"pair{number:03d}" for number in range(1, 162)]


@pytest.mark.parametrize("note", ["", "**", "*NOTE 3*"])
def test_a_lesion_without_coordinates_rejects_its_film(tmp_path: Path, note: str) -> None:
    """Its mask would lack a lesion, even where other rows of the film have coordinates."""
    table = f"mdb001 G CALC B 5 5 2\nmdb001 G CALC B {note}\nmdb002 G NORM\n"
    found = listing(tmp_path, ["mdb001.pgm", "mdb002.pgm"], table)
    assert found.rejects == (
        Reject("mdb001.pgm", "a lesion without coordinates in Info.txt: its mask would be incomplete"),
    )
    assert [sample.id for sample in found.samples] == ["mdb002"]


@pytest.mark.parametrize("other", ["", "mdb001 G CIRC B 5 5 2\n", "mdb001 G NORM\n"])
def test_a_malformed_row_rejects_its_film(tmp_path: Path, other: str) -> None:
    """Whatever the row says of the film, the mask would lack it."""
    found = listing(tmp_path, ["mdb001.pgm", "mdb002.pgm"], f"{other}mdb001 G CIRC X 9 9 2\nmdb002 G NORM\n")
    [reject] = found.rejects
    assert reject.source == "mdb001.pgm"
    assert f"Info.txt line {1 + bool(other)}: 'mdb001 G CIRC X 9 9 2' is not" in reject.reason
    assert [sample.id for sample in found.samples] == ["mdb002"]
    assert found.sources == 2


@pytest.mark.parametrize(
    ("films", "table", "reject"),
    [
        (["mdb001.pgm"], "", Reject("mdb001.pgm", "no row in Info.txt: whether it is normal is not known")),
        ([], "mdb001 G NORM\n", Reject("mdb001", "in Info.txt, but there is no such film")),
        (
            [],
            "mdb001 G CIRC B 1 2 3\nmdb001 G CIRC B 4 5 6\n",
            Reject("mdb001", "in Info.txt, but there is no such film"),
        ),
        (
            ["mdb001.pgm", "mdb001.png"],
            "mdb001 G NORM\n",
            Reject("mdb001.pgm", "several films of one name: mdb001.pgm, mdb001.png"),
        ),
        (
            [],
            "mdb001G NORM\n",
            Reject("mdb001", "Info.txt line 1: 'mdb001G NORM' is not `film tissue class severity x y radius`"),
        ),
        (["cat.png"], "", Reject("cat.png", "not named like a film of the database: mdb and three digits")),
    ],
)
def test_what_cannot_be_used_is_named_once(tmp_path: Path, films: list[str], table: str, reject: Reject) -> None:
    found = listing(tmp_path, films, table)
    assert found.samples == ()
    assert found.rejects == (reject,)
    assert found.sources == 1


def test_latin_1_in_a_header_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "mdb001.pgm").touch()
    (tmp_path / "Info.txt").write_bytes(b"50 \xb5m per pixel\nmdb001 G NORM\n")
    assert [sample.label for sample in list_mias(tmp_path, "Info.txt").samples] == ["normal"]


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no truth table 'Info\.txt'"):
        list_mias(tmp_path, "Info.txt")


def test_a_byte_order_mark_hides_no_row(tmp_path: Path) -> None:
    (tmp_path / "mdb001.pgm").touch()
    (tmp_path / "Info.txt").write_bytes(b"\xef\xbb\xbfmdb001 G CIRC B 1 2 3\r\nmdb001 G CIRC M 4 5 6\r\n")
    [film] = list_mias(tmp_path, "Info.txt").samples
    assert film.lesions == (Lesion(1, 2, 3), Lesion(4, 5, 6))


def test_upper_case_is_the_same_film(tmp_path: Path) -> None:
    [film] = listing(tmp_path, ["MDB002.PGM"], "MDB002 G CIRC B 1 2 3\nmdb002 g circ m 4 5 6\n").samples
    assert (film.image, film.label, len(film.lesions)) == ("MDB002.PGM", "malignant", 2)


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ("mdb001 G NORM\nmdb001 G CIRC B 1 2 3\n", "both normal and with a lesion in Info.txt"),
        ("mdb001 G CIRC B 1 2 0\n", "a lesion without coordinates in Info.txt: its mask would be incomplete"),
    ],
)
def test_a_truth_that_cannot_be(tmp_path: Path, table: str, reason: str) -> None:
    assert listing(tmp_path, ["mdb001.pgm"], table).rejects == (Reject("mdb001.pgm", reason),)


def test_films_of_another_kind_are_named_and_papers_are_not(tmp_path: Path) -> None:
    found = listing(tmp_path, ["mdb001.pgm", "mdb002.tif", "README.txt"], "mdb001 G NORM\n")
    assert [sample.id for sample in found.samples] == ["mdb001"]
    assert [reject.source for reject in found.rejects] == ["mdb002.tif"]
