"""What is in the artifacts: a list of files beside each, by which damage is found before a cached result is used."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from pydantic import BaseModel, TypeAdapter

from components.files import write_bytes


class Content(BaseModel):
    """A file as its node has left it."""

    size: int
    """Bytes."""
    changed: int
    """Time of the last change, nanoseconds."""
    sha256: str


_LIST = TypeAdapter(dict[str, Content])


def list_file(artifact: Path) -> Path:
    """Where the list of an artifact is, by the path of its folder."""
    return artifact.with_name(f".{artifact.name}.json")


def note(artifact: Path, *, made: bool = False) -> None:
    """Writes the list of an artifact that was `made` now, or has none; what has come without one is taken as it is."""
    if made or _noted(artifact) is None:
        _write(artifact, {name: _content(artifact / name) for name in _names(artifact)})


def damage(artifact: Path, *, thorough: bool = False) -> str | None:
    """What is wrong with an artifact: `NAME is missing` or `NAME is damaged`; None where nothing is, or nothing noted.

    Args:
        artifact: path of its folder.
        thorough: whether files are read that have size and time of before; others are read always.
    """
    noted = _noted(artifact) or {}
    found: dict[str, Content] = {}
    for name, before in noted.items():
        now = _now(artifact / name, before, thorough)
        if now is None:
            return f"{name} is missing"
        if now.sha256 != before.sha256:
            return f"{name} is damaged"
        found[name] = now
    if found != noted:
        # Copied, say: once is enough.
        _write(artifact, found)
    return None


def doubt(artifact: Path) -> None:
    """Lets the next look at an artifact read all of its files."""
    _write(artifact, {name: file.model_copy(update={"changed": 0}) for name, file in (_noted(artifact) or {}).items()})


def remove(artifact: Path) -> None:
    """With its list: TFX takes for cached whatever still is there."""
    shutil.rmtree(artifact, ignore_errors=True)
    list_file(artifact).unlink(missing_ok=True)


def _now(path: Path, before: Content, thorough: bool) -> Content | None:
    if not path.is_file():
        return None
    state = path.stat()
    unchanged = (state.st_size, state.st_mtime_ns) == (before.size, before.changed)
    return before if unchanged and not thorough else _content(path)


def _names(artifact: Path) -> list[str]:
    return sorted(str(path.relative_to(artifact)) for path in artifact.rglob("*") if path.is_file())


def _content(path: Path) -> Content:
    state = path.stat()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Content(size=state.st_size, changed=state.st_mtime_ns, sha256=digest)


def _noted(artifact: Path) -> dict[str, Content] | None:
    """None where there is no list, or none that can be read: it is made again."""
    try:
        return _LIST.validate_json(list_file(artifact).read_bytes())
    except (OSError, ValueError):
        return None


def _write(artifact: Path, noted: dict[str, Content]) -> None:
    write_bytes(list_file(artifact), _LIST.dump_json(noted))
