"""What whoever runs a graph must know of a node beside its inputs and outputs; its component declares it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """The class attribute `traits` of a component."""

    always_runs: bool = False
    """Its results are never reused: what it did to the outside may have been undone since."""
    looks_outside: bool = False
    """It goes to folders that are no artifacts. Kubeflow's cache does not see them, and on a cluster it needs their
    volumes."""
    retryable: bool = True
    """False: what it refuses, it refuses again."""
