"""How much a training may take: a time, or a number of steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_SECONDS = {"s": 1, "min": 60, "h": 3600}
_FORM = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(s|min|h|steps?)")


@dataclass(frozen=True)
class Budget:
    """As a config has it: `"45 s"`, `"20 min"`, `"2 h"` or `"500 steps"`. One of the two numbers is set."""

    text: str
    seconds: float | None = None
    """Of training and its validation."""
    steps: int | None = None
    """Batches; the same on every machine."""

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Raises ValueError: neither a time nor a number of steps, or none at all."""
        found = _FORM.fullmatch(text.strip())
        amount, unit = (float(found[1]), found[2]) if found else (0.0, "")
        whole = unit in _SECONDS or amount.is_integer()
        if amount <= 0 or not whole:
            raise ValueError('expected a time or a number of steps, such as "45 s", "20 min", "2 h" or "500 steps"')
        return cls(text, amount * _SECONDS[unit]) if unit in _SECONDS else cls(text, steps=int(amount))

    def without(self, seconds: float, steps: int) -> Budget | None:
        """What is left once these are spent; None: nothing."""
        if self.seconds is not None:
            left = self.seconds - seconds
            return Budget(f"{left:.0f} s", left) if left >= 1 else None
        assert self.steps is not None
        left_steps = self.steps - steps
        return Budget(f"{left_steps} steps", steps=left_steps) if left_steps > 0 else None

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.to_string_ser_schema(when_used="always")
        return core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema(), serialization=written)


def duration(seconds: float) -> str:
    """As `0:01:30`: hours, minutes and seconds."""
    minutes, whole = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{whole:02}"
