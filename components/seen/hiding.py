"""What is handed on without the names of patients and files: salted ids in their place."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from components.seen.names import Names

_PATH = re.compile(r"(?<![\w:/.<])(?:~|/[^\s/'\"`,;:()<>]+)(?:/[^\s/'\"`,;:()<>]+)+")
"""An absolute one, or one below a home, in a sentence."""
_FOLDER = "folder="
"""Begins a slice by the folder of the source: patients often have one each."""
_LEAST = 4
"""Characters of a name that is looked for in sentences: shorter ones are numbers and words of them."""
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
        folders = {path.parent.name for path in paths} | {text.removeprefix(_FOLDER) for text in slices}
        return cls(
            names,
            {name: names(name) for name in known if name} | {_FOLDER + name: _FOLDER + names(name) for name in folders},
        )

    def value(self, text: str) -> str:
        """A label or a site: as it is, unless it is a name as well."""
        return self.known.get(text, text)

    def text(self, text: str) -> str:
        """A sentence, without the names in it."""
        return self._pattern.sub(lambda found: self.known[found[0]], _PATH.sub(self._path, text))

    def whole(self, value: Any) -> Any:
        """Tables and lists with all sentences in them, keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.whole(key): self.whole(each) for key, each in value.items()}
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

    def _path(self, found: re.Match[str]) -> str:
        return self.names(found[0].rstrip("."))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        long = sorted((name for name in self.known if len(name) >= _LEAST), key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, long))})(?!\w)" if long else r"(?!)")


def _of_this_machine() -> list[str]:
    user = []
    # A number without a name in a container.
    with suppress(KeyError, OSError):
        user = [getpass.getuser(), str(Path.home())]
    return [*user, socket.gethostname()]
