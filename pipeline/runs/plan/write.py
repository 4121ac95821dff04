"""A plan written into a recipe, whose comments and other keys stay."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Item

from components.errors import UsageError
from components.files import write_text
from components.foreign import foreign
from pipeline.config.loader import parse_config
from pipeline.runs.plan.choices import Choice
from pipeline.runs.plan.core import INSTEAD


def write_plan(recipe: Path, choices: Sequence[Choice]) -> None:
    """Writes each choice with its reason into a TOML file, which is replaced in one step; links to it stay.

    Raises:
        UsageError: the file cannot be read or written, or what it states else does not go with the plan: then it stays
            as it was.
    """
    file = Path(os.path.realpath(recipe))
    try:
        # To be written, which asks whether it may be.
        with file.open("r+b") as old:
            text, mode = old.read().decode(), os.fstat(old.fileno()).st_mode
        with foreign(UsageError, f"{recipe}: not a TOML file", TOMLKitError):
            written = with_plan(text, choices)
        _refuse_contradictions(written, recipe)
        write_text(file, written)
        file.chmod(mode)
    except OSError as error:
        raise UsageError(f"{recipe}: cannot be written: {error.strerror}") from error


def _refuse_contradictions(written: str, recipe: Path) -> None:
    try:
        parse_config(tomllib.loads(written), recipe.name)
    except UsageError as error:
        raise UsageError(
            f"{recipe}: states what the plan does not go with. Nothing is written; remove it there first:\n{error}"
        ) from None


def with_plan(text: str, choices: Sequence[Choice]) -> str:
    """The text of a TOML file with these choices, its lines ended as they were."""
    ended = "\r\n" if "\r\n" in text else "\n"
    return _planned(text.replace("\r\n", "\n"), choices).replace("\n", ended)


def _planned(text: str, choices: Sequence[Choice]) -> str:
    document = tomlkit.parse(text)
    for choice in choices:
        section, key = choice.key.split(".")
        table = document.setdefault(section, tomlkit.table())
        for other in INSTEAD.get(key, ()):
            table.pop(other, None)
        table[key] = _item(choice)
    return tomlkit.dumps(document)


def _item(choice: Choice) -> Item:
    value: Item = tomlkit.item(choice.value)
    if isinstance(choice.value, Mapping):
        # A table of its own would end the section that it stands in.
        value = tomlkit.inline_table()
        value.update(choice.value)
    return value.comment(choice.why)
