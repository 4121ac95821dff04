"""What the serving check knows of a model."""

from __future__ import annotations

from components.records.settings import Derivation
from components.settings import Section
from components.task import Task


class ServingCheckSettings(Section):
    """By which classes a model answers, and what it does to files."""

    task: Task
    derivation: Derivation
