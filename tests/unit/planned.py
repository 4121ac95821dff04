"""What tests of plans have in common: data sets as a plan sees them, and recipes that leave it the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.config.loader import parse_config
from pipeline.config.root import Config
from pipeline.runs.plan.choices import Choice
from pipeline.runs.plan.fingerprint import Fingerprint, Machine

GIB = 2.0**30
MACHINE = Machine(cores=2, memory=16 * GIB)
FILMS = Fingerprint(
    images=41,
    groups=41,
    tested=10,
    prescribed=False,
    height=1024,
    width=1024,
    longest=1024,
    lesion=60.0,
    shares={"foreground": 0.02},
    present={"foreground": 1.0},
    machine=MACHINE,
)
CELLS = replace(FILMS, height=256, width=256, longest=696, lesion=10.0, shares={"foreground": 0.2})


def untouched(items: Any, count: int) -> Any:
    return items


def values(choices: list[Choice]) -> dict[str, Any]:
    return {choice.key: choice.value for choice in choices}


AUTO = """
[data]
layout = "folders"
height = 64
width = 64
[model]
architecture = "auto"
[training]
budget = "5 min"
batch_size = 3
"""


def auto(**sections: Any) -> Config:
    document: dict[str, Any] = {
        "data": {"layout": "mias", "height": 64, "width": 64},
        "model": {"architecture": "auto"},
        "training": {"budget": "5 min", "batch_size": 3},
    }
    return parse_config({**document, **sections}, "test")
