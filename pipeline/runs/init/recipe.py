"""The recipe of what was understood: every choice with its reason beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap

from pipeline.runs.init.understanding import Understanding
from pipeline.runs.toml import toml_key, toml_value

_WIDTH = 116
_TOPICS = {
    **dict.fromkeys(("layout", "images", "masks", "regions", "paths"), "layout"),
    **dict.fromkeys(("classes", "mask"), "masks"),
    **{"height": "records", "width": "records", "tiles": "records", "channels": "images"},
    **{"groups": "groups", "told_splits": "splits", "splits": "splits", "leave_out": "copies"},
}
"""Of each key of `[data]` the topic that has its reason."""


def recipe_text(found: Understanding) -> str:
    """TOML, with comments."""
    parts = [*_head(found), "", "[data]", f"input = {toml_value(str(found.root.resolve()))}"]
    if found.open:
        parts += ["# Answer each by the key that it names, and remove it: while there is one, nothing is trained."]
        parts += [f"questions = {toml_value(found.open)}"]
    data = dict(sorted(found.data.items(), key=lambda item: [*_TOPICS, item[0]].index(item[0])))
    tables = {key: value for key, value in data.items() if isinstance(value, Mapping)}
    for key, value in data.items():
        if key not in tables:
            parts += [*_reason(found, key), f"{key} = {toml_value(value)}"]
    for key, table in tables.items():
        parts += [
            "",
            *_reason(found, key),
            f"[data.{key}]",
            *(f"{toml_key(name)} = {toml_value(each)}" for name, each in table.items()),
        ]
    for section, (keys, why) in found.sections.items():
        parts += ["", *_comment(why), f"[{section}]", *(f"{name} = {toml_value(each)}" for name, each in keys.items())]
    return "\n".join(parts) + "\n"


def _head(found: Understanding) -> Iterator[str]:
    yield from _comment(f"What the files of {found.root} tell, with the reason of every choice. Change what is wrong.")
    if found.unsure:
        yield from _comment(f"Taken for granted: {'; '.join(found.unsure)}.")


def _reason(found: Understanding, key: str) -> Iterator[str]:
    """The lines of the key's topic, once: of two keys the first has them."""
    told = [other for other in _TOPICS if other in found.data and _TOPICS[other] == _TOPICS.get(key)]
    if key in told[:1]:
        for row in found.of_topic(_TOPICS[key]):
            yield from _comment(": ".join(filter(None, (row.found.replace("\n", ", "), row.why))))


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in wrap(text, _WIDTH)]
