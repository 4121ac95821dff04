"""Reads a recipe or a TOML file into a `Config`; every mistake names file, section, key and what is allowed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from components.errors import UsageError
from components.foreign import foreign
from components.reading import read_bytes
from components.settings import Section
from components.texts import parsed_toml
from pipeline.config.execution import Execution
from pipeline.config.faults import faults
from pipeline.config.root import Config

_MOST_BYTES = 2**20
Settings = TypeVar("Settings", bound=Section)
RECIPES = Path(__file__).parent.parent / "recipes"
_INSTEAD = {"training.budget": "epochs", "training.epochs": "budget"}
"""Overrides, and the key whose place they take in the file: one of the two must be set, and nothing unsets a key."""


def recipe_names() -> list[str]:
    """Names of the recipes that come with Maskline."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load_config(recipe: str, overrides: Sequence[str] = ()) -> Config:
    """The config of a recipe name or a TOML file, with `section.key=value` overrides applied.

    Raises:
        UsageError: no such recipe or file, bad TOML, unknown keys, wrong types, impossible combinations.
    """
    path, document = _read(recipe)
    return changed_config(document, overrides, path)


def load_execution(recipe: str) -> Execution:
    """`[execution]` of a recipe name or a TOML file, whose other sections, if it has any, are not looked at.

    Raises:
        UsageError: as `load_config`.
    """
    path, document = _read(recipe)
    alone = {name: table for name, table in document.items() if name == "execution" or name not in Config.model_fields}
    return _validated(_Alone, alone, path.name).execution


class _Alone(Section):
    execution: Execution = Execution()


def changed_config(document: dict[str, Any], overrides: Sequence[str], path: Path) -> Config:
    """The config of a parsed document, which is changed, with overrides applied; `path` is where it stood.

    Raises:
        UsageError: as `load_config`.
    """
    override_document(document, overrides)
    return parse_config(document, source=_source(path, overrides))


def override_document(document: dict[str, Any], overrides: Sequence[str]) -> None:
    """Writes overrides into a parsed document.

    Raises:
        UsageError: one is none.
    """
    for override in overrides:
        _make_place(document, override)
    for override in overrides:
        _apply(document, override)


def parse_config(document: dict[str, Any], source: str) -> Config:
    """Validates a parsed TOML document; `source` is the name that errors carry."""
    return _validated(Config, document, source)


def _validated(form: type[Settings], document: dict[str, Any], source: str) -> Settings:
    try:
        return form.model_validate(document)
    except ValidationError as error:
        with foreign(UsageError, source):  # values of any depth are shown
            told = "\n".join(faults(error, source))
        raise UsageError(told) from None


def _read(recipe: str) -> tuple[Path, dict[str, Any]]:
    """Where it stands, and what it says."""
    path = _find(recipe)
    try:
        content = read_bytes(path, _MOST_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    with foreign(UsageError, f"{path}: not a TOML file"):
        return path, parsed_toml(content.decode("utf-8"))


def _find(recipe: str) -> Path:
    if recipe in recipe_names():
        return RECIPES / f"{recipe}.toml"
    path = Path(recipe)
    if path.is_file():
        return path
    raise UsageError(
        f"{recipe}: neither a recipe ({', '.join(recipe_names())}) nor a TOML file. "
        "Name a recipe or give the path of a file."
    )


def _source(path: Path, overrides: Sequence[str]) -> str:
    return f"{path.name} with --set {' '.join(map(_key, overrides))}" if overrides else path.name


def _key(override: str) -> str:
    """The key of an override; its value, and what is no key, may be secret."""
    key = override.partition("=")[0].strip()
    return key if re.fullmatch(r"[\w.-]*", key) else "..."


def table_of(override: str) -> dict[str, Any]:
    """What an override sets, in its tables; as `load_config`, it raises UsageError."""
    table: dict[str, Any] = {}
    _apply(table, override)
    return table


def _apply(document: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    *sections, name = key.strip().split(".")
    if not equals or not sections or not name:
        raise UsageError(f"--set {_key(override)}: expected section.key=value, for example evaluation.min_dice=0.8")
    table = document
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise UsageError(f"--set {_key(override)}: {section} is a value, not a section")
    table[name] = _value(override, text.strip())


def _make_place(document: dict[str, Any], override: str) -> None:
    key = override.partition("=")[0].strip()
    table = document.get(key.partition(".")[0])
    if key in _INSTEAD and isinstance(table, dict):
        table.pop(_INSTEAD[key], None)


def _value(override: str, text: str) -> Any:
    """A TOML value; anything that is not one is taken as a string, so that paths need no quotes."""
    try:
        with foreign(UsageError, f"--set {_key(override)}: not a value", tomllib.TOMLDecodeError):
            return parsed_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
