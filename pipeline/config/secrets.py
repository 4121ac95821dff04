"""Which keys of a config are secret: the one list, made of what the fields themselves say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from components.settings import Confidential
from pipeline.config.root import Config

Key = tuple[str, ...]
"""Of a key, by the tables in which it stands; `*` is any key, or any of several."""


@cache
def secret_keys() -> dict[Key, Confidential]:
    """Every key of a config whose value is written nowhere."""
    return dict(_keys(Config, ()))


def concerns_secret(place: Sequence[str]) -> bool:
    """Whether what stands at a place is secret, holds something secret, or is part of it."""
    return any(all(part in ("*", key) for part, key in zip(secret, place, strict=False)) for secret in secret_keys())


def secrets_in(table: Mapping[str, Any]) -> Iterator[tuple[str, Confidential]]:
    """The secret keys that are set in a table such as a config's, by their dotted names."""
    return ((".".join(secret), marked) for secret, marked in secret_keys().items() if _is_set(table, secret))


def _keys(section: type[BaseModel], above: Key) -> Iterator[tuple[Key, Confidential]]:
    for name, field in section.model_fields.items():
        place = (*above, field.alias or name)
        yield from ((place, marked) for marked in field.metadata if isinstance(marked, Confidential))
        for below, form in _sections(field.annotation):
            yield from _keys(form, (*place, *below))


def _sections(annotation: Any) -> Iterator[tuple[Key, type[BaseModel]]]:
    """The sections of which a value may be, or be made."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield (), annotation
    within = ("*",) if get_origin(annotation) in (dict, list) else ()
    for argument in get_args(annotation):
        yield from (((*within, *below), form) for below, form in _sections(argument))


def _is_set(value: Any, secret: Key) -> bool:
    if not secret:
        return True
    key, *below = secret
    if isinstance(value, Mapping):
        found = list(value.values()) if key == "*" else [value[key]] if key in value else []
    else:
        found = value if key == "*" and isinstance(value, list) else []
    return any(_is_set(item, tuple(below)) for item in found)
