"""Hands a schedule over to systemd or cron, for this user."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from components.errors import UsageError
from components.files import write_text
from pipeline.schedule.emit import ENVIRONMENT, ScheduledCommand, crontab_line, crontab_mark, systemd_units

_LINGER = "loginctl enable-linger"


def install_systemd(scheduled: ScheduledCommand) -> list[str]:
    """Writes the user's units and starts the timer; returns what to tell people."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    folder = Path(base) / "systemd" / "user"
    units = systemd_units(scheduled)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in units.items():
            write_text(folder / name, text)
    except OSError as error:
        raise UsageError(f"{folder}: the units cannot be written: {error.strerror}") from error
    commands = [
        ["systemctl", "--user", "daemon-reload"],
        ["systemctl", "--user", "enable", "--now", f"{scheduled.name}.timer"],
    ]
    written = [f"wrote {folder / name}" for name in units]
    if variable := scheduled.settings.notify.webhook_env:
        written.append(f"it reads ~/{ENVIRONMENT}: write {variable}=https://... there, in a file for you alone (0600)")
    if all(_runs(command) for command in commands):
        return [*written, f"started {scheduled.name}.timer; to keep it after you log out: {_LINGER}"]
    return [*written, "systemd could not be told. Run:", *(" ".join(command) for command in commands), _LINGER]


def install_crontab(scheduled: ScheduledCommand) -> list[str]:
    """Adds a line to the user's crontab, in place of an earlier one for the same folder; returns what to tell people.

    Raises:
        UsageError: there is no cron, or it refuses, or the command would not know where to post.
    """
    line = crontab_line(scheduled)
    others = [other for other in _read_crontab() if not other.endswith(crontab_mark(scheduled))]
    variable = scheduled.settings.notify.webhook_env
    if variable and not any(re.match(rf"\s*{variable}\s*=", other) for other in others):
        raise UsageError(
            f"[schedule.notify] webhook_env = {variable}: cron does not set it. Add the line {variable}=https://... to "
            "your crontab (crontab -e) and install again, or use --install systemd"
        )
    done = _crontab("-", text="\n".join([*others, line]) + "\n")
    if done.returncode:
        raise UsageError(f"crontab: refuses the line: {done.stderr.strip()}\n{line}")
    return [f"crontab: {line}"]


def _read_crontab() -> list[str]:
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout.splitlines()
    if "no crontab" in done.stderr.lower():
        return []
    raise UsageError(f"crontab -l: cannot be read, and so nothing is written: {done.stderr.strip()}")


def _crontab(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        return subprocess.run(
            ["crontab", *arguments], input=text, capture_output=True, text=True, env=environment, check=False
        )
    except OSError as error:
        raise UsageError(
            f"crontab: cannot be started: {error.strerror}. Install cron, or use --install systemd"
        ) from error


def _runs(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
