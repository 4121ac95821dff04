"""Documents of annotations in folders for which no layout was chosen, or another one."""

from __future__ import annotations

from pathlib import Path

from components.example_gen.tables import read_text
from components.imaging.annotations.content import content_of
from components.imaging.annotations.registry import FORMATS
from components.imaging.truth.shapes import UnclearShape


def document_kind(path: Path) -> str | None:
    """What kind of annotations a file holds, with what to do with it; None where it is none that is known."""
    try:
        content = content_of(read_text(path))
    except (OSError, UnclearShape):
        return None
    title = next((each.title for each in FORMATS.values() if each.told(content)), None)
    return title and f"{title}, which layout 'annotations' reads: set [data] layout = \"annotations\""
