"""When a slot is: cron arithmetic by cronsim, time zones, jitter.

Across a change of the clock cronsim does as Debian's cron: an expression with fixed minutes and hours fires once a
day, after the gap where its time does not exist, and at the first of two equal times; one with `*` or `*/n` follows
the real time that has passed.
"""

from __future__ import annotations

import io
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim

from components.errors import UsageError
from components.foreign import foreign

_LOCAL = Path("/etc/localtime")


def time_zone(name: str) -> tzinfo:
    """The zone of an IANA name; of an empty one that of the machine, with its changes of the clock.

    Raises:
        UsageError: the environment variable TZ names none.
    """
    if name:
        return ZoneInfo(name)
    local = os.environ.get("TZ", "").removeprefix(":")
    what = f"TZ = {os.environ.get('TZ')}: not a time zone that can be read"
    with foreign(UsageError, what, remedy="Set [schedule] timezone to an IANA name, such as Europe/Berlin"):
        if local and not Path(local).is_absolute():
            return ZoneInfo(local)
        if not local and not _LOCAL.exists():
            return UTC
        content = Path(local or _LOCAL).read_bytes()
        if content[4:5] != b"\0" and not content.endswith(b"\n"):
            # From version 2 on the last line ends so; without its end Python's parser would look for it for ever.
            raise ValueError("cut short")
        return ZoneInfo.from_file(io.BytesIO(content), key="localtime")


def slots_after(cron: str, time: datetime, zone: tzinfo) -> Iterator[datetime]:
    """The slots of a cron expression in a zone after a time, in order, with their distance from UTC.

    That distance is fixed in each, so that they can be subtracted: two times of one zone differ by what clocks show.
    """
    for local in CronSim(cron, time.astimezone(zone)):
        slot = local.astimezone(timezone(local.utcoffset() or timedelta()))
        # cronsim knows local times: in the hour that comes twice it may name one that has been.
        if slot > time:
            yield slot
            time = slot


def next_slot(cron: str, time: datetime, zone: tzinfo) -> datetime:
    """The first slot after a time."""
    return next(slots_after(cron, time, zone))


def due_slots(cron: str, last: datetime, now: datetime, zone: tzinfo) -> list[datetime]:
    """The slots after `last` up to `now`."""
    return list(takewhile(lambda slot: slot <= now, slots_after(cron, last, zone)))


def jitter(seed: str, slot: datetime, longest: float) -> timedelta:
    """How long after a slot a run starts: 0 to `longest` seconds, the same for the same seed and slot."""
    return timedelta(seconds=random.Random(f"{seed}\0{slot.isoformat()}").uniform(0, longest))
