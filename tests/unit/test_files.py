"""Files that are either the old or the new."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from components.files import read_json, write_json, write_text


def test_json_round_trip(tmp_path: Path) -> None:
    value = {"name": "Müller", "values": [1, 0.5, None, True]}
    write_json(tmp_path / "file.json", value)
    assert read_json(tmp_path / "file.json") == value
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_an_open_reader_keeps_the_old_file_whole(tmp_path: Path) -> None:
    """The file is replaced, not rewritten: its reader never sees a mixture."""
    path = tmp_path / "file"
    write_text(path, "old " * 5000)
    with path.open() as reader:
        begin = reader.read(4)
        write_text(path, "new")
        assert begin + reader.read() == "old " * 5000
    assert path.read_text() == "new"


@pytest.mark.parametrize("value", [math.nan, {"a": [math.inf]}, {"a": object()}])
def test_what_is_not_json_leaves_the_old_file(tmp_path: Path, value: Any) -> None:
    write_json(tmp_path / "file.json", "old")
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "file.json", value)
    assert read_json(tmp_path / "file.json") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_a_failure_while_writing_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "old")
    # A lone surrogate cannot be encoded: the failure comes with the temporary file open.
    with pytest.raises(UnicodeEncodeError):
        write_text(tmp_path / "file", "new" * 10000 + "\ud800")
    assert (tmp_path / "file").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_failure_while_moving_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
