"""Finds before a run what the cluster would refuse, or silently overlook, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.errors import UsageError
from pipeline.kubeflow.spec.package import Package, read_package

if TYPE_CHECKING:
    from pipeline.kubeflow.spec.parsed import Fault


def lint(package: Package) -> list[Fault]:
    """What is wrong with a package, in the order of its parts; empty for nothing."""
    from pipeline.kubeflow.spec import lint_containers, lint_graph
    from pipeline.kubeflow.spec.parsed import Unparsable, parse

    try:
        parsed = parse(package)
    except Unparsable as error:
        return error.faults
    return [fault for rule in (*lint_graph.RULES, *lint_containers.RULES) for fault in rule(parsed)]


def lint_file(path: Path) -> list[Fault]:
    """What is wrong with a file.

    Raises:
        UsageError: it cannot be read.
    """
    from pipeline.kubeflow.spec.parsed import Fault

    if path.suffix not in (".yaml", ".yml"):
        why = "Kubeflow's client and server take pipeline specs as .yaml alone"
        return [Fault("file", f"the name {path.name}", why, "Compile to FILE.yaml with `maskline kubeflow compile`")]
    return lint(read_package(path))


def refuse(faults: Sequence[Fault]) -> None:
    """Raises UsageError: with what is wrong, where it is more than a warning."""
    errors = [str(fault) for fault in faults if not fault.warning]
    if errors:
        raise UsageError("\n".join(errors))
