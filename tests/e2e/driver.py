"""Drives the command line as a process of its own, as users do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from warm import warm_python

REPOSITORY = Path(__file__).parents[2]

SMALL = {
    "data.phantoms.women": "24",
    "data.phantoms.size": "96",
    "data.height": "32",
    "data.width": "32",
    "model.parameters.levels": "3",
    "training.epochs": "20",
    "training.learning_rate": "5e-3",
    "evaluation.min_dice": "0",
}
"""The demo, small enough for a test."""


@dataclass(frozen=True)
class Result:
    """A finished command."""

    code: int
    stdout: str
    stderr: str

    @property
    def record(self) -> dict[str, Any]:
        return json.loads(self.stdout)

    def step(self, node: str) -> dict[str, Any]:
        [step] = [step for step in self.record["steps"] if step["id"] == node]
        return step

    @property
    def states(self) -> dict[str, str]:
        return {step["id"]: step["state"] for step in self.record["steps"]}


def command(*arguments: object, python: str = sys.executable) -> list[str]:
    return [python, "-m", "pipeline.cli", *map(str, arguments)]


def maskline(*arguments: object, source: Path = REPOSITORY, cold: bool = False) -> Result:
    """Runs `maskline` from the source tree `source`; `cold`: by the real Python, which imports everything anew."""
    environment = {**os.environ, "PYTHONPATH": str(source)}
    python = sys.executable if cold else warm_python()
    process = subprocess.run(
        command(*arguments, python=python), capture_output=True, text=True, cwd=source, env=environment, check=False
    )
    return Result(process.returncode, process.stdout, process.stderr)


@cache
def nodes(recipe: str = "demo") -> list[str]:
    """The ids of the nodes of a recipe's graph."""
    from pipeline.config.loader import load_config
    from pipeline.graph.pipeline import nodes_of

    return list(nodes_of(load_config(recipe)).traits)


def overrides(**changes: str) -> list[str]:
    """`--set` for the small demo; `section__key` names a key."""
    values = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
