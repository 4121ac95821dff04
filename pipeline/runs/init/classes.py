"""Masks of one class each: where in their paths it stands, and which folders are none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from components.example_gen.layouts.templates import Template
from pipeline.runs.init.roles import Role
from pipeline.runs.init.templates import Rule, begin_of

_MASKS = (Role.MASK, Role.REGION)
_SYNTAX = re.compile(r"[{}*|]")


def narrowed(mask: str, image: str, roles: Mapping[str, Role]) -> str:
    """With the classes in it by name, where it would match files that are no masks."""
    found = {name: match["class"] for name in roles if (match := Template(mask).match(name)) and "class" in match}
    classes = sorted({word for name, word in found.items() if roles[name] in _MASKS})
    others = [name for name in found if roles[name] not in _MASKS and not Template(image).match(name)]
    if not others or any(map(_SYNTAX.search, classes)):
        return mask
    return mask.replace("{class}", f"{{class:{'|'.join(classes)}}}")


def by_class(rules: Sequence[Rule]) -> list[str]:
    """The masks' templates; of several that differ in one part, one in which that is the class."""
    masks = [rule.mask for rule in rules]
    parts = [mask.split("/") for mask in masks]
    if len(masks) < 2 or len({len(each) for each in parts}) > 1:
        return masks
    merged, classed = [], False
    for values in zip(*parts, strict=True):
        part = values[0] if len({*values}) == 1 else _differing(values, "*" if classed else "{class}")
        classed = classed or "{class}" in part
        merged.append(part)
    return ["/".join(merged)]


def _differing(values: Sequence[str], field: str) -> str:
    """One part of a path that says several things: what they have in common, and a field in place of the rest."""
    if not all("{name}" in value for value in values):
        # Whole words that all begin or end with tell no class.
        before = re.sub(r"[^\W_]*$", "", begin_of(values))
        after = re.sub(r"[^\W_]*$", "", begin_of([value[len(before) :][::-1] for value in values]))[::-1]
        return f"{before}{field}{after}"
    around = [value.partition("{name}") for value in values]
    begins, ends = ({each[place] for each in around} for place in (0, 2))
    if len(ends) > 1 and len(begins) == 1:
        separator = "_" if all(each.startswith("_") for each in ends) else ""
        return f"{begins.pop()}{{name}}{separator}{field}"
    if len(begins) > 1 and len(ends) == 1:
        separator = "_" if all(each.endswith("_") for each in begins) else ""
        return f"{field}{separator}{{name}}{ends.pop()}"
    return "*{name}*"
