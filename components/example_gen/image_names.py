"""Finds the image that a document means, by what it calls it: a path, a name, a number."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath

from components.example_gen.samples import without_suffix
from components.reason import Reason

_WHOLE = re.compile(r"(\d+)\.0+")
"""A number that a spreadsheet has made one with a point."""


class Ambiguous(Reason):
    """A name that several images have."""

    def __init__(self, name: str, found: Sequence[Path]) -> None:
        shown = ", ".join(path.name for path in found[:3])
        super().__init__(f"{name!r} may be any of {len(found)} images: {shown}")
        self.found = found


def _stem(name: str) -> str:
    return without_suffix(PurePosixPath(name)).as_posix()


def _number(name: str) -> str:
    whole = _WHOLE.fullmatch(name)
    return whole[1] if whole else name


_VARIANTS: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
    (str, str),
    (str, _stem),
    (_stem, _stem),
    (str.casefold, str.casefold),
    (str.casefold, lambda name: _stem(name).casefold()),
    (lambda name: _stem(name).casefold(), lambda name: _stem(name).casefold()),
    (_number, _stem),
)
"""What is made of the name that is looked for, and of those of files; what needs less liberty first."""


class ImageNames:
    """The images of a folder, by the ends of their paths: `b/c.png` is found as `c.png`, `b/c.png` and `x/b/c.png`."""

    def __init__(self, root: Path, paths: Iterable[Path]) -> None:
        self._tables: list[dict[str, list[Path]]] = [defaultdict(list) for _ in _VARIANTS]
        self._goes_on: dict[str, list[Path]] = defaultdict(list)
        for path in paths:
            parts = path.relative_to(root).parts
            ends = ["/".join(parts[start:]) for start in range(len(parts))]
            for table, (_, of_file) in zip(self._tables, _VARIANTS, strict=True):
                for end in ends:
                    table[of_file(end)].append(path)
            head, underscore, _ = path.stem.partition("_")
            if underscore:
                self._goes_on[head].append(path)

    def find(self, name: str, *, goes_on: bool = False, least_parts: int = 1) -> Path | None:
        """The image of a name with `/` or `\\` between its parts, of which the last ones count.

        With or without suffix, in another case or as a number with a point, where the exact name is none.

        Args:
            goes_on: whether the names of files go on after it, from an underscore on.
            least_parts: how many of its parts count at least.

        Raises:
            Ambiguous: several images may be meant.
        """
        parts = [part for part in name.strip().replace("\\", "/").split("/") if part not in ("", ".", "..")]
        ends = ["/".join(parts[start:]) for start in range(len(parts) - least_parts + 1)]
        for table, (of_name, _) in zip(self._tables, _VARIANTS, strict=True):
            for end in ends:
                if found := table.get(of_name(end)):
                    return _only(name, found)
        if goes_on and (found := self._goes_on.get(ends[-1] if ends else "")):
            return _only(name, found)
        return None


def _only(name: str, found: list[Path]) -> Path:
    if len(found) > 1:
        raise Ambiguous(name, found)
    return found[0]
