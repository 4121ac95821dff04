"""The version of the exporting code, with the engines that were chosen."""

from __future__ import annotations

from collections.abc import Iterable

from components.code_version import code_version
from components.inference.engines.registry import FORMS, module_name


def exporter_version(forms: Iterable[str]) -> str:
    """As `code_version`, of the executor, which knows every engine by name, with the modules of those of some forms."""
    return code_version("components.engine_export.executor", *sorted({module_name(FORMS[form][0]) for form in forms}))
