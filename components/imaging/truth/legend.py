"""Which class a colour or a grey level means, by the tables of `[data.mask]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from components.imaging.truth.classes import IGNORE
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.settings import Mask

_HIGHEST = 65535
_EXPECTED = {"levels": "a grey value from 0 to 65535, such as 128", "colours": "a colour like '#ff8000'"}
TABLES = tuple(_EXPECTED)
"""The forms that have a table, each of its name."""


def legend_faults(mask: Mask, names: Collection[str]) -> Iterator[str]:
    """What is wrong with the table of a form that has one; `names` of classes, without background."""
    form, known = mask.form, sorted({"background", "ignore", *names})
    table: dict[str, str] = getattr(mask, form)
    one = form[:-1]
    if not set(table.values()) - {"background", "ignore"}:
        yield f"mask.form {form!r} needs mask.{form}, with one {one} that is not background"
    for text, name in table.items():
        if _value(form, text) is None:
            yield f"mask.{form}: found {text!r}, expected {_EXPECTED[form]}"
        if name not in known:
            yield f"mask.{form}: {text!r} is {name!r}, expected one of {', '.join(known)}"
    if len({_value(form, text) for text in table}) < len(table):
        yield f"mask.{form} has one {one} twice"


def legend(mask: Mask, names: Sequence[str]) -> dict[int, int]:
    """Of the table of a form that has one: grey values, or colours as 0xrrggbb, to class indices.

    Raises:
        UnclearMask: there is something wrong with it.
    """
    for fault in legend_faults(mask, names):
        raise UnclearMask(f"[data] {fault}")
    indices = {"background": 0, "ignore": IGNORE, **{name: index for index, name in enumerate(names, 1)}}
    table: dict[str, str] = getattr(mask, mask.form)
    return {value: indices[name] for text, name in table.items() if (value := _value(mask.form, text)) is not None}


def _value(form: str, text: str) -> int | None:
    if form == "colours":
        return int(text[1:], 16) if re.fullmatch("#[0-9a-fA-F]{6}", text) else None
    return int(text) if re.fullmatch("[0-9]{1,9}", text) and int(text) <= _HIGHEST else None
