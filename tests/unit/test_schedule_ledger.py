"""The ledger and the lock: what a crash, a full disk and a second scheduler leave of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import pytest
from schedule_parts import ledger

from components.errors import UsageError
from pipeline.runs.record import RunRecord, write_run
from pipeline.schedule.ledger import Ledger, SlotRecord, with_slots
from pipeline.schedule.owner import LOCK_FILE, owned

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def slot(day: int, run: str | None = None) -> SlotRecord:
    return SlotRecord(f"2026-01-{day:02d}T02:00:00+01:00", "ran" if run else "skipped", "Müller", run=run)


def days(out: Path) -> list[int]:
    return [int(line["slot"][8:10]) for line in ledger(out)]


def test_what_was_appended_is_read(tmp_path: Path) -> None:
    written = Ledger(tmp_path)
    assert written.last_slot() is None
    for day in (1, 3, 2):
        written.append(slot(day))
    assert days(tmp_path) == [1, 3, 2]
    assert ledger(tmp_path)[0]["reason"] == "Müller"
    assert Ledger(tmp_path).last_slot() == datetime(2026, 1, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("torn", [b'{"slot": "2026-01-0', b"{", b'{"slot": "2026-01-09T02:00:00+01:00"}', b"\xff\xfe"])
def test_a_torn_last_line_is_no_line_and_harms_none(tmp_path: Path, torn: bytes) -> None:
    Ledger(tmp_path).append(slot(1))
    path = tmp_path / "schedule.jsonl"
    path.write_bytes(path.read_bytes() + torn)
    assert set(days(tmp_path)) <= {1, 9}
    again = Ledger(tmp_path)
    assert again.last_slot() == datetime(2026, 1, 1, 1, tzinfo=UTC)
    again.append(slot(2))
    assert days(tmp_path) == [1, 2]
    assert len(path.read_bytes().splitlines()) == 2


def test_a_line_that_is_no_record_of_a_slot_is_left_out(tmp_path: Path) -> None:
    bad = ["[1]", "null", "not JSON", '{"a": 1}', '{"slot": "noon", "decision": "ran", "reason": ""}']
    times = ("2026-01-09T02:00:00", "0001-01-01T00:00:00+14:00")
    bad += [f'{{"slot": "{time}", "decision": "ran", "reason": ""}}' for time in times]
    (tmp_path / "schedule.jsonl").write_text("\n".join(bad) + "\n")
    Ledger(tmp_path).append(slot(1))
    assert days(tmp_path) == [1]
    assert Ledger(tmp_path).last_slot() == datetime(2026, 1, 1, 1, tzinfo=UTC)


def test_a_ledger_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    """As another user's; a folder is one that not even the superuser can write."""
    (tmp_path / "schedule.jsonl").mkdir()
    with pytest.raises(UsageError, match=r"schedule.jsonl: cannot be used: Is a directory. Make it yours"):
        Ledger(tmp_path)


def test_so_is_a_lock(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).mkdir()
    with (
        pytest.raises(UsageError, match=r"lock: cannot be locked: Is a directory. Make it yours"),
        owned(tmp_path, NOW),
    ):
        pass


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", place], check=False, capture_output=True
    ).returncode:
        pytest.skip("needs the right to mount")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_keeps_whole_lines_and_the_rest_for_later(small_disk: Path) -> None:
    with owned(small_disk, NOW):
        written = Ledger(small_disk)
        written.append(slot(1))
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            deque(map(file.write, repeat(bytes(512))), maxlen=0)
        long = SlotRecord("2026-01-02T02:00:00+01:00", "skipped", "x" * 5000)
        for again in (long, slot(3)):
            with pytest.raises(OSError, match="No space"):
                written.append(again)
        assert days(small_disk) == [1]
        # The slot is dealt with, although nothing says so on the disk.
        assert written.last_slot() == datetime(2026, 1, 3, 1, tzinfo=UTC)
        with pytest.raises(UsageError, match="another scheduler"), owned(small_disk, NOW):
            pass
        ballast.unlink()
        written.append(slot(4))
    assert days(small_disk) == [1, 2, 3, 4]


def test_a_short_write_is_taken_back(tmp_path: Path) -> None:
    """A limit on file sizes cuts a write short, as a quota does; in a process of its own, since it cannot be raised."""
    code = (
        "import resource, sys; from pathlib import Path; from pipeline.schedule.ledger import Ledger, SlotRecord\n"
        "record = SlotRecord('2026-01-01T02:00:00+01:00', 'skipped', '')\n"
        f"written = Ledger(Path({str(tmp_path)!r})); written.append(record)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "try: written.append(record)\n"
        "except OSError as error: sys.exit(7)\n"
    )
    assert run_code(code).wait() == 7
    assert (tmp_path / "schedule.jsonl").read_bytes().endswith(b"\n")
    assert days(tmp_path) == [1]


def run_code(code: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock, with a child of its own."""
    code = (
        "import subprocess, time; from datetime import UTC, datetime; from pathlib import Path\n"
        "from pipeline.schedule.owner import owned\n"
        f"with owned(Path({str(tmp_path)!r}), datetime(2026, 1, 1, 12, tzinfo=UTC)):\n"
        "    child = subprocess.Popen(['sleep', '60'])\n"
        "    print(child.pid, flush=True); time.sleep(60)\n"
    )
    process = run_code(code)
    assert process.stdout
    child = int(process.stdout.readline())
    yield process
    process.kill()
    process.wait()
    os.kill(child, signal.SIGKILL)


def test_a_second_scheduler_hears_who_holds_the_folder_and_for_how_long(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    for _ in range(2):
        with pytest.raises(UsageError) as refused, owned(tmp_path, NOW + timedelta(days=2, hours=3)):
            pass
        assert f"{tmp_path}: another scheduler uses this output folder: process {holder.pid} on " in str(refused.value)
        assert "for 2 days, 3:00:00 (since 2026-01-01T12:00:00+00:00)" in str(refused.value)


def test_the_lock_of_a_killed_scheduler_is_free_though_its_run_goes_on(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.kill()
    holder.wait()
    assert json.loads((tmp_path / LOCK_FILE).read_text())["pid"] == holder.pid
    with owned(tmp_path, NOW):
        assert json.loads((tmp_path / LOCK_FILE).read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"pid": 1, "host": "a", "since": "yesterday"}'])
def test_an_owner_that_left_no_name_still_holds_the_folder(tmp_path: Path, text: str) -> None:
    with owned(tmp_path, NOW):
        (tmp_path / LOCK_FILE).write_text(text)
        with pytest.raises(UsageError, match="it did not leave its name"), owned(tmp_path, NOW):
            pass


def test_a_stale_file_without_a_lock_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text(
        '{"pid": 1, "host": "elsewhere", "since": "2020-01-01T00:00:00+00:00", "long": 1}'
    )
    with owned(tmp_path, NOW):
        assert set(json.loads((tmp_path / LOCK_FILE).read_text())) == {"pid", "host", "since"}


def test_an_error_of_the_body_is_its_own(tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError, match="mine"), owned(tmp_path, NOW):
        raise BlockingIOError("mine")


def test_slots_stand_among_the_runs_each_once(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for name in ("20260101-010001", "20260103-010000"):
        (folder / "runs" / name).mkdir(parents=True)
        write_run(folder / "runs" / name, RunRecord(id=name, recipe="demo", status="done", pid=1))
    written = Ledger(folder)
    written.append(slot(1, run="20260101-010001"))
    written.append(slot(2))
    listed = with_slots(tmp_path)
    assert [run.id for run in listed] == ["20260101-010001", "20260102-010000", "20260103-010000"]
    assert listed[1].as_json() == {
        "id": "20260102-010000",
        "recipe": "demo",
        "status": "skipped",
        "slot": "2026-01-02T02:00:00+01:00",
        "reasons": ["Müller"],
        "folder": str(folder),
    }


def test_a_run_that_never_came_to_its_record_is_shown_with_its_fault(tmp_path: Path) -> None:
    failed = SlotRecord(
        "2026-01-02T02:00:00+00:00", "ran", "new", status="failed", exit_code=2, reasons=("no such folder",)
    )
    Ledger(tmp_path).append(failed)
    [shown] = with_slots(tmp_path)
    assert (shown.status, shown.reasons) == ("failed", ["no such folder"])
