"""The loop: waits for a slot, decides, runs, writes the ledger, tells."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from components.errors import ExitCode
from pipeline.config.schedule import Schedule
from pipeline.schedule.child import Ending, with_retries
from pipeline.schedule.clock import Clock, Stop, wait_until
from pipeline.schedule.ledger import Ledger, SlotRecord
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
    run: Callable[[], Ending]
    """Starts one run and waits for its end."""
    notify: Callable[[SlotRecord], list[str]]
    report: Callable[[SlotRecord], None]
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
            self._noted(_missed(missed))
        if slot not in missed:
            self._work(slot)

    def _work(self, slot: datetime) -> SlotRecord:
        record = SlotRecord(slot.isoformat(), "skipped", "", started=self._now())
        try:
            facts = None if is_busy(self.out) else self.gather()
        except Exception as error:
            # Whatever it is, the run meets it too, and is written down and told of like any other.
            return self._run(replace(record, reason=f"whether the data have changed cannot be told: {error}"))
        if facts is None:
            return self._noted(replace(record, reason="another run uses the output folder"))
        decision = decide(facts, self.settings)
        record = replace(
            record,
            reason=decision.reason,
            fingerprint=facts.fingerprint,
            config=facts.config,
            champion=facts.champion,
        )
        return self._run(record) if decision.run else self._noted(record)

    def _run(self, record: SlotRecord) -> SlotRecord:
        self.say(f"{record.slot}: runs: {record.reason}")
        ending = with_retries(self.run, self.settings, self.clock, self.stop)
        return self._noted(
            replace(
                record,
                decision="ran",
                attempt=ending.attempts,
                exit_code=ending.exit_code,
                status=ending.status,
                reasons=ending.reasons,
                run=ending.run,
                pushed=ending.pushed,
            )
        )

    def _noted(self, record: SlotRecord) -> SlotRecord:
        """Tells of a record and writes it down; neither may end the loop."""
        record = replace(record, ended=self._now())
        record = replace(record, warnings=tuple(self.notify(record)))
        self.report(record)
        try:
            self.ledger.append(record)
        except OSError as error:
            self.say(
                f"warning: the ledger could not be written: {error.strerror}. Its lines are kept for the next slot"
            )
        return record

    def _now(self) -> str:
        return self.clock.now().astimezone(self.zone).isoformat(timespec="seconds")

    def _jitter(self, slot: datetime) -> timedelta:
        return jitter(str(self.out), slot, self.settings.jitter)


def _missed(slots: list[datetime]) -> SlotRecord:
    """One line for all slots of a pause, named by the last."""
    span = f"{len(slots)} slots since {slots[0].isoformat()}" if len(slots) > 1 else "1 slot"
    return SlotRecord(slots[-1].isoformat(), "missed", f"{span}: a run was on, or the scheduler was not")
