"""What all sections of a config share."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A TOML table: unknown keys and wrong types are errors, numbers are finite, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def compiled(pattern: str) -> re.Pattern[str]:
    """Raises ValueError: not a regular expression."""
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from error


def refuse_unless_one_capture(pattern: str) -> None:
    """Raises ValueError: not a regular expression, or one without exactly one capture."""
    captures = compiled(pattern).groups
    if captures != 1:
        raise ValueError(f"it has {captures} captures, expected one; (?:...) groups without a capture")
