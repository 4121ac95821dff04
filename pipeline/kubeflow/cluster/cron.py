"""Cron expressions as Kubeflow's controller reads them: with a field for seconds, and less than crontab's grammar."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from components.errors import UsageError

_NOT_IN_KUBEFLOW = (
    (3, r"[LW]", "L and W are unknown there"),
    (5, r"[L#]|(?<![\d/])7", "L and # are unknown there, and Sunday is 0"),
)


def six_fields(expression: str) -> str:
    """The expression with seconds in front: `0 2 * * *` becomes `0 0 2 * * *`.

    Raises:
        UsageError: not cron, never due, or more than Kubeflow's controller understands.
    """
    fields = expression.split()
    wanted = 'expected five fields (minute hour day month weekday), such as "0 2 * * *", or six with seconds in front'
    if len(fields) not in (5, 6):
        raise UsageError(f"--cron {expression!r}: {len(fields)} fields, {wanted}")
    fields = ["0", *fields] if len(fields) == 5 else fields
    try:
        next(CronSim(" ".join(fields), datetime.now(UTC)))
    except CronSimError as error:
        raise UsageError(f"--cron {expression!r}: {str(error).lower()}, {wanted}") from None
    except StopIteration:
        raise UsageError(f"--cron {expression!r}: such a day never comes") from None
    for place, pattern, reason in _NOT_IN_KUBEFLOW:
        if re.search(pattern, fields[place].upper()):
            raise UsageError(f"--cron {expression!r}: {fields[place]!r} is not for Kubeflow: {reason}")
    return " ".join(fields)


def next_time(expression: str, now: datetime) -> datetime:
    """The first moment after `now` that an expression names, in the time zone of `now`."""
    return next(CronSim(expression, now))
