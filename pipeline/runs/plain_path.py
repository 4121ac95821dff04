"""Paths that are no patterns."""

from __future__ import annotations

from pathlib import Path

from components.errors import UsageError


def plain(path: Path) -> Path:
    """The path, whole; TFX and Beam read some characters of a path as patterns.

    Raises:
        UsageError: it has one of them.
    """
    path = path.resolve()
    if set(str(path)) & set("[]{}*?"):
        raise UsageError(
            f"{path}: has one of the characters [ ] {{ }} * ? in its name. Rename it, or use another folder."
        )
    return path
