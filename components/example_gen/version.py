"""The version of the code that reads a folder, with the layout that a config chooses."""

from __future__ import annotations

from components.code_version import code_version
from components.example_gen.layouts.registry import LAYOUTS

_EXECUTOR = "components.example_gen.executor"


def example_gen_version(layout: str) -> str:
    """As `code_version`, of the executor with a layout; raises KeyError where none has that name."""
    chosen = LAYOUTS[layout]
    return code_version(_EXECUTOR, chosen.listing.__module__, *chosen.modules)
