"""Lists of what is in artifacts, and the damage that they tell of."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.runs.contents import damage, list_file, note, remove


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    folder = tmp_path / "examples" / "7"
    (folder / "Split-train").mkdir(parents=True)
    (folder / "account.json").write_text("{}")
    (folder / "Split-train" / "shard").write_bytes(bytes(range(256)) * 100)
    note(folder)
    return folder


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def gone(path: Path) -> None:
    path.unlink()


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [flipped, cut, emptied, grown, gone, a_folder])
def test_a_file_that_is_not_what_it_was_is_named(artifact: Path, harm: Callable[[Path], None]) -> None:
    harm(artifact / "Split-train" / "shard")
    expected = "missing" if harm in (gone, a_folder) else "damaged"
    assert damage(artifact) == f"Split-train/shard is {expected}"


def test_a_whole_artifact_that_is_gone_is_told_by_a_file(artifact: Path) -> None:
    shutil.rmtree(artifact)
    assert damage(artifact) == "Split-train/shard is missing"


def test_a_whole_one_has_no_damage_and_other_files_are_nobodys_business(artifact: Path) -> None:
    (artifact / "notes.txt").write_text("mine")
    assert damage(artifact) is None
    assert damage(artifact, thorough=True) is None


def test_a_bit_that_flips_by_itself_is_found_where_it_is_looked_for(artifact: Path) -> None:
    """The disk's own fault changes no time."""
    path = artifact / "Split-train" / "shard"
    time = path.stat().st_mtime_ns
    flipped(path)
    os.utime(path, ns=(time, time))
    assert damage(artifact) is None
    assert damage(artifact, thorough=True) == "Split-train/shard is damaged"


def test_a_copy_is_read_once(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.utime(artifact / "account.json", ns=(1, 1))
    assert damage(artifact) is None
    monkeypatch.setattr("hashlib.file_digest", None)
    assert damage(artifact) is None


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"account.json": 1}', b"\xff"])
def test_without_a_list_an_artifact_is_taken_as_it_is_and_gets_one(artifact: Path, content: bytes | None) -> None:
    if content is None:
        list_file(artifact).unlink()
    else:
        list_file(artifact).write_bytes(content)
    flipped(artifact / "Split-train" / "shard")
    assert damage(artifact) is None
    note(artifact)
    cut(artifact / "Split-train" / "shard")
    assert damage(artifact) == "Split-train/shard is damaged"


def test_a_list_that_another_of_its_number_has_left_is_not_taken_for_its_own(artifact: Path) -> None:
    """As where a person has deleted the store and the folders of artifacts, but not the hidden files beside them."""
    (artifact / "account.json").write_text("of another store, later")
    note(artifact, made=True)
    assert damage(artifact) is None


def test_an_empty_artifact_has_no_damage(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    note(tmp_path / "1")
    assert damage(tmp_path / "1", thorough=True) is None


def test_what_is_removed_is_gone_with_its_list(artifact: Path) -> None:
    remove(artifact)
    assert list(artifact.parent.iterdir()) == []
