"""Archives of models: what is within comes out, and no more of it than a model has."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from hostile.documents import ARCHIVES, fifo

from components.errors import UsageError
from components.unpacked import unpacked


def test_a_folder_comes_out_as_it_was(tmp_path: Path) -> None:
    weights = os.urandom(10**6)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("7/saved_model.pb", bytes(60 * 2**20))
        archive.writestr("7/variables/variables.data", weights)
    with unpacked(tmp_path / "a.zip") as folder:
        assert (folder.name, len((folder / "saved_model.pb").read_bytes())) == ("7", 60 * 2**20)
        assert (folder / "variables/variables.data").read_bytes() == weights
    assert not folder.exists()


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ("zeros", r"holds more than 6\d MB\. Unpack it yourself, and give the folder"),
        ("members", "holds 20000 files, more than 10000"),
        ("one file, many names", "not a whole .zip file: lists its members in more than 4194304 bytes"),
        ("long names", "not a whole .zip file: .*File name too long"),
        ("deep folders", r"lies in 1501 folders\. Have it packed anew"),
        ("a file and a folder of one name", "holds two files, or a file and a folder, of one name"),
    ],
)
def test_what_is_no_model_is_named(tmp_path: Path, made: str, reason: str) -> None:
    path = ARCHIVES[made](tmp_path)
    with pytest.raises(UsageError, match=reason) as caught, unpacked(path):
        pass
    assert len(str(caught.value)) < 1000 + len(str(path))


def test_more_folders_than_a_model_has_are_none(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(20):
            archive.writestr("/".join(f"{number}-{depth}" for depth in range(31)), b"")
    refused = pytest.raises(UsageError, match="holds 20 files in 601 folders, more than 600")
    with refused, unpacked(tmp_path / "a.zip", most_files=600):
        pass


def test_a_pipe_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a named pipe, expected a file"), unpacked(fifo(tmp_path)):
        pass
