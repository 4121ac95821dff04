"""What is handed on without the names of patients and files: salted ids in their place."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from components.seen.names import Names

_PATH = re.compile(r"(?<![\w:/.<])(?:~|/[^\s/'\"`,;:()<>]+)(?:/[^\s/'\"`,;:()<>]+)+")
"""An absolute one, or one below a home, in a sentence."""
_TOKEN = re.compile(r"[^\s,;:()'\"]+")
_WORD, _KEY = re.compile(r"[a-z_]*"), re.compile(r"[a-z_0-9]*")
"""Of what programs look up. Slices and labels are keys as well."""
_FOLDER = "folder="
"""Begins a slice by the folder of the source: patients often have one each."""
_LEAST = 4
"""Characters of a name that is looked for in sentences: shorter ones are numbers and words of them."""
_NAMES = ("id", "group", "source", "image", "derived_from")
_ROWS = ("matches",)
_SENTENCES = ("reason", "message", "what", "advice", "examples")
"""Keys of rows. More can stand in a sentence about a file than names that are known."""
_FREE: Mapping[str, frozenset[str]] = {
    "data": frozenset(
        {"images", "masks", "regions", "mask_pattern", "table", "paths", "leave_out", "site_pattern", "input"}
        | {"questions"}
    ),
    "groups": frozenset({"pattern"}),
    "splits": frozenset({"test_groups", "salt"}),
}
"""Keys of a config by their section, under which names of files, folders and patients stand."""
_MACHINES = ("serving", "execution", "kubeflow", "schedule")
"""Sections of a config that say where, by whom and for whom it ran."""


@dataclass(frozen=True)
class Hiding:
    """Writes texts and tables without names; the same name has the same id everywhere."""

    names: Names
    known: Mapping[str, str] = field(repr=False)
    """By what stands in texts, what takes its place."""

    @classmethod
    def of(cls, names: Names, ids: Iterable[str], sources: Iterable[str], slices: Iterable[str] = ()) -> Hiding:
        """Of ids and groups, of files by their paths, and of the slices that cases were told apart by."""
        paths = [*map(PurePosixPath, sources)]
        known = {*ids, *_of_this_machine(), *(text for path in paths for text in (str(path), path.name, path.stem))}
        folders = {path.parent.name for path in paths} | {
            text.removeprefix(_FOLDER) for text in slices if text.startswith(_FOLDER)
        }
        return cls(
            names,
            {name: names(name) for name in known if name} | {_FOLDER + name: _FOLDER + names(name) for name in folders},
        )

    def value(self, text: str) -> str:
        """A label or a site: as it is, unless it is a name as well."""
        return self.known.get(text, text)

    def identity(self, case: Any) -> dict[str, Any]:
        """Of a dataclass, those of its fields that say which case it is."""
        own = {each.name for each in fields(case)}
        written: dict[str, Callable[[str], str]]
        written = {**dict.fromkeys(("id", "group", "source"), self.names), "label": self.value, "site": self.value}
        return {key: write(getattr(case, key)) for key, write in written.items() if key in own}

    def row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row of a table in JSON: its names as ids, of sentences about a file their kind and no more."""
        said = " ".join(str(row[key]) for key in ("kind", "count") if key in row)
        return {key: said if key in _SENTENCES else self._cell(key, value) for key, value in row.items()}

    def text(self, text: str) -> str:
        """A sentence, or a slice, without the names in it."""
        if text.startswith(_FOLDER) and text not in self.known:
            return _FOLDER + self.names(text.removeprefix(_FOLDER))
        found = self._spaced.sub(lambda found: self.known[found[0]], _PATH.sub(self._path, text))
        return _TOKEN.sub(self._token, found)

    def whole(self, value: Any) -> Any:
        """Tables and lists with all sentences in them; keys and single words say how, not whose."""
        if isinstance(value, str):
            return value if _WORD.fullmatch(value) else self.text(value)
        if isinstance(value, Mapping):
            return {self._key(key): self.whole(each) for key, each in value.items()}
        return [self.whole(each) for each in value] if isinstance(value, list | tuple) else value

    def config(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """How it was learnt and measured; not where, and not how files and patients are called."""
        return self.whole({name: self._section(name, value) for name, value in config.items() if name not in _MACHINES})

    def _section(self, name: str, section: Any) -> Any:
        if not isinstance(section, Mapping):
            return section
        free = _FREE.get(name, ())
        return {key: self._named(each) if key in free else self._section(key, each) for key, each in section.items()}

    def _named(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._named(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return list(map(self._named, value))
        return self.names(value) if isinstance(value, str) else value

    def _cell(self, key: str, value: Any) -> Any:
        if key in _ROWS:
            return [*map(self.row, value)]
        return self.names(value) if key in _NAMES else self.whole(value)

    def _key(self, key: str) -> str:
        return key if _KEY.fullmatch(key) else self.text(key)

    def _path(self, found: re.Match[str]) -> str:
        return self.names(found[0].rstrip("."))

    def _token(self, found: re.Match[str]) -> str:
        """By a table: a pattern of many thousand names takes seconds a page."""
        text = found[0].rstrip(".")
        hidden = self._long.get(text) or "".join(self._long.get(part, part) for part in re.split("([/=])", text))
        return hidden + found[0][len(text) :]

    @cached_property
    def _long(self) -> dict[str, str]:
        return {name: id for name, id in self.known.items() if len(name) >= _LEAST}

    @cached_property
    def _spaced(self) -> re.Pattern[str]:
        """Of names that are no single token."""
        spaced = [name for name in self._long if not _TOKEN.fullmatch(name)]
        longest_first = sorted(spaced, key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)" if spaced else r"(?!)")


def _of_this_machine() -> list[str]:
    user = []
    # A number without a name in a container.
    with suppress(KeyError, OSError):
        user = [getpass.getuser(), str(Path.home())]
    host = socket.gethostname()
    return [*user, host, host.partition(".")[0]]
