"""What is fuzzed: something that reads files, and small valid ones of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fuzz.mutate import Change

LONGEST = 1000
"""Characters of a line of a reason."""


class Unclear(AssertionError):
    """A finding that is no exception of a reader: a reason nobody can read."""


@dataclass(frozen=True)
class Reader:
    """One reader, or several of the same files."""

    seeds: Callable[[], list[bytes]]
    reads: tuple[Callable[[Path], object], ...]
    """All are asked of each file; a list of texts that they return are reasons."""
    refused: tuple[type[Exception], ...]
    """The errors that they document."""
    changes: tuple[Change, ...] = ()
    name: str = "input"
    """The path of the file in a folder of its own."""
    beside: Mapping[str, bytes] = field(default_factory=dict)
    """Other files in that folder."""

    def lay_out(self, folder: Path) -> Path:
        """Writes what stands beside the file; returns its path."""
        for name, content in self.beside.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        path = folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def ask(self, path: Path) -> int:
        """How many of the reads took the file.

        Raises:
            Unclear: a reason that is too long, or a refusal for want of memory.
            Exception: any that is not documented.
        """
        taken = 0
        for read in self.reads:
            try:
                found = read(path)
            except self.refused as error:
                _check([str(error)], error)
            else:
                taken += 1
                _check(found if isinstance(found, list) else [])
        return taken


def _check(reasons: Iterable[object], error: BaseException | None = None) -> None:
    for reason in reasons:
        longest = max(str(reason).split("\n"), key=len)
        if len(longest) > LONGEST:
            raise Unclear(f"a reason of {len(longest)} characters: {longest[:200]}")
    while error:
        # Another machine has it. But NumPy asks for room before it reads, and fills no more of it than there is.
        wanted = isinstance(error, MemoryError) or "Insufficient memory" in str(error)
        if wanted and "Unable to allocate" not in str(error):
            raise Unclear(f"refused only for want of memory: {error}") from error
        error = error.__cause__
