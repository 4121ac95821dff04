"""From what `maskline schedule` is given to a scheduler that runs, or to what starts one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

from components.errors import UsageError
from pipeline.config.loader import load_config, recipe_names, table_of
from pipeline.config.root import Config
from pipeline.config.secrets import secrets_in
from pipeline.runs.launch import output_folder, serving_folder, source_folder
from pipeline.schedule.child import MASKLINE, run_child
from pipeline.schedule.clock import Stop, SystemClock
from pipeline.schedule.emit import ScheduledCommand, crontab_line, start_name, systemd_units
from pipeline.schedule.install import install_crontab, install_systemd
from pipeline.schedule.ledger import Ledger, SlotRecord
from pipeline.schedule.loop import Scheduler
from pipeline.schedule.notify import notifier
from pipeline.schedule.owner import owned
from pipeline.schedule.policy import Facts, gather
from pipeline.schedule.slots import time_zone
from pipeline.terminal import Terminal, document


@dataclass(frozen=True)
class Job:
    """A recipe and its config, with what the command line said of them."""

    recipe: str
    config: Config
    data: Path | None
    out: Path | None
    overrides: Sequence[str]

    @property
    def name(self) -> str:
        """As a run of it is named."""
        return Path(self.recipe).stem


def work(job: Job, once: bool, json_output: bool) -> int:
    """Runs the loop, or once; returns the exit code.

    Raises:
        UsageError: a folder cannot be used, or another scheduler uses it; or nobody can be told.
    """
    config, settings = job.config, job.config.schedule
    out = output_folder(job.name, job.out)
    notify = notifier(settings.notify, job.name, out)
    stop = Stop()
    clock = SystemClock(stop)
    with owned(out, clock.now()), stop.listening():
        source_folder(config.data, job.data, out / "data")
        ledger = Ledger(out)
        scheduler = Scheduler(
            settings=settings,
            zone=time_zone(settings.timezone),
            out=out,
            ledger=ledger,
            clock=clock,
            stop=stop,
            gather=partial(_gather, job, out, ledger),
            run=partial(run_child, _run_command(job, out), out, settings, stop),
            notify=notify,
            report=_print_record if json_output else _print,
            say=_keep_quiet if json_output else _print,
        )
        return scheduler.once() if once else scheduler.serve()


def _gather(job: Job, out: Path, ledger: Ledger) -> Facts:
    """The facts by the recipe as a run reads it now: while the loop waits, it may be edited."""
    config = load_config(job.recipe, job.overrides).model_copy(update={"schedule": job.config.schedule})
    source, _ = source_folder(config.data, job.data, out / "data")
    return gather(config, source, serving_folder(config.serving, out), ledger.records())


def hand_over(job: Job, target: str, install: bool) -> list[str]:
    """What systemd or cron needs to start a job, installed for this user or as text; returns what to print.

    Raises:
        UsageError: they cannot do what the config asks for.
    """
    scheduled = _scheduled(job)
    if install:
        return install_systemd(scheduled) if target == "systemd" else install_crontab(scheduled)
    if target == "crontab":
        return [crontab_line(scheduled)]
    return [f"# {name}\n{text}" for name, text in systemd_units(scheduled).items()]


def _scheduled(job: Job) -> ScheduledCommand:
    for key, marked in chain.from_iterable(secrets_in(table_of(override)) for override in job.overrides):
        instead = f", or use {marked.instead}" if marked.instead else ""
        raise UsageError(
            f"--set {key}: its value would be written where all can read it. Write it into the recipe's file{instead}."
        )
    out = output_folder(job.name, job.out)
    recipe = job.recipe if job.recipe in recipe_names() else str(Path(job.recipe).resolve())
    command = [*MASKLINE, "schedule", recipe, "--once", *_options(job, out)]
    return ScheduledCommand(start_name(job.name, out), command, Path.cwd(), job.config.schedule)


def _run_command(job: Job, out: Path) -> list[str]:
    others = [override for override in job.overrides if not _is_own(override)]
    return [*MASKLINE, "run", job.recipe, *_options(replace(job, overrides=others), out), "--json"]


def _is_own(override: str) -> bool:
    """Whether it sets a key of `[schedule]` or a secret: a run has no use for them, and all can read its words."""
    table = table_of(override)
    return "schedule" in table or any(secrets_in(table))


def _options(job: Job, out: Path) -> list[str]:
    data = ["--data", str(job.data.resolve())] if job.data else []
    overrides = [part for override in job.overrides for part in ("--set", override)]
    return [*data, "--out", str(out), *overrides]


def _print(text: object) -> None:
    # The log may lie on the disk that is full.
    with suppress(OSError):
        Terminal().say_lines(str(text))


def _print_record(record: SlotRecord) -> None:
    with suppress(OSError):
        document(json.dumps(asdict(record)))


def _keep_quiet(text: str) -> None:
    """Machines read the records alone."""
