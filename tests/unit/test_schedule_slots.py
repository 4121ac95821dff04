"""When slots are: changes of the clock, ends of months, leap days, jitter. Expected times are worked by hand."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from components.errors import UsageError
from pipeline.schedule.slots import due_slots, jitter, next_slot, slots_after, time_zone

BERLIN = ZoneInfo("Europe/Berlin")


def first(cron: str, start: str, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    time = datetime.fromisoformat(start)
    return [slot.isoformat(timespec="minutes") for slot in islice(slots_after(cron, time, zone), count)]


@pytest.mark.parametrize(
    ("cron", "start", "expected"),
    [
        # 29 March 2026: 02:00 to 03:00 does not exist. What falls there fires after it, once.
        (
            "30 2 * * *",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
        ),
        (
            "0,30 2 * * *",
            "2026-03-28T12:00+01:00",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00", "2026-03-30T02:30+02:00"],
        ),
        # 25 October 2026: 02:00 to 03:00 comes twice. A fixed time fires at the first.
        (
            "30 2 * * *",
            "2026-10-24T12:00+02:00",
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
        ),
        # An hourly job follows the time that passes: no hour is left out, none comes twice.
        (
            "30 * * * *",
            "2026-03-29T00:45+01:00",
            ["2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00", "2026-03-29T04:30+02:00"],
        ),
        (
            "30 * * * *",
            "2026-10-25T01:45+02:00",
            ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-25T03:30+01:00"],
        ),
        # Started in the second of two equal hours: the first one's slot has been.
        ("30 2 * * *", "2026-10-25T02:10+01:00", ["2026-10-26T02:30+01:00"]),
        ("0 0 31 * *", "2026-01-31T00:00+01:00", ["2026-03-31T00:00+02:00", "2026-05-31T00:00+02:00"]),
        ("0 0 L * *", "2026-02-01T00:00+01:00", ["2026-02-28T00:00+01:00", "2026-03-31T00:00+02:00"]),
        ("0 0 L 2 *", "2028-02-01T00:00+01:00", ["2028-02-29T00:00+01:00", "2029-02-28T00:00+01:00"]),
        ("0 12 29 2 *", "2026-01-01T00:00+01:00", ["2028-02-29T12:00+01:00", "2032-02-29T12:00+01:00"]),
        # 1900 and 2100 are no leap years.
        ("0 12 29 2 *", "2096-03-01T00:00+01:00", ["2104-02-29T12:00+01:00"]),
        ("59 23 31 12 *", "2026-12-31T23:58+01:00", ["2026-12-31T23:59+01:00", "2027-12-31T23:59+01:00"]),
        # Day of month or day of week: 13 November 2026 is a Friday, 20 November the next.
        (
            "0 0 13 * 5",
            "2026-11-07T00:00+01:00",
            ["2026-11-13T00:00+01:00", "2026-11-20T00:00+01:00", "2026-11-27T00:00+01:00", "2026-12-04T00:00+01:00"],
        ),
    ],
)
def test_slots_are_those_of_the_calendar(cron: str, start: str, expected: list[str]) -> None:
    assert first(cron, start, len(expected)) == expected


def test_a_slot_is_not_its_own_successor() -> None:
    time = datetime(2026, 1, 1, 2, tzinfo=UTC)
    assert next_slot("0 2 * * *", time, UTC) == datetime(2026, 1, 2, 2, tzinfo=UTC)
    assert next_slot("0 2 * * *", time - timedelta(microseconds=1), UTC) == time


def test_distances_of_slots_are_real_time_across_a_change_of_the_clock() -> None:
    before, after = islice(slots_after("0 12 * * *", datetime(2026, 3, 28, tzinfo=BERLIN), BERLIN), 2)
    assert after - before == timedelta(hours=23)
    before, after = islice(slots_after("0 12 * * *", datetime(2026, 10, 24, tzinfo=BERLIN), BERLIN), 2)
    assert after - before == timedelta(hours=25)


def test_due_slots_end_with_now() -> None:
    last, now = datetime(2026, 1, 1, 2, tzinfo=UTC), datetime(2026, 1, 4, 2, tzinfo=UTC)
    assert [slot.day for slot in due_slots("0 2 * * *", last, now, UTC)] == [2, 3, 4]
    assert [slot.day for slot in due_slots("0 2 * * *", last, now - timedelta(seconds=1), UTC)] == [2, 3]
    assert due_slots("0 2 * * *", last, last, UTC) == []


def test_jitter_is_the_same_for_the_same_folder_and_slot_and_spreads_over_its_range() -> None:
    days = [datetime(2026, 1, 1, 2, tzinfo=UTC) + timedelta(days=day) for day in range(400)]
    delays = [jitter("/out", day, 600).total_seconds() for day in days]
    assert delays == [jitter("/out", day, 600).total_seconds() for day in days]
    assert delays != [jitter("/other", day, 600).total_seconds() for day in days]
    assert min(delays) >= 0
    assert max(delays) <= 600
    # Uniform: mean 300, standard error 600 / sqrt(12 * 400) = 8.7.
    assert sum(delays) / len(delays) == pytest.approx(300, abs=35)
    assert jitter("/out", days[0], 0) == timedelta(0)


@pytest.mark.parametrize("named", ["config", "TZ"])
def test_the_zone_changes_its_clocks(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin" if named == "TZ" else "America/New_York")
    zone = time_zone("Europe/Berlin" if named == "config" else "")
    assert datetime(2026, 1, 1, tzinfo=zone).utcoffset() == timedelta(hours=1)
    assert datetime(2026, 7, 1, tzinfo=zone).utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("value", ["{}", ":{}", ":Europe/Berlin"])
def test_tz_may_be_a_file(value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "zone").write_bytes((files("tzdata.zoneinfo.Europe") / "Berlin").read_bytes())
    monkeypatch.setenv("TZ", value.format(tmp_path / "zone"))
    assert datetime(2026, 7, 1, tzinfo=time_zone("")).utcoffset() == timedelta(hours=2)
    # What the config names does not ask for it.
    monkeypatch.setenv("TZ", "JST-9")
    assert datetime(2026, 7, 1, tzinfo=time_zone("Europe/Berlin")).utcoffset() == timedelta(hours=2)


@pytest.mark.parametrize("value", ["JST-9", "Europe", "/nowhere", "/", "/etc/passwd", "../x", "Nowhere/City"])
def test_tz_that_names_no_zone_is_a_usage_error(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", value)
    with pytest.raises(UsageError, match=r"\[schedule\] timezone"):
        time_zone("")


def test_a_file_of_a_zone_that_is_cut_short_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    content = (files("tzdata.zoneinfo.Europe") / "Berlin").read_bytes()
    monkeypatch.setenv("TZ", str(tmp_path / "zone"))
    for length in (0, 4, 30, 43, len(content) // 2, len(content) - 10):
        (tmp_path / "zone").write_bytes(content[:length])
        with pytest.raises(UsageError, match=r"zone: not a time zone that can be read: .*\[schedule\] timezone"):
            time_zone("")


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /etc/localtime")
def test_without_a_name_the_zone_is_the_machine_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TZ", raising=False)
    time.tzset()
    for month in (1, 7):
        moment = datetime(2026, month, 1, tzinfo=UTC)
        assert moment.astimezone(time_zone("")).utcoffset() == moment.astimezone().utcoffset()
