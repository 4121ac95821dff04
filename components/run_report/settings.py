"""What the report reads of a config."""

from __future__ import annotations

from components.provenance import Provenance
from components.records.settings import Derivation
from components.task import Task


class ReportSettings(Provenance):
    task: Task
    derivation: Derivation
    code: dict[str, str] = {}
    """By node, the version of the code that it runs with."""
