"""A scheduler on a clock of its own: nights pass in milliseconds, children are small real scripts."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.config.schedule import Schedule
from pipeline.schedule.child import Ending, run_child
from pipeline.schedule.clock import Stop
from pipeline.schedule.ledger import Ledger, SlotRecord, read_ledger
from pipeline.schedule.loop import Scheduler
from pipeline.schedule.policy import Facts
from pipeline.schedule.slots import time_zone

NEW = Facts(fingerprint="new", config="config", champion="1", champion_fingerprint="old", finished=None, new_cases=5)


class FakeClock:
    """Sleeping moves it on; at `until` it asks for a stop, as SIGTERM would."""

    def __init__(self, start: datetime, until: datetime) -> None:
        self.time, self.until, self.stop = start, until, Stop()

    def now(self) -> datetime:
        return self.time.astimezone(UTC)

    def sleep(self, seconds: float) -> None:
        self.pass_by(timedelta(seconds=seconds))

    def pass_by(self, time: timedelta) -> None:
        self.time += time
        if self.time >= self.until:
            self.stop.signal = signal.SIGTERM


@dataclass
class Told:
    """What the loop said and told."""

    said: list[str] = field(default_factory=list)
    records: list[SlotRecord] = field(default_factory=list)

    def notify(self, record: SlotRecord) -> list[str]:
        self.records.append(record)
        return []

    def print(self, text: object) -> None:
        self.said.append(str(text))


def script(folder: Path, lines: str) -> list[str]:
    """The command of a shell script with these lines."""
    path = folder / "child.sh"
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return [str(path)]


def scheduler(
    out: Path,
    clock: FakeClock,
    run: Callable[[], Ending] | list[str],
    gather: Callable[[], Facts] = lambda: NEW,
    told: Told | None = None,
    **settings: Any,
) -> Scheduler:
    """A scheduler of runs by a function or a command; `settings` are those of `[schedule]`."""
    config, told = Schedule(**{"cron": "0 2 * * *", "timezone": "UTC", **settings}), told or Told()
    return Scheduler(
        settings=config,
        zone=time_zone(config.timezone),
        out=out,
        ledger=Ledger(out),
        clock=clock,
        stop=clock.stop,
        gather=gather,
        run=run if callable(run) else lambda: run_child(run, out, config, clock.stop),
        notify=told.notify,
        report=told.print,
        say=told.print,
    )


def ledger(out: Path) -> list[dict[str, Any]]:
    """The lines that can be read, as JSON has them."""
    return [json.loads(json.dumps(asdict(record))) for record in read_ledger(out / "schedule.jsonl")]


def slots(out: Path, decision: str = "ran") -> list[str]:
    """The slots of a decision, as the ledger names them."""
    return [line["slot"] for line in ledger(out) if line["decision"] == decision]


def is_alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ids(path: Path) -> list[int]:
    """The numbers in a file, none where it is not there yet."""
    return [int(word) for word in path.read_text().split()] if os.path.lexists(path) else []
