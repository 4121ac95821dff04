"""The section `[schedule]`: when to train anew, what is worth a run, who is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import Field, SecretStr, field_validator

from components.settings import Confidential, Positive, Probability, Section

Event = Literal["pushed", "done", "refused", "failed", "skipped", "missed"]


class Notify(Section):
    """Who is told of a slot, as JSON: the slot's line in the ledger, with `event`, `recipe`, `out` and `host`."""

    command: Annotated[list[str], Confidential()] = Field(default=[], exclude=True, repr=False)
    """Program and arguments; gets the JSON on standard input. Written nowhere: an argument may be a secret."""
    webhook: Annotated[SecretStr, Confidential("[schedule.notify] webhook_env")] = Field(
        default=SecretStr(""), exclude=True
    )
    """Address that the JSON is posted to. Never written anywhere; where it holds a secret use `webhook_env`."""
    webhook_env: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]*)?$")] = ""
    """Name of the environment variable that holds the address instead."""
    on: list[Event] = ["pushed", "refused", "failed"]
    """`done`: evaluated, or nothing to evaluate anew, and nothing to push."""


class Schedule(Section):
    """Used by `maskline schedule` alone, which reads it when it starts; a run does not read it. Times in seconds."""

    cron: str = ""
    """Minute, hour, day of month, month, day of week. Empty: given by --cron."""
    timezone: str = ""
    """IANA name, such as Europe/Berlin. Empty: that of the machine."""
    jitter: Annotated[int, Field(ge=0)] = 0
    """Longest delay after a slot; shorter than the time between two, or some are missed. How long it is depends on slot
    and output folder alone. With --once there is none: a systemd timer has its own, a crontab line cannot."""
    timeout: Positive = 86400
    """Longest run. It is then asked to end after the current node (SIGTERM), and after `grace` killed."""
    grace: Positive = 600
    retries: Annotated[int, Field(ge=0, le=10)] = 2
    """Of crashes only: neither a refusal nor a wrong config becomes right by itself."""
    backoff: Positive = 60
    """Before the first retry; doubled before each further one, an hour at most."""
    missed: Literal["skip", "latest"] = "latest"
    """Slots that went by while a run was on, or the scheduler off: all are left out, or the last one is run late."""
    min_new_cases: Annotated[int, Field(ge=0)] = 0
    """Least number of images that the champion's run did not know; 0: any change of the data is worth a run."""
    drift: Probability | None = None
    """Data farther than this from the champion's are worth a run with fewer new cases; below [validation] max_drift,
    from which on the data gate refuses them."""
    notify: Notify = Notify()

    @field_validator("cron")
    @classmethod
    def _fires(cls, cron: str) -> str:
        if not cron:
            return cron
        if len(cron.split()) != 5:
            raise ValueError('expected five fields: minute, hour, day of month, month, day of week, as "0 2 * * *"')
        try:
            next(CronSim(cron, datetime.now(UTC)))
        except CronSimError as error:
            raise ValueError(f"{error}. Expected minute, hour, day of month, month, day of week") from error
        except StopIteration:
            raise ValueError("there is no such day in fifty years") from None
        return " ".join(cron.split())

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return ZoneInfo(name).key if name else ""
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("no such time zone. Expected an IANA name, such as Europe/Berlin") from None
