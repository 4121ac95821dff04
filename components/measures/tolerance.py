"""How far apart surfaces may be and still agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

_FORM = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?(px|mm)")


@dataclass(frozen=True)
class Tolerance:
    """As a config has it: `"2 px"` or `"0.5 mm"`. Its unit is that of every distance of surfaces."""

    text: str
    length: float
    unit: str
    """`px`, pixels of the source, or `mm`."""

    @classmethod
    def parse(cls, text: str) -> Tolerance:
        """Raises ValueError: no length with its unit."""
        found = _FORM.fullmatch(text.strip())
        if not found:
            raise ValueError('expected a length in pixels of the source or in millimetres, such as "2 px" or "0.5 mm"')
        return cls(text, float(found[1]), found[2])

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        written = core_schema.to_string_ser_schema(when_used="always")
        return core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema(), serialization=written)
