"""Tables and documents of which memory would hold too many objects are refused before these are made."""

from __future__ import annotations

import csv
import io
import time
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.texts import TooLarge, lines_of, parsed_toml, refuse_parts, rows_of


@given(st.text(alphabet='a,"\r\n;', max_size=40))
def test_rows_are_those_that_csv_reads_of_a_file(text: str) -> None:
    assert "".join(lines_of(text)) == text
    assert [*csv.reader(lines_of(text))] == [*csv.reader(io.StringIO(text, newline=""))]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_header_tells_what_separates(separator: str) -> None:
    rows = rows_of(f" Image{separator}MASK\r\na{separator}b\r\n")
    assert [*rows] == [{"image": "a", "mask": "b"}]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\n" + "\n" * 2**20, "has 1048577 lines, more than the 1048576"),
        (",".join("a" * 5000) + "\n" + "1\n" * 2000, "has 10005000 cells, more than the 8388608"),
        ("a\n" + "," * 9_000_000, "has 9000000 cells"),
        ("," * 20_000, "has 20001 columns, more than the 10000"),
    ],
)
def test_a_table_of_too_much_is_refused(text: str, reason: str) -> None:
    with pytest.raises(TooLarge, match=reason):
        rows_of(text)


def test_a_document_of_too_many_parts_is_refused() -> None:
    refuse_parts("[" * 2**23)
    refuse_parts("<a></a>" * 2**21)
    for text in ("[" * (2**23 + 1), "{" * (2**21 + 1), "<a/>" * (2**21 + 1)):
        with pytest.raises(TooLarge, match=r"more than the 8388608 that are read: divide it"):
            refuse_parts(text)


def test_toml_is_read_in_time() -> None:
    assert parsed_toml("a.b = 1.5") == tomllib.loads("a.b = 1.5")
    begin = time.process_time()
    with pytest.raises(TooLarge, match="has a line of 9999 dots, more than the 500"):
        parsed_toml("a." * 9_999 + "a = 1")
    parsed_toml("".join(f"{'a.' * 499}b{number} = 1\n" for number in range(100)))
    assert time.process_time() - begin < 5
