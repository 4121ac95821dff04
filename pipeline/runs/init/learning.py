"""How is learnt what a folder holds: by a plan, of which the recipe has the size of records and the time."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence, Set

from components.trainer.settings import AUTO
from pipeline.config.loader import RECIPES, recipe_names
from pipeline.config.root import PLANNED
from pipeline.runs.examined import Watch
from pipeline.runs.init.understanding import Row, Understanding
from pipeline.runs.plan.choices import SIZE, Choice
from pipeline.runs.plan.core import plan

_MINUTES = 30
"""Of all trainings together."""


def begin(found: Understanding) -> None:
    """What the recipe of the layout says of the data and of limits, where there is one; what is learnt, by a plan."""
    name = found.data["layout"]
    if name in recipe_names():
        document = tomllib.loads((RECIPES / f"{name}.toml").read_text(encoding="utf-8"))
        found.data = {**document.pop("data"), **found.data}
        found.sections = {section: (keys, "") for section, keys in document.items() if section not in PLANNED}
    found.sections["model"] = (
        {"architecture": AUTO},
        "Chosen as a run begins: `maskline plan` shows what, and why.",
    )
    found.sections["training"] = {"budget": f"{_MINUTES} min"}, ""


def size_by_plan(found: Understanding, overrides: Sequence[str], stated: Set[str], watch: Watch) -> None:
    """Puts the size of records, where nobody has stated it, and the time of a training."""
    k = found.sections.get("folds", ({"k": 1}, ""))[0]["k"]
    folds = f" Of {k} folds each takes this long." if k > 1 else ""
    if not stated & {"training.budget", "training.epochs"}:
        found.sections["training"] = (
            {**found.sections["training"][0], "budget": f"{_MINUTES // k} min"},
            f"{_MINUTES} minutes in all; more is seldom worse.{folds}",
        )
    if "tiles" in found.data or stated & {*SIZE}:
        return
    choices = [each for each in plan(found.config(overrides), found.root, watch).choices if each.key in SIZE]
    found.data |= {each.key.partition(".")[2]: each.value for each in choices}
    before = [row.topic for row in found.rows].index("records")
    found.rows[before] = _row(choices)


def _row(choices: Sequence[Choice]) -> Row:
    chosen = {each.key: each for each in choices}
    told = f"{chosen['data.width'].value} x {chosen['data.height'].value}"
    tiles = chosen.get("data.tiles")
    return Row("records", f"tiles of {told}" if tiles else told, chosen["data.height"].why)
