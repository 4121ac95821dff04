"""A plan written into a recipe, whose comments and other keys stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Item

from components.errors import UsageError
from components.files import write_text
from components.foreign import foreign
from pipeline.runs.plan.choices import Choice
from pipeline.runs.plan.core import INSTEAD


def write_plan(recipe: Path, choices: Sequence[Choice]) -> None:
    """Writes each choice with its reason into a TOML file, which is replaced in one step.

    Raises:
        UsageError: the file cannot be read or written.
    """
    try:
        text = recipe.read_text(encoding="utf-8")
        with foreign(UsageError, f"{recipe}: not a TOML file", TOMLKitError):
            written = with_plan(text, choices)
        write_text(recipe, written)
    except OSError as error:
        raise UsageError(f"{recipe}: cannot be written: {error.strerror}") from error


def with_plan(text: str, choices: Sequence[Choice]) -> str:
    """The text of a TOML file with these choices."""
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
