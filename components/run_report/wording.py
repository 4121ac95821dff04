"""Numbers and lists in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def listed(table: Mapping[str, Any]) -> str:
    """`a 3, b 2`, without what is not set."""
    return ", ".join(f"{name} {value}" for name, value in table.items() if value is not None)


def count(number: int, one: str, several: str = "") -> str:
    """`1 case`, `2 cases`."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
