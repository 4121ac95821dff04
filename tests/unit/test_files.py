"""Files that are either the old or the new."""

from __future__ import annotations

import fcntl
import math
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.files import is_locked, locked, read_json, write_json, write_text


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


def test_of_two_writers_at_once_each_writes_the_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In two threads here; in two containers, whose processes have equal numbers, it is the same."""
    synced = threading.Barrier(2, timeout=30)
    fsync = os.fsync
    # Neither moves its file before the other has written.
    monkeypatch.setattr(os, "fsync", lambda file: (fsync(file), synced.wait()))
    texts = ["short", "long " * 5000]
    with ThreadPoolExecutor(2) as writers:
        list(writers.map(lambda text: write_text(tmp_path / "file", text), texts))
    assert (tmp_path / "file").read_text() in texts
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_whether_a_file_is_locked_is_told_without_the_right_to_write_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    assert not path.exists()
    path.touch()
    with write_protected(path):
        assert not is_locked(path)
    with locked(path, wait=False), write_protected(path):
        assert is_locked(path)


@contextmanager
def write_protected(path: Path) -> Iterator[None]:
    """Not even the superuser, who may write all files, can write this one."""
    path.chmod(0o444)
    subprocess.run(["sh", "-c", f"chattr +i {path}"], check=False, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["sh", "-c", f"chattr -i {path}"], check=False, capture_output=True)


def test_who_looks_for_a_lock_keeps_nobody_from_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch()
    looking = threading.Event()

    def look() -> None:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            looking.set()
            time.sleep(0.01)

    thread = threading.Thread(target=look)
    thread.start()
    looking.wait()
    with locked(path, wait=False):
        assert is_locked(path)
    thread.join()


def test_a_lock_that_stays_taken_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked(path, wait=False), pytest.raises(BlockingIOError), locked(path, wait=False):
        pass
