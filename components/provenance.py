"""Which recipe and config a model comes from, as manifests and reports hold it."""

from __future__ import annotations

from typing import Any

from components.settings import Section


class Provenance(Section):
    recipe: str
    notice: str
    """What must be said of the data wherever their numbers stand."""
    config: dict[str, Any]
    """The whole config of the run, as JSON has it."""
