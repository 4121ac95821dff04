"""What killed runs have left in an output folder: half artifacts, and files under temporary names."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from components.artifacts import CHECKPOINTS
from pipeline.runs.contents import remove

_SYSTEM = ".system"
"""In the folder of every node: where TFX keeps what a node needs while it runs."""
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{32}")
"""As `components.files` calls a file until it is whole."""

_CHECKPOINT = CHECKPOINTS + 16 * "[0-9a-f]"
_CHECKPOINT_DAYS = 14
"""Of each node the newest checkpoint stays so long, for a run that goes on from it."""

Artifact = tuple[str, str, str]
"""Node, key and number: its folder below that of all artifacts, which may have been moved since."""


def artifact_of(path: Path) -> Artifact:
    """The artifact in a folder."""
    node, key, number = path.parts[-3:]
    return node, key, number


def prune(out: Path, finished: Collection[Artifact]) -> None:
    """Removes what no finished node has left; the caller holds the lock of the output folder.

    Where a name is none that TFX or `components.files` give, the file is a person's, and stays.
    """
    for system in out.glob(f"artifacts/*/{_SYSTEM}"):
        # Each run has its own.
        for path in system.glob("*/*"):
            shutil.rmtree(path, ignore_errors=True)
        for path in system.parent.glob("[!.]*/*"):
            if path.is_dir() and path.name.isdigit() and artifact_of(path) not in finished:
                remove(path)
    for path in _old_checkpoints(out):
        shutil.rmtree(path, ignore_errors=True)
    for path in _temporary(out):
        path.unlink(missing_ok=True)


def _old_checkpoints(out: Path) -> Iterator[Path]:
    for node in out.glob("artifacts/*"):
        newest, *older = [*sorted(node.glob(_CHECKPOINT), key=_changed, reverse=True), None]
        yield from filter(None, older)
        if newest and time.time() - _changed(newest) > _CHECKPOINT_DAYS * 24 * 3600:
            yield newest


def _changed(folder: Path) -> float:
    """When a folder has got a file last, seconds since the epoch."""
    return folder.stat().st_mtime


def _temporary(out: Path) -> Iterator[Path]:
    """Not those in the output folder itself, where a scheduler writes whether a run is on or not."""
    for pattern in ("runs/*/.*", "schemas/.*", f"artifacts/*/{_CHECKPOINT}/.*"):
        yield from (path for path in out.glob(pattern) if _TEMPORARY.fullmatch(path.name))
