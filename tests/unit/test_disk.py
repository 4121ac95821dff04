"""A full disk, whoever meets it, is one error with one message."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import tensorflow as tf
import typer
from room import no_file_above
from typer.testing import CliRunner

from components.disk import DiskFull, ask_room, full_disk_named
from components.errors import ExitCode, MasklineError, UsageError, exit_code_of
from components.files import write_text
from pipeline.cli.verbs import verb


def test_room_that_is_there_is_given(tmp_path: Path) -> None:
    ask_room(tmp_path, 1, "a byte")


def test_room_that_is_not_there_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DiskFull) as refusal:
        ask_room(tmp_path, 1e18, "the model")
    assert str(refusal.value).startswith(f"disk full: {tmp_path}: the model will take 1,000,000,000,000.0 MB or more, ")
    assert "Make room there" in str(refusal.value)


@pytest.mark.parametrize("folder", ["gs://bucket/model", "/no/such/folder", "/proc"])
def test_of_what_does_not_say_what_is_free_nothing_is_asked(folder: str) -> None:
    ask_room(Path(folder), 1e18, "the model")


def to_the_full_device(folder: Path) -> None:
    with Path("/dev/full").open("wb") as file:
        file.write(b"x" * 100_000)


def a_file(folder: Path) -> None:
    with no_file_above(1000):
        write_text(folder / "file", "x" * 2000)


def records(folder: Path) -> None:
    with no_file_above(1000), tf.io.TFRecordWriter(str(folder / "file")) as writer:
        for _ in range(100):
            writer.write(b"x" * 10_000)


def a_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "file")) as database:
        database.execute("PRAGMA max_page_count = 2")
        database.execute("CREATE TABLE t (x)")
        database.execute("INSERT INTO t VALUES (?)", ("x" * 100_000,))


def a_worker_of_beam(folder: Path) -> None:
    raise RuntimeError("tensorflow...ResourceExhaustedError: /x/shard; No space left on device [while running 'ParDo']")


def over_quota(folder: Path) -> None:
    raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))


def while_cleaning_up(folder: Path) -> None:
    try:
        to_the_full_device(folder)
    finally:
        {}["no such key"]


def after_it_was_named(folder: Path) -> None:
    try:
        ask_room(folder, 1e18, "the model")
    finally:
        to_the_full_device(folder)


def interrupted(folder: Path) -> None:
    try:
        to_the_full_device(folder)
    except OSError:
        raise KeyboardInterrupt from None


def taken_for_a_wrong_path(folder: Path) -> None:
    try:
        to_the_full_device(folder)
    except OSError as error:
        raise UsageError("the folder cannot be written") from error


@pytest.mark.parametrize(
    "write",
    [
        to_the_full_device,
        a_file,
        records,
        a_database,
        a_worker_of_beam,
        over_quota,
        while_cleaning_up,
        taken_for_a_wrong_path,
    ],
)
def test_a_full_disk_is_one_error(write: Callable[[Path], None], tmp_path: Path) -> None:
    with pytest.raises(DiskFull) as full, full_disk_named(tmp_path):
        write(tmp_path)
    assert str(full.value).startswith(f"disk full: {tmp_path}: ")
    assert exit_code_of(full.value) == ExitCode.FAILED


def test_the_folder_of_the_file_is_named(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for folders, named in (([Path.cwd()], elsewhere), ([Path.cwd(), tmp_path], tmp_path)):
        with pytest.raises(DiskFull, match=f"^disk full: {named}: File too large; "), full_disk_named(*folders):
            a_file(elsewhere)


@pytest.mark.parametrize("error", [ValueError("No room"), MemoryError(), PermissionError(errno.EACCES, "denied")])
def test_other_errors_pass(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error)) as passed, full_disk_named(tmp_path):
        raise error
    assert passed.value is error


def test_an_interrupt_passes_whatever_it_interrupts(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), full_disk_named(tmp_path):
        interrupted(tmp_path)


def test_what_a_process_of_its_own_has_said_is_said_again(tmp_path: Path) -> None:
    said = "Trainer-fold-1: disk full: /there: the model will take 3 MB"
    with pytest.raises(DiskFull, match=f"^{said}"), full_disk_named(tmp_path):
        raise MasklineError(said)


def test_the_first_to_name_it_is_heard(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match=f"{tmp_path}: the model will take"), full_disk_named(Path("/")):
        after_it_was_named(tmp_path)


def test_every_verb_says_it_to_people_and_machines(tmp_path: Path) -> None:
    app = typer.Typer()

    @app.command()
    @verb
    def write(json_output: bool = False) -> None:
        to_the_full_device(tmp_path)

    said = CliRunner().invoke(app, ["--json-output"])
    assert said.exit_code == 1
    assert json.loads(said.stdout)["status"] == "disk full"
    assert json.loads(said.stdout)["error"].startswith("disk full: ")
    assert "Traceback" not in CliRunner().invoke(app, []).output
