"""What the bulk inferrer reads of a config."""

from __future__ import annotations

from components.records.settings import Derivation
from components.settings import Section
from components.task import Task


class InferrerSettings(Section):
    """Everything that answers depend on."""

    task: Task
    derivation: Derivation
    splits: list[str]
    """Whose images are asked; those of the test split of the champion, too."""
    mirror: bool
    """Whether answers to mirrored windows are kept as well."""
