"""Reads a recipe or a TOML file into a `Config`; every mistake names file, section, key and what is allowed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import ValidationError

from components.errors import UsageError
from components.foreign import foreign
from components.settings import Section
from pipeline.config.execution import Execution
from pipeline.config.root import Config
from pipeline.config.secrets import concerns_secret

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
            lines = [_line(problem, source) for problem in _one_per_key(error.errors())]
        raise UsageError("\n".join(lines)) from None


def _read(recipe: str) -> tuple[Path, dict[str, Any]]:
    """Where it stands, and what it says."""
    path = _find(recipe)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    with foreign(UsageError, f"{path}: not a TOML file"):
        return path, tomllib.loads(content.decode("utf-8"))


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
            return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _one_per_key(problems: Iterable[Any]) -> list[dict[str, Any]]:
    """Of a key that takes several types there is a problem with each; the last part of its place names the type."""
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for problem in problems:
        place = tuple(part for part in problem["loc"] if not re.search(r"[-\[]", str(part)))
        if place in merged:
            merged[place]["msg"] += f", or {problem['msg'].removeprefix('Input should be ')}"
        else:
            merged[place] = {**problem, "loc": place}
    return list(merged.values())


def _line(problem: Any, source: str) -> str:
    *sections, key = [str(part) for part in problem["loc"]] or [""]
    where = f"{source}: [{'.'.join(sections)}] {key}" if sections else f"{source}: [{key}]" if key else source
    message = problem["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    message = re.sub(r"a valid dictionary or instance of \w+", "a table", message)
    if problem["type"] == "extra_forbidden":
        return f"{where}: {_outgrown(sections, key) or f'unknown key. {_allowed(sections)}'}"
    if problem["type"] == "missing":
        return f"{where}: missing, and it has no default"
    found = repr(problem["input"])
    # An address may be one that only those know who may use it, or hold a password.
    if not key or (not sections and key in Config.model_fields) or concerns_secret([*sections, key]) or "://" in found:
        return f"{where}: {message}"
    return f"{where}: found {found}, {message}"


def _allowed(sections: Sequence[str]) -> str:
    if sections == ["model", "parameters"]:
        return "`maskline models` lists each architecture's parameters."
    return f"Allowed: {'; or '.join(', '.join(_keys(form)) for form in _forms(sections))}"


def _keys(form: Any) -> list[str]:
    """As a TOML has them."""
    return sorted(field.alias or name for name, field in form.model_fields.items())


def _outgrown(sections: Sequence[str], key: str) -> str | None:
    """What became of a key that there was once."""
    if sections == ["model", "parameters"]:
        return None
    return next((form.outgrown[key][1] for form in _forms(sections) if key in getattr(form, "outgrown", {})), None)


def _forms(sections: Sequence[str]) -> list[Any]:
    """The classes of which a section may be."""
    forms: list[Any] = [Config]
    parts = iter(sections)
    for section in parts:
        annotation = forms[0].model_fields[section].annotation
        forms = [item for item in (annotation, *get_args(annotation)) if hasattr(item, "model_fields")]
        if get_origin(annotation) in (dict, list):
            next(parts)  # the key or the index of one of several
    return forms
