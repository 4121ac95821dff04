"""Files of ours that another time has written: read whole and in their shape, or refused by name."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from components.brief import brief
from components.errors import UsageError
from components.files import read_json
from components.foreign import foreign

Shape = TypeVar("Shape")
_SHOWN = 60
"""Characters of a value that is not what was expected."""
_NAMES = {"a valid string": "a string", "a valid integer": "a whole number"}
_NAMES |= {"a valid number": "a number", "a valid list": "a list", "a valid boolean": "true or false"}


class BrokenState(UsageError):
    """A file of ours that cannot be read, or is not what we write: a person must act."""


def read_state(path: Path, shape: type[Shape], remedy: str) -> Shape:
    """The JSON object of a file as it stands; keys that `shape`, a TypedDict, does not name are kept.

    What versions of Maskline did not always write, a shape declares `NotRequired`.

    Args:
        path: the file.
        shape: what its readers need of it.
        remedy: what to do where it is broken, a sentence.

    Raises:
        BrokenState: it cannot be read, is cut short, or has another shape.
    """
    with broken_named(path, remedy):
        found = _parsed(path)
        _adapter(cast(Hashable, shape)).validate_python(found, strict=True)
    return found


@contextmanager
def broken_named(path: Path, remedy: str, *passing: type[Exception]) -> Iterator[None]:
    """What is raised within of a file and of its shape becomes `BrokenState`, which names it and says what to do; other
    errors that are `passing` are meant as they are."""
    try:
        with foreign(BrokenState, "cannot be read", ValidationError, *passing):
            yield
    except ValidationError as error:
        raise BrokenState(f"{path}: {fault(error)}. {remedy}") from error
    except BrokenState as error:
        raise BrokenState(f"{path}: {error}. {remedy}") from error.__cause__


def _parsed(path: Path) -> Any:
    found = read_json(path)
    if not isinstance(found, dict):
        raise BrokenState(f"found {type(found).__name__}, expected an object")
    return found


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def fault(error: ValidationError) -> str:
    """The first thing that is wrong, by its place: `records.0.group: missing`."""
    first = error.errors()[0]
    place = brief(".".join(map(str, first["loc"])), _SHOWN)
    if first["type"] == "missing":
        return f"{place}: missing"
    expected = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    expected = re.sub(r"a valid dictionary( or instance of \w+)?", "a table", expected)
    for theirs, ours in _NAMES.items():
        expected = expected.replace(theirs, ours)
    return f"{place}: found {shown(first['input'])}, {expected}"


def shown(found: object) -> str:
    """A value that is not what was expected, cut where it is long."""
    text = repr(found)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
