"""The versions of code that works with engines, with those that were chosen."""

from __future__ import annotations

from collections.abc import Iterable

from components.code_version import code_version
from components.inference.engines.registry import FORMS, module_name


def version_with_engines(node: str, forms: Iterable[str]) -> str:
    """As `code_version`, of the executor of a node's package, which knows every engine by name, with the modules of
    those of some forms."""
    return code_version(f"components.{node}.executor", *sorted({module_name(FORMS[form][0]) for form in forms}))
