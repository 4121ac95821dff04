"""Annotations of other programs: the parts of their documents, and what they call a class."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from components.imaging.truth.shapes import UnclearShape
from components.task import Task


class Part(BaseModel):
    """A part of a document of another program. Keys that are not read may be there."""

    model_config = ConfigDict(frozen=True, strict=True)


def class_index(name: str, task: Task) -> int:
    """Of a class that a task has; what has no name is of its only class.

    Raises:
        UnclearShape: another name, or none where there are several classes.
    """
    if not name and not task.several:
        return 1
    if name not in task.classes:
        raise UnclearShape(f"{f'of class {name!r}' if name else 'of no class'}, expected {' or '.join(task.classes)}")
    return task.classes.index(name) + 1
