"""What others need to start `maskline schedule --once` in time: a systemd timer, a crontab line."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cronsim import CronSim

from components.errors import ExitCode, UsageError
from pipeline.config.schedule import Schedule

ENVIRONMENT = ".config/maskline/env"
"""In the home of the user whose systemd starts it: lines NAME=value, for what no unit may hold."""
_WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")


@dataclass(frozen=True)
class ScheduledCommand:
    """What shall be started: a command in a folder, with the schedule of its recipe."""

    name: str
    """Of the units, and of the mark in a crontab."""
    command: Sequence[str]
    folder: Path
    settings: Schedule

    def __post_init__(self) -> None:
        for text in (*self.command, str(self.folder)):
            if not text.isprintable():
                raise UsageError(f"{text!r}: has characters that neither a unit nor a crontab can hold. Rename it.")


def start_name(recipe: str, out: Path) -> str:
    """A name for what is started for a recipe and an output folder, fit for systemd."""
    digest = hashlib.sha256(str(out).encode("utf-8", "surrogateescape")).hexdigest()[:6]
    return f"maskline-{re.sub('[^A-Za-z0-9_.-]', '-', recipe)}-{digest}"


def on_calendar(cron: str, timezone: str = "") -> list[str]:
    """A cron expression as `OnCalendar=` of systemd; either day alone makes a cron expression fire, so two lines.

    Raises:
        UsageError: systemd cannot say it.
    """
    times = CronSim(cron, datetime.now(UTC))
    if CronSim.LAST_WEEKDAY in times.days or not all(isinstance(day, int) for day in times.weekdays):
        raise UsageError(
            f"{cron}: systemd has no word for LW, # or a weekday with L. Write the days out, or leave `maskline "
            "schedule` running."
        )
    weekdays = {int(day) % 7 for day in times.weekdays if isinstance(day, int)}
    days = "" if len(weekdays) == 7 else ",".join(_WEEKDAYS[day] for day in sorted(weekdays)) + " "
    months = _numbers(times.months, 12)
    dates = [f"*-{months}-{_numbers(times.days - {CronSim.LAST}, 31)}"] if times.days - {CronSim.LAST} else []
    dates += [f"*-{months}~01"] if CronSim.LAST in times.days else []
    clock = f"{_numbers(times.hours, 24)}:{_numbers(times.minutes, 60)}:00 {timezone}".rstrip()
    if times.day_and:
        return [f"{days}{date} {clock}" for date in dates]
    return [f"{days}*-{months}-* {clock}", *(f"{date} {clock}" for date in dates)]


def systemd_units(scheduled: ScheduledCommand) -> dict[str, str]:
    """A service and its timer, by the names of their files."""
    settings = scheduled.settings
    # Without the file the unit fails and says so: better than a run whose end nobody hears of.
    environment = f"EnvironmentFile=%h/{ENVIRONMENT}\n" if settings.notify.webhook_env else ""
    lines = "\n".join(f"OnCalendar={line}" for line in on_calendar(settings.cron, settings.timezone))
    service = f"""\
[Unit]
Description=Maskline: retraining ({scheduled.name})

[Service]
Type=oneshot
WorkingDirectory={_specifiers(str(scheduled.folder))}
{environment}ExecStart={" ".join(map(_systemd_word, scheduled.command))}
# A refused candidate and a run that was told to end are no failures.
SuccessExitStatus={ExitCode.REFUSED} {ExitCode.TERMINATED}
# The scheduler passes the signal on, so that the run ends after its current node.
KillMode=mixed
TimeoutStopSec={settings.grace}
"""
    timer = f"""\
[Unit]
Description=Maskline: when to retrain ({scheduled.name})

[Timer]
{lines}
RandomizedDelaySec={settings.jitter}
Persistent={str(settings.missed == "latest").lower()}

[Install]
WantedBy=timers.target
"""
    return {f"{scheduled.name}.service": service, f"{scheduled.name}.timer": timer}


def crontab_line(scheduled: ScheduledCommand) -> str:
    """A line for a crontab; it ends with a comment by which it is found again.

    Raises:
        UsageError: a crontab cannot say it.
    """
    settings = scheduled.settings
    if settings.timezone:
        raise UsageError(
            f"[schedule] timezone = {settings.timezone}: a crontab line follows the machine's time. Remove it, or use "
            "systemd."
        )
    if settings.jitter:
        raise UsageError(
            f"[schedule] jitter = {settings.jitter}: a crontab line is on time. Remove it, or use systemd."
        )
    if re.search("[L#]", settings.cron.upper().replace("JUL", "")):
        raise UsageError(f"{settings.cron}: cron knows neither L nor #. Write the days out, or use systemd.")
    command = f"cd {shlex.quote(str(scheduled.folder))} && {shlex.join(scheduled.command)}"
    # To cron a bare % ends the command, also between quotes.
    return f"{settings.cron} {command.replace('%', chr(92) + '%')} {crontab_mark(scheduled)}"


def crontab_mark(scheduled: ScheduledCommand) -> str:
    """The comment at the end of a crontab line of ours."""
    return f"# {scheduled.name}"


def _numbers(values: Iterable[object], count: int) -> str:
    numbers = sorted(value for value in values if isinstance(value, int))
    return "*" if len(numbers) == count else ",".join(f"{number:02d}" for number in numbers)


def _systemd_word(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{_specifiers(escaped)}"'


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")
