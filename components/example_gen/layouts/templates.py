"""Templates of paths: where images, masks and regions stand, and what their paths say of them.

`{name}` and the other fields stand for a part of a path without `/`, the same part wherever a field is repeated; `*`
for any text without `/`, and `{class:rim|disc}` for one of these. Suffixes are left out: `{label}/{name}_mask*` is that
of `benign/a_mask_1.png`. Letters with accents are one letter, however a file system writes them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

REGION_FIELDS = ("name", "group", "label", "site", "split")
IMAGE_FIELDS = REGION_FIELDS
MASK_FIELDS = (*REGION_FIELDS, "class")
_PART = re.compile(r"\{(\w*)(?::([^{}*]+))?\}|(\*)|([^{}*]+)|([{}])")


@dataclass(frozen=True)
class Template:
    """One template; `Template.faults` tells of a text that is none."""

    text: str

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(match[1] for match in self._parts if match[1])

    @property
    def glob(self) -> str:
        """Of the files that it may match, with any suffix or none."""
        # A suffix is matched by the `*` behind the last part, what a name may hold of `[` by `?`, accents by `*`.
        parts = ("*" if match[1] or match[3] else _glob(match[4]) for match in self._parts)
        return re.sub(r"\*+", "*", "".join(parts) + "*")

    @property
    def weight(self) -> int:
        """Letters that must be there: of two templates that match, that with more says more."""
        return sum(len(match[4] or "") for match in self._parts)

    def match(self, path: str) -> Mapping[str, str] | None:
        """The fields of a path without suffix, with `/`; None where it does not match."""
        found = self._pattern.fullmatch(unicodedata.normalize("NFC", path))
        return found.groupdict() if found else None

    def faults(self, allowed: Collection[str]) -> Iterable[str]:
        """What is wrong with it, for people; nothing where it is whole."""
        for match in self._parts:
            field = match[0].startswith("{")
            if match[5] or (field and match[1] not in allowed):
                yield f"has {match[0]!r}, expected {', '.join(f'{{{name}}}' for name in allowed)} or *"
        if "name" not in self.fields:
            yield "lacks {name}, by which an image and its masks are paired"
        parts = self.text.split("/")
        if "" in parts or ".." in parts or "." in parts:
            yield "expected a path within the input folder, with / between its parts"

    @property
    def _parts(self) -> list[re.Match[str]]:
        return list(_PART.finditer(unicodedata.normalize("NFC", self.text)))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        pattern, seen = "", set[str]()
        for match in self._parts:
            field = match[1]
            if field:
                some = "|".join(map(re.escape, match[2].split("|"))) if match[2] else "[^/]+"
                pattern += f"(?P={field})" if field in seen else f"(?P<{field}>{some})"
                seen.add(field)
            else:
                pattern += "[^/]*" if match[3] else re.escape(match[4])
        return re.compile(pattern, re.DOTALL)


def _glob(text: str) -> str:
    return re.sub(r"[^\x00-\x7f]+", "*", re.sub(r"[\[\]?]", "?", text))
