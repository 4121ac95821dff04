"""The loop: waits for a slot, decides, runs, writes the ledger, tells."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from components.errors import ExitCode
from pipeline.config.schedule import Schedule
from pipeline.schedule.child import Outcome, with_retries
from pipeline.schedule.clock import Clock, Stop, wait_until
from pipeline.schedule.ledger import Entry, Ledger
from pipeline.schedule.policy import Facts, decide, is_busy
from pipeline.schedule.slots import due_slots, jitter, next_slot

_LATE = timedelta(seconds=60)
"""A run that starts so long after its time is on time still."""


@dataclass(frozen=True)
class Scheduler:
    """Everything that the loop needs; time, facts, runs and messages are handed in."""

    settings: Schedule
    zone: tzinfo
    out: Path
    ledger: Ledger
    clock: Clock
    stop: Stop
    gather: Callable[[], Facts]
    run: Callable[[], Outcome]
    """Starts one run and waits for its end."""
    notify: Callable[[Entry], list[str]]
    report: Callable[[Entry], None]
    say: Callable[[str], None]

    def serve(self) -> int:
        """Runs at every slot until a stop is asked for. Exit code: `DONE` after SIGTERM, `INTERRUPTED` after SIGINT."""
        now = self.clock.now()
        last = min(self.ledger.last_slot() or now, now)
        while not self.stop.signal:
            slot = next_slot(self.settings.cron, last, self.zone)
            start = slot + self._jitter(slot)
            if start > self.clock.now():
                self.say(f"next run: {start.isoformat(sep=' ', timespec='seconds')}")
            wait_until(self.clock, self.stop, start)
            due = due_slots(self.settings.cron, last, self.clock.now(), self.zone)
            if due and not self.stop.signal:
                self._work_off(due)
                last = due[-1]
        self.say(f"stopped by {signal.Signals(self.stop.signal).name}")
        return ExitCode.INTERRUPTED if self.stop.signal == signal.SIGINT else ExitCode.DONE

    def once(self) -> int:
        """Decides and runs now. Exit code: that of the run, `FAILED` if a signal killed it, `DONE` without one."""
        code = self._work(self.clock.now().astimezone(self.zone).replace(microsecond=0)).exit_code or ExitCode.DONE
        return code if code >= 0 else ExitCode.FAILED

    def _work_off(self, due: list[datetime]) -> None:
        """Deals with the slots that have come, of which there are several after a long run or a pause."""
        *missed, slot = due
        late = self.clock.now() - slot > self._jitter(slot) + _LATE
        if late and self.settings.missed == "skip":
            missed = due
        if missed:
            self._record(_missed(missed))
        if slot not in missed:
            self._work(slot)

    def _work(self, slot: datetime) -> Entry:
        entry = Entry(slot.isoformat(), "skipped", "", started=self._now())
        if is_busy(self.out):
            return self._record(replace(entry, reason="another run uses the output folder"))
        try:
            facts = self.gather()
        except Exception as error:
            # Whatever it is, the run meets it too, and is written down and told of like any other.
            return self._run(replace(entry, reason=f"whether the data have changed cannot be told: {error}"))
        decision = decide(facts, self.settings)
        entry = replace(
            entry,
            reason=decision.reason,
            fingerprint=facts.fingerprint,
            config=facts.config,
            champion=facts.champion,
        )
        return self._run(entry) if decision.run else self._record(entry)

    def _run(self, entry: Entry) -> Entry:
        self.say(f"{entry.slot}: runs: {entry.reason}")
        outcome = with_retries(self.run, self.settings, self.clock, self.stop)
        return self._record(
            replace(
                entry,
                decision="ran",
                attempt=outcome.attempts,
                exit_code=outcome.exit_code,
                status=outcome.status,
                reasons=outcome.reasons,
                run=outcome.run,
                pushed=outcome.pushed,
            )
        )

    def _record(self, entry: Entry) -> Entry:
        """Tells of an entry and writes it down; neither may end the loop."""
        entry = replace(entry, ended=self._now())
        entry = replace(entry, warnings=tuple(self.notify(entry)))
        self.report(entry)
        try:
            self.ledger.append(entry)
        except OSError as error:
            self.say(
                f"warning: the ledger could not be written: {error.strerror}. Its lines are kept for the next slot"
            )
        return entry

    def _now(self) -> str:
        return self.clock.now().astimezone(self.zone).isoformat(timespec="seconds")

    def _jitter(self, slot: datetime) -> timedelta:
        return jitter(str(self.out), slot, self.settings.jitter)


def _missed(slots: list[datetime]) -> Entry:
    """One line for all slots of a pause, named by the last."""
    span = f"{len(slots)} slots since {slots[0].isoformat()}" if len(slots) > 1 else "1 slot"
    return Entry(slots[-1].isoformat(), "missed", f"{span}: a run was on, or the scheduler was not")
