"""The loop on a fake clock: which slots run, what the ledger says of the others, what no fault may do."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from schedule_parts import NEW, FakeClock, Told, ledger, scheduler, script, slots

from components.errors import UsageError
from components.files import locked
from pipeline.schedule.child import Ending
from pipeline.schedule.policy import Facts

OFF = ": a run was on, or the scheduler was not"
DONE = Ending(0, "done", run="20260101-020000")


def clock(start: str, until: str) -> FakeClock:
    return FakeClock(datetime.fromisoformat(start), datetime.fromisoformat(until))


def taking(clock: FakeClock, *hours: float) -> Callable[[], Ending]:
    """Runs of so many hours."""
    left = iter(hours)

    def run() -> Ending:
        clock.pass_by(timedelta(hours=next(left)))
        return DONE

    return run


def test_every_night_has_its_run_and_its_line(tmp_path: Path) -> None:
    time = clock("2026-02-26T12:00+00:00", "2026-03-03T00:00+00:00")
    record = '{"id": "r1", "recipe": "demo", "status": "done", "pushed": {"version": "7", "path": "/x"}, "reasons": []}'
    assert scheduler(tmp_path, time, script(tmp_path, f"echo '{record}'")).serve() == 0
    assert slots(tmp_path) == [f"2026-{day}T02:00:00+00:00" for day in ("02-27", "02-28", "03-01", "03-02")]
    line = ledger(tmp_path)[0]
    assert line == {
        "slot": "2026-02-27T02:00:00+00:00",
        "decision": "ran",
        "reason": "the data have changed: 5 new cases",
        "started": "2026-02-27T02:00:00+00:00",
        "ended": "2026-02-27T02:00:00+00:00",
        "attempt": 1,
        "exit_code": 0,
        "status": "done",
        "reasons": [],
        "run": "r1",
        "pushed": "7",
        "fingerprint": "new",
        "config": "config",
        "champion": "1",
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("start", "until", "hours"),
    [
        ("2026-03-28T00:00+01:00", "2026-03-31T00:00+02:00", [23.5, 23.5]),
        ("2026-10-24T00:00+02:00", "2026-10-27T00:00+01:00", [24, 25]),
    ],
    ids=["forward", "back"],
)
def test_one_run_a_night_when_the_clocks_change(tmp_path: Path, start: str, until: str, hours: list[float]) -> None:
    """02:30 does not exist on 29 March, when the run starts at 03:00 instead, and comes twice on 25 October."""
    started = []
    time = clock(start, until)

    def run() -> Ending:
        started.append(time.now())
        return DONE

    scheduler(tmp_path, time, run, cron="30 2 * * *", timezone="Europe/Berlin").serve()
    assert len(started) == 3
    assert [(after - before) / timedelta(hours=1) for before, after in pairwise(started)] == hours


def test_a_jittered_run_starts_late_by_at_most_the_jitter(tmp_path: Path) -> None:
    time, delays = clock("2026-01-01T00:00+00:00", "2026-01-21T00:00+00:00"), []

    def run() -> Ending:
        delays.append((time.now() - time.now().replace(hour=2, minute=0, second=0, microsecond=0)).total_seconds())
        return DONE

    scheduler(tmp_path, time, run, jitter=900, missed="skip").serve()
    assert len(delays) == 20
    assert len(set(delays)) == 20
    assert 0 <= min(delays) <= max(delays) <= 901
    assert slots(tmp_path, "missed") == []


@pytest.mark.parametrize(
    ("missed", "ran", "left_out"),
    # Hourly; the first run takes 2.5 hours, so that the slots of 2 and 3 go by.
    [
        ("latest", ["01:00", "03:00", "04:00"], {"02:00": "1 slot"}),
        ("skip", ["01:00", "04:00"], {"03:00": "2 slots since 2026-01-01T02:00:00+00:00"}),
    ],
)
def test_a_run_longer_than_the_distance_of_slots(
    tmp_path: Path, missed: str, ran: list[str], left_out: dict[str, str]
) -> None:
    time = clock("2026-01-01T00:30+00:00", "2026-01-01T04:59+00:00")
    scheduler(tmp_path, time, taking(time, 2.5, 0.1, 0.1), cron="0 * * * *", missed=missed).serve()
    assert slots(tmp_path) == [f"2026-01-01T{slot}:00+00:00" for slot in ran]
    missing = [line for line in ledger(tmp_path) if line["decision"] == "missed"]
    assert {line["slot"][11:16]: line["reason"].removesuffix(OFF) for line in missing} == left_out


@pytest.mark.parametrize(("missed", "ran"), [("latest", ["2026-01-05", "2026-01-06"]), ("skip", ["2026-01-06"])])
def test_slots_that_went_by_while_the_scheduler_was_off(tmp_path: Path, missed: str, ran: list[str]) -> None:
    first = clock("2026-01-01T00:00+00:00", "2026-01-01T12:00+00:00")
    scheduler(tmp_path, first, lambda: DONE, missed=missed).serve()
    second = clock("2026-01-05T12:00+00:00", "2026-01-06T12:00+00:00")
    scheduler(tmp_path, second, lambda: DONE, missed=missed).serve()
    assert [slot[:10] for slot in slots(tmp_path)] == ["2026-01-01", *ran]
    assert [slot[:10] for slot in slots(tmp_path, "missed")] == ["2026-01-04" if missed == "latest" else "2026-01-05"]


def test_a_new_scheduler_has_missed_nothing(tmp_path: Path) -> None:
    time = clock("2026-01-05T12:00+00:00", "2026-01-05T18:00+00:00")
    scheduler(tmp_path, time, lambda: DONE).serve()
    assert ledger(tmp_path) == []


def test_a_machine_that_slept_through_a_slot_runs_it_when_it_wakes(tmp_path: Path) -> None:
    time = clock("2026-01-01T01:00+00:00", "2026-01-01T20:00+00:00")

    def asleep(seconds: float) -> None:
        time.pass_by(timedelta(hours=8))

    time.sleep = asleep
    scheduler(tmp_path, time, lambda: DONE).serve()
    [line] = ledger(tmp_path)
    assert (line["slot"][11:16], line["started"][11:16], line["decision"]) == ("02:00", "09:00", "ran")


def test_a_clock_set_back_makes_no_slot_come_twice(tmp_path: Path) -> None:
    time = clock("2026-01-01T00:00+00:00", "2026-01-02T12:00+00:00")

    def run() -> Ending:
        if time.now().day == 1:
            time.time -= timedelta(hours=1)
        return DONE

    scheduler(tmp_path, time, run).serve()
    assert [slot[:10] for slot in slots(tmp_path)] == ["2026-01-01", "2026-01-02"]


def test_a_ledger_from_the_future_does_not_stop_the_runs(tmp_path: Path) -> None:
    wrong = clock("2099-01-01T00:00+00:00", "2099-01-01T12:00+00:00")
    scheduler(tmp_path, wrong, lambda: DONE).serve()
    time = clock("2026-01-01T00:00+00:00", "2026-01-01T12:00+00:00")
    scheduler(tmp_path, time, lambda: DONE).serve()
    assert slots(tmp_path)[1:] == ["2026-01-01T02:00:00+00:00"]


def test_what_is_not_worth_a_run_is_skipped_with_the_reason(tmp_path: Path) -> None:
    told = Told()
    time = clock("2026-01-01T00:00+00:00", "2026-01-01T12:00+00:00")

    def run() -> Ending:
        raise AssertionError

    scheduler(tmp_path, time, run, lambda: replace(NEW, fingerprint="old"), told).serve()
    [line] = ledger(tmp_path)
    assert (line["decision"], line["reason"]) == ("skipped", "the data are those of the champion, version 1")
    assert (line["exit_code"], line["run"], line["fingerprint"]) == (None, None, "old")
    assert [record.decision for record in told.records] == ["skipped"]
    assert told.said[1] == f"{line['slot']}: skipped\n  {line['reason']}"


def test_a_run_that_somebody_else_started_is_waited_for_until_the_next_slot(tmp_path: Path) -> None:
    time = clock("2026-01-01T00:00+00:00", "2026-01-01T12:00+00:00")
    with locked(tmp_path / ".lock", wait=False):
        scheduler(tmp_path, time, lambda: DONE).serve()
    assert [(line["decision"], line["reason"]) for line in ledger(tmp_path)] == [
        ("skipped", "another run uses the output folder")
    ]


@pytest.mark.parametrize("error", [UsageError("/data: no such folder"), OSError(5, "I/O error"), TypeError("null")])
def test_what_cannot_be_told_is_left_to_the_run_to_say(tmp_path: Path, error: Exception) -> None:
    time = clock("2026-01-01T00:00+00:00", "2026-01-02T12:00+00:00")

    def gather() -> Facts:
        raise error

    child = script(tmp_path, """echo '{"exit_code": 2, "error": "/data: no such folder"}'; exit 2""")
    assert scheduler(tmp_path, time, child, gather).serve() == 0
    lines = ledger(tmp_path)
    assert [(line["decision"], line["exit_code"], line["attempt"]) for line in lines] == 2 * [("ran", 2, 1)]
    assert lines[0]["reason"] == f"whether the data have changed cannot be told: {error}"
    assert lines[0]["reasons"] == ["/data: no such folder"]


def test_a_lock_that_is_no_file_ends_no_loop(tmp_path: Path) -> None:
    time = clock("2026-01-01T00:00+00:00", "2026-01-02T12:00+00:00")
    (tmp_path / ".lock").mkdir()
    child = script(tmp_path, """echo '{"exit_code": 2, "error": "cannot be locked"}'; exit 2""")
    assert scheduler(tmp_path, time, child).serve() == 0
    assert [(line["decision"], line["exit_code"]) for line in ledger(tmp_path)] == 2 * [("ran", 2)]


def test_warnings_of_notifications_are_written_down(tmp_path: Path) -> None:
    time = clock("2026-01-01T00:00+00:00", "2026-01-01T12:00+00:00")
    made = replace(scheduler(tmp_path, time, lambda: DONE), notify=lambda record: ["nobody listens"])
    assert made.serve() == 0
    assert [line["warnings"] for line in ledger(tmp_path)] == [["nobody listens"]]


def test_a_full_disk_is_said_and_its_lines_come_with_the_next(tmp_path: Path) -> None:
    """`/dev/full` takes nothing, as a full disk."""
    told = Told()
    time = clock("2026-01-01T00:00+00:00", "2026-01-04T00:00+00:00")
    path = tmp_path / "schedule.jsonl"

    def run() -> Ending:
        if time.now().day == 1:
            path.symlink_to("/dev/full")
        elif time.now().day == 3:
            path.unlink()
        return DONE

    assert scheduler(tmp_path, time, run, told=told).serve() == 0
    warnings = [text for text in told.said if text.startswith("warning: the ledger could not be written: No space")]
    assert len(warnings) == 2
    assert [slot[:10] for slot in slots(tmp_path)] == ["2026-01-01", "2026-01-02", "2026-01-03"]


@pytest.mark.parametrize("moment", ["01:59", "02:00"])
def test_a_stop_between_runs_ends_at_once_and_leaves_no_line(tmp_path: Path, moment: str) -> None:
    time = clock("2026-01-01T00:00+00:00", f"2026-01-01T{moment}+00:00")
    told = Told()
    assert scheduler(tmp_path, time, lambda: DONE, told=told).serve() == 0
    assert ledger(tmp_path) == []
    assert told.said[-1] == "stopped by SIGTERM"


def test_a_stop_during_a_run_ends_after_it_with_its_line(tmp_path: Path) -> None:
    time = clock("2026-01-01T00:00+00:00", "2026-01-01T02:30+00:00")
    assert scheduler(tmp_path, time, taking(time, 5)).serve() == 0
    assert slots(tmp_path) == ["2026-01-01T02:00:00+00:00"]


def test_an_interrupt_has_the_exit_code_of_an_interrupt(tmp_path: Path) -> None:
    time = clock("2026-01-01T00:00+00:00", "2026-02-01T00:00+00:00")

    def run() -> Ending:
        time.stop.signal = signal.SIGINT
        return Ending(130, "interrupted")

    assert scheduler(tmp_path, time, run).serve() == 130
    assert [line["status"] for line in ledger(tmp_path)] == ["interrupted"]


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 143])
def test_once_has_the_exit_code_of_its_run(tmp_path: Path, code: int) -> None:
    time = clock("2026-01-01T00:00:00.5+00:00", "2027-01-01T00:00+00:00")
    made = scheduler(tmp_path, time, script(tmp_path, f"exit {code}"), retries=0, cron="")
    assert made.once() == code
    assert slots(tmp_path) == ["2026-01-01T00:00:00+00:00"]


def test_once_without_anything_new_is_well(tmp_path: Path) -> None:
    time = clock("2026-01-01T00:00+00:00", "2027-01-01T00:00+00:00")
    assert scheduler(tmp_path, time, lambda: DONE, lambda: replace(NEW, fingerprint="old")).once() == 0


def test_once_that_was_killed_is_a_crash(tmp_path: Path) -> None:
    time = clock("2026-01-01T00:00+00:00", "2027-01-01T00:00+00:00")
    assert scheduler(tmp_path, time, script(tmp_path, "kill -9 $$"), retries=0).once() == 1
    assert ledger(tmp_path)[0]["exit_code"] == -9
