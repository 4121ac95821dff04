"""The metadata store is looked at before it is used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from tfx.orchestration.metadata import sqlite_metadata_connection_config

from components.errors import UsageError
from pipeline.runs import store
from pipeline.runs.store import check_store, finished_artifacts


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("store") / "metadata.sqlite"
    assert list(finished_artifacts(sqlite_metadata_connection_config(str(path)))) == []
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, whole: bytes) -> Path:
    path = tmp_path / "metadata.sqlite"
    path.write_bytes(whole)
    return path


def half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def a_few_bytes(path: Path) -> None:
    os.truncate(path, 50)


def without_its_last_page(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(5000))


def garbage_in_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)


def text(path: Path) -> None:
    path.write_text("not a database, but long enough to be one " * 100)


@pytest.mark.parametrize("harm", [half, a_few_bytes, without_its_last_page, garbage, garbage_in_the_middle, text])
def test_a_damaged_store_is_named_with_its_remedy(path: Path, harm: Callable[[Path], None]) -> None:
    harm(path)
    with pytest.raises(
        UsageError, match=r"metadata\.sqlite: .*Delete it: what is lost is the memory of finished steps"
    ):
        check_store(path)


def another_program(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript("DROP TABLE Artifact; CREATE TABLE Artifact (x)")


def another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.executescript("UPDATE MLMDEnv SET schema_version = 99")


@pytest.mark.parametrize("harm", [another_program, another_version])
def test_a_store_of_others_is_named_where_it_is_opened(path: Path, harm: Callable[[Path], None]) -> None:
    harm(path)
    check_store(path)
    with pytest.raises(UsageError, match=r"metadata\.sqlite: is no metadata store of this version\. Delete it"):
        finished_artifacts(sqlite_metadata_connection_config(str(path)))


def test_an_empty_store_beside_artifacts_has_lost_them(path: Path) -> None:
    path.write_bytes(b"")
    (path.parent / "artifacts/Trainer/model/7").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"metadata\.sqlite: is empty, beside artifacts\. Delete it: "):
        check_store(path)


def test_a_whole_an_empty_and_a_missing_store_are_taken(path: Path) -> None:
    check_store(path)
    check_store(path.with_name("missing"))
    assert not path.with_name("missing").exists()
    path.write_bytes(b"")
    check_store(path)


def test_a_locked_store_is_not_damaged(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_PATIENCE", 0.05)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(UsageError, match=r"metadata\.sqlite: another program is using it\. End that program"):
            check_store(path)


def test_a_store_that_is_a_folder_is_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"it cannot be opened\. Make it yours"):
        check_store(tmp_path)
