"""What all settings share: types, and errors for people.

Settings are typed from the TOML to the last function; they are JSON where TFX carries them, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, ModelWrapValidatorHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from components.foreign import foreign

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
Made = TypeVar("Made", bound=BaseModel)


class Section(BaseModel):
    """A TOML table: unknown keys and wrong types are errors, numbers are finite, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    outgrown: ClassVar[Mapping[str, tuple[Any, str]]] = {}
    """Keys that were once: the default, which a config that was shown whole still has, and what became of the rest."""

    @model_validator(mode="before")
    @classmethod
    def _without_outgrown_defaults(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        return {key: value for key, value in table.items() if key not in cls.outgrown or value != cls.outgrown[key][0]}


def made_complete(
    table: Any, complete: Callable[[dict[str, Any]], dict[str, Any]], handler: ModelWrapValidatorHandler[Made]
) -> Made:
    """A section of a table with the defaults that some of its keys decide, which do not count as stated."""
    if not isinstance(table, dict):
        return handler(table)
    made = handler(complete(table))
    made.model_fields_set.intersection_update(table)
    return made


@dataclass(frozen=True)
class Confidential:
    """Marks a value that is written nowhere: to no record and no message, nor where others start what was asked for.

    Its field is excluded as well, which keeps it out of what a config is dumped to.
    """

    instead: str = ""
    """Where else it may come from."""


@dataclass(frozen=True)
class OneOf:
    """Marks a string as one of the names of a registry: what is built, and nothing else, may be chosen."""

    names: Iterable[str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(list(self.names))


def compiled(pattern: str) -> re.Pattern[str]:
    """Raises ValueError: not a regular expression."""
    with foreign(ValueError, "not a regular expression"):
        return re.compile(pattern)


def refuse_unless_one_capture(pattern: str) -> None:
    """Raises ValueError: not a regular expression, or one without exactly one capture."""
    captures = compiled(pattern).groups
    if captures != 1:
        raise ValueError(f"it has {captures} captures, expected one; (?:...) groups without a capture")
