"""What is wrong with a config, in lines for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from pipeline.config.root import Config
from pipeline.config.secrets import concerns_secret


def faults(error: ValidationError, source: str) -> list[str]:
    """A line for each key; `source` is the name that they carry."""
    return [_line(problem, source) for problem in _one_per_key(error.errors())]


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
