"""Timers and crontab lines, judged by systemd itself and by a shell; installed by real programs of a small kind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from components.errors import UsageError
from pipeline.config.schedule import Schedule
from pipeline.schedule.emit import ScheduledCommand, crontab_line, on_calendar, start_name, systemd_units
from pipeline.schedule.install import install_crontab, install_systemd
from pipeline.schedule.slots import slots_after, time_zone

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")

CRONS = [
    "0 2 * * *",
    "*/15 * * * *",
    "5,10-12 0-6/2 * * *",
    "30 4 1,15 * 5",
    "0 0 13 * FRI",
    "0 3 * * MON-FRI",
    "0 3 * * 7",
    "0 3 * * 0-7",
    "0 3 */2 * 1",
    "0 3 1 */3 */2",
    "0 0 L * *",
    "0 0 1,L 2 *",
    "0 0 L * 1",
    "59 23 31 12 *",
    "0 12 29 FEB *",
]


def start(folder: Path, *words: str, **settings: object) -> ScheduledCommand:
    schedule = Schedule(**{"cron": "0 2 * * *", **settings})
    return ScheduledCommand("maskline-demo-0a1b2c", words or ("true",), folder, schedule)


def systemd_times(expression: str, count: int) -> list[datetime]:
    """When systemd would fire from New Year 2026 on, in UTC."""
    command = [
        "systemd-analyze",
        "calendar",
        "--base-time=2026-01-01 00:00:00 UTC",
        f"--iterations={count}",
        expression,
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "TZ": "UTC"}).stdout
    times = [line.partition(": ")[2] for line in shown.splitlines() if "Next elapse" in line or "Iter. #" in line]
    return [datetime.strptime(time, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC) for time in times]


@needs_systemd
@pytest.mark.parametrize("cron", CRONS)
def test_systemd_fires_when_cron_does(cron: str) -> None:
    count = 12
    lines = on_calendar(cron, "UTC")
    fired = sorted({time for line in lines for time in systemd_times(line, count)})[:count]
    assert fired == list(islice(slots_after(cron, datetime(2026, 1, 1, tzinfo=UTC), UTC), count))


@needs_systemd
def test_systemd_fires_in_the_zone_of_the_config() -> None:
    [line] = on_calendar("0 12 * * *", "Europe/Berlin")
    slots = slots_after("0 12 * * *", datetime(2026, 1, 1, tzinfo=UTC), time_zone("Europe/Berlin"))
    assert systemd_times(line, 200) == list(islice(slots, 200))


def test_either_day_alone_takes_two_lines() -> None:
    assert on_calendar("30 4 1,15 * 5") == ["Fri *-*-* 04:30:00", "*-*-01,15 04:30:00"]
    assert on_calendar("0 2 * * *") == ["*-*-* 02:00:00"]


@pytest.mark.parametrize("cron", ["0 0 LW * *", "0 0 * * 5L", "0 0 * * MON#1", "0 0 1 * 5L"])
def test_what_neither_systemd_nor_cron_can_say_is_refused(tmp_path: Path, cron: str) -> None:
    with pytest.raises(UsageError, match="Write the days out"):
        on_calendar(cron)
    with pytest.raises(UsageError, match="Write the days out"):
        crontab_line(start(tmp_path, cron=cron))


def test_names_of_months_are_no_l(tmp_path: Path) -> None:
    assert crontab_line(start(tmp_path, cron="0 0 1 jul *")).startswith("0 0 1 jul * cd ")


AWKWARD = ("--out", "a b%c\"d'e$f\\g;h &i", "ü", "", "%h", "$HOME", "${X}")


@needs_systemd
def test_units_are_what_systemd_accepts(tmp_path: Path) -> None:
    folder = tmp_path / "a %h b"
    folder.mkdir()
    units = systemd_units(start(folder, sys.executable, *AWKWARD, jitter=300, grace=77, missed="skip"))
    for name, text in units.items():
        (tmp_path / name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(tmp_path / name for name in units)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    # Other units of the machine may have faults of their own.
    assert "maskline" not in done.stderr
    service, timer = units["maskline-demo-0a1b2c.service"], units["maskline-demo-0a1b2c.timer"]
    assert f"WorkingDirectory={tmp_path}/a %%h b\n" in service
    assert "KillMode=mixed\nTimeoutStopSec=77\n" in service
    assert "OnCalendar=*-*-* 02:00:00\nRandomizedDelaySec=300\nPersistent=false\n" in timer
    assert "Persistent=true" in systemd_units(start(folder))["maskline-demo-0a1b2c.timer"]


def test_words_survive_systemd_s_quoting(tmp_path: Path) -> None:
    """Undone by the rules of systemd.service(5): double quotes, backslashes, then %% and $$."""
    text = systemd_units(start(tmp_path, "/bin/x", *AWKWARD))["maskline-demo-0a1b2c.service"]
    [line] = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    # A double-quoted systemd word without control characters is a JSON string, but for the apostrophe's sake.
    words = json.loads("[" + line.removeprefix("ExecStart=").replace('" "', '", "') + "]")
    assert all("%" not in word.replace("%%", "") and "$" not in word.replace("$$", "") for word in words)
    assert [word.replace("%%", "%").replace("$$", "$") for word in words] == ["/bin/x", *AWKWARD]


def test_words_survive_cron_and_its_shell(tmp_path: Path) -> None:
    """Cron takes the backslash off each % and hands the rest to the shell."""
    folder = tmp_path / "a % 'b"
    folder.mkdir()
    show = "import json, os, sys; print(json.dumps([os.getcwd(), *sys.argv[1:]]))"
    line = crontab_line(start(folder, sys.executable, "-c", show, *AWKWARD))
    assert "%" not in line.replace("\\%", "")
    fields, command = line.split(" ", 5)[:5], line.split(" ", 5)[5]
    assert fields == ["0", "2", "*", "*", "*"]
    done = subprocess.run(["sh", "-c", command.replace("\\%", "%")], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [str(folder), *AWKWARD]


@pytest.mark.parametrize("word", ["two\nlines", "tab\t", "bell\a"])
def test_control_characters_are_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(UsageError, match="Rename it"):
        start(tmp_path, word)


def test_a_zone_of_its_own_is_nothing_for_a_crontab(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="timezone = Europe/Berlin"):
        crontab_line(start(tmp_path, timezone="Europe/Berlin"))


def test_a_delay_is_nothing_for_a_crontab(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jitter = 300"):
        crontab_line(start(tmp_path, jitter=300))


def test_names_are_fit_for_systemd_and_differ_by_folder() -> None:
    name = start_name("my recipe/ü", Path("/a"))
    assert name.startswith("maskline-my-recipe---")
    assert name != start_name("my recipe/ü", Path("/b"))


def program(folder: Path, name: str, lines: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home and a folder of programs that come before the machine's."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    return tmp_path


def test_units_are_written_and_started(home: Path) -> None:
    program(home / "bin", "systemctl", f'echo "$@" >> {home}/told')
    units = home / ".config" / "systemd" / "user"
    for hour in (2, 3):
        said = install_systemd(start(home, cron=f"0 {hour} * * *"))
    assert sorted(path.name for path in units.iterdir()) == [
        "maskline-demo-0a1b2c.service",
        "maskline-demo-0a1b2c.timer",
    ]
    assert "OnCalendar=*-*-* 03:00:00" in (units / "maskline-demo-0a1b2c.timer").read_text()
    told = (home / "told").read_text().splitlines()
    assert told == 2 * ["--user daemon-reload", "--user enable --now maskline-demo-0a1b2c.timer"]
    assert said[-1].startswith("started maskline-demo-0a1b2c.timer")


def test_where_systemd_does_not_run_the_commands_are_told(home: Path) -> None:
    program(home / "bin", "systemctl", "exit 1")
    said = install_systemd(start(home))
    assert "systemctl --user daemon-reload" in said
    assert "systemctl --user enable --now maskline-demo-0a1b2c.timer" in said


@needs_systemd
def test_the_unit_gets_the_address_from_a_file_of_the_user(home: Path) -> None:
    program(home / "bin", "systemctl", "exit 0")
    said = install_systemd(start(home, shutil.which("true") or "", notify={"webhook_env": "HOOK"}))
    assert "it reads ~/.config/maskline/env: write HOOK=https://... there, in a file for you alone (0600)" in said
    unit = home / ".config/systemd/user/maskline-demo-0a1b2c.service"
    assert "EnvironmentFile=%h/.config/maskline/env\n" in unit.read_text()
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert "maskline" not in done.stderr
    assert "EnvironmentFile" not in systemd_units(start(home))["maskline-demo-0a1b2c.service"]


def test_units_that_cannot_be_written(home: Path) -> None:
    (home / ".config").write_text("in the way")
    with pytest.raises(UsageError, match="the units cannot be written: Not a directory"):
        install_systemd(start(home))


CRONTAB = """\
if [ "$1" = -l ]; then
    [ -f {0}/tab ] || {{ echo 'no crontab for me' >&2; exit 1; }}
    cat {0}/tab
else
    cat > {0}/tab
fi"""


def test_a_line_is_added_to_a_crontab_and_later_replaced(home: Path) -> None:
    program(home / "bin", "crontab", CRONTAB.format(home))
    install_crontab(start(home))
    assert (home / "tab").read_text() == crontab_line(start(home)) + "\n"
    others = ["# mine", "MAILTO=me", "0 1 * * * echo # maskline-demo-ffffff"]
    (home / "tab").write_text("\n".join([others[0], crontab_line(start(home)), *others[1:]]) + "\n")
    changed = start(home, cron="0 3 * * *")
    assert install_crontab(changed) == [f"crontab: {crontab_line(changed)}"]
    assert (home / "tab").read_text().splitlines() == [*others, crontab_line(changed)]


def test_a_crontab_has_to_name_the_address_itself(home: Path) -> None:
    program(home / "bin", "crontab", CRONTAB.format(home))
    notified = start(home, notify={"webhook_env": "HOOK"})
    (home / "tab").write_text("HOOKS=https://other\n# HOOK=https://host\n")
    with pytest.raises(UsageError, match="Add the line HOOK=https"):
        install_crontab(notified)
    assert len((home / "tab").read_text().splitlines()) == 2
    (home / "tab").write_text("HOOK = https://host/s3cr3t\n")
    install_crontab(notified)
    assert (home / "tab").read_text().splitlines() == ["HOOK = https://host/s3cr3t", crontab_line(notified)]


def test_a_crontab_that_cannot_be_read_is_not_overwritten(home: Path) -> None:
    program(
        home / "bin", "crontab", f'[ "$1" = -l ] && {{ echo "permission denied" >&2; exit 1; }}; touch {home}/written'
    )
    with pytest.raises(UsageError, match="permission denied"):
        install_crontab(start(home))
    assert not (home / "written").exists()


def test_a_line_that_cron_refuses(home: Path) -> None:
    program(home / "bin", "crontab", '[ "$1" = -l ] && exit 0; echo "bad minute" >&2; exit 1')
    with pytest.raises(UsageError, match="refuses the line: bad minute"):
        install_crontab(start(home))


def test_without_cron(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(home / "bin"))
    with pytest.raises(UsageError, match="Install cron"):
        install_crontab(start(home))
