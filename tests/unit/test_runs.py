"""Past runs: their folders, their states and how they are found."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from components.errors import UsageError
from components.files import locked, read_json
from pipeline.cli.listings import print_runs
from pipeline.config.loader import load_config
from pipeline.runs.folders import find_run, list_runs, new_run_dir
from pipeline.runs.launch import launch, output_folder
from pipeline.runs.record import Pushed, RunRecord, Status, write_run


@pytest.fixture(scope="module")
def dead_pid() -> int:
    """The id of a process that was, and is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def add_run(folder: Path, status: Status, pid: int) -> Path:
    folder.mkdir(parents=True)
    write_run(folder, RunRecord(id=folder.name, recipe=folder.absolute().parents[1].name, status=status, pid=pid))
    return folder


def test_runs_of_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    folders = [new_run_dir(tmp_path) for _ in range(5)]
    assert len(set(folders)) == 5
    assert all(folder.is_dir() and folder.parent == tmp_path / "runs" for folder in folders)


def test_runs_that_start_at_once_do_not_take_each_others_probe_for_a_fault(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as runs:
        assert set(runs.map(lambda _: output_folder("demo", tmp_path), range(2000))) == {tmp_path}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", ["done", "refused by the evaluation", "failed"])
def test_a_run_that_ended_stays_as_it_is(tmp_path: Path, dead_pid: int, status: Status) -> None:
    folder = add_run(tmp_path / "runs" / "1", status, dead_pid)
    assert [run.status for run in list_runs(tmp_path)] == [status]
    assert find_run(str(folder)).status == status


def test_a_run_whose_process_is_gone_was_killed(tmp_path: Path, dead_pid: int) -> None:
    folder = add_run(tmp_path / "runs" / "1", "running", dead_pid)
    assert [run.status for run in list_runs(tmp_path)] == ["killed"]
    assert find_run(str(folder)).status == "killed"
    # Looking at a run does not change what it wrote.
    assert read_json(folder / "run.json")["status"] == "running"


@pytest.mark.parametrize("pid", [os.getpid(), 1], ids=["own", "another user's, perhaps"])
def test_a_run_whose_process_lives_is_running(tmp_path: Path, pid: int) -> None:
    folder = add_run(tmp_path / "runs" / "1", "running", pid)
    with locked(tmp_path / ".lock", wait=False):
        assert [run.status for run in list_runs(tmp_path)] == ["running"]
        assert find_run(str(folder)).status == "running"
    # The number of a process that is gone may belong to another one by now.
    assert find_run(str(folder)).status == "killed"


def test_runs_are_listed_by_age_whatever_their_recipe(tmp_path: Path) -> None:
    for folder in ("mias/runs/20260102-000000", "demo/runs/20260103-000000", "demo/runs/20260101-000000"):
        add_run(tmp_path / folder, "done", 1)
    (tmp_path / "demo" / "runs" / "20260104-000000").mkdir()
    listed = list(list_runs(tmp_path))
    assert [run.id for run in listed] == ["20260101-000000", "20260102-000000", "20260103-000000"]
    assert listed[1].folder == str(tmp_path / "mias" / "runs" / "20260102-000000")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[1]", "null", "{}", '{"status": "running"}', "\xff"),
        *('{"status": "running", "pid": 18446744073709551616}', "[" * 100_000, '{"a":' * 100_000),
    ],
    ids=lambda text: text[:24],
)
def test_a_damaged_record_is_listed_among_the_others(tmp_path: Path, text: str) -> None:
    for name in ("1", "3"):
        add_run(tmp_path / "demo" / "runs" / name, "done", 1)
    folder = tmp_path / "demo" / "runs" / "2"
    folder.mkdir()
    (folder / "run.json").write_bytes(text.encode("latin-1"))
    # A run that is on has a lock; so does that of which nobody knows the process.
    with locked(tmp_path / "demo" / ".lock", wait=False):
        first, damaged, last = list_runs(tmp_path)
        assert find_run(str(folder)) == damaged
    assert (first.status, damaged.status, last.status) == ("done", "damaged", "done")
    assert (damaged.id, damaged.recipe, damaged.folder) == ("2", "demo", str(folder))
    assert damaged.reasons[0].startswith(f"{folder}/run.json: ")


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")], ids=["a folder", "a dead link"])
def test_a_record_that_is_no_file_is_damaged_and_not_gone(tmp_path: Path, make: Callable[[Path], None]) -> None:
    folder = tmp_path / "demo" / "runs" / "1"
    folder.mkdir(parents=True)
    make(folder / "run.json")
    [run] = list_runs(tmp_path)
    assert run == find_run(str(folder))
    assert run.status == "damaged"


def test_the_table_names_runs_in_full_however_long_a_reason_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    reason = "the same data, config and champion came to: refused (run 20260101-000000) " * 2
    slot = RunRecord(id="20260102-020000", recipe="mine", status="skipped", slot="s", reasons=[reason])
    version = Pushed(version="1795291449", path="serving/1795291449")
    pushed = RunRecord(id="20260103-020000-02", recipe="mine", status="done", pushed=version)
    silent = RunRecord(id="20260102-030000", recipe="mine", status="skipped", slot="s")
    print_runs([slot, silent, pushed], Path("out"))
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("20260102-020000", "20260103-020000-02", "1795291449"))
    assert shown.count("champion") == 2


def test_no_folder_no_runs(tmp_path: Path) -> None:
    assert list(list_runs(tmp_path / "nowhere")) == []


def test_find_run_by_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("demo/runs/1", "demo/runs/2", "mias/runs/3"):
        add_run(Path("maskline-out") / name, "done", 1)
    for name, folder in (("2", "demo/runs/2"), ("3", "mias/runs/3")):
        found = find_run(name)
        assert (found.id, found.folder) == (name, f"maskline-out/{folder}")


@pytest.mark.parametrize("name", ["2", "maskline-out", "maskline-out/demo/runs/2"])
def test_no_such_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    add_run(Path("maskline-out/demo/runs/1"), "done", 1)
    with pytest.raises(UsageError, match=f"^{name}: no run of this name or folder"):
        find_run(name)


def test_a_lock_that_cannot_be_taken_is_a_usage_error(tmp_path: Path) -> None:
    """As another user's; a folder is one that not even the superuser can lock."""
    (tmp_path / ".lock").mkdir()
    with pytest.raises(UsageError, match="cannot be locked: Is a directory"):
        launch("demo", load_config("demo"), None, tmp_path, None, None, silent=True)
