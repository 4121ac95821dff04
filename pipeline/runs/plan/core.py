"""The plan of a config: what it leaves open, chosen from the data; and what of it stands against what is stated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from components.errors import UsageError
from components.trainer.settings import Training
from pipeline.config.faults import faults
from pipeline.config.root import PLANNED, Config
from pipeline.runs.examined import Watch
from pipeline.runs.plan.choices import Choice, choose
from pipeline.runs.plan.fingerprint import Fingerprint, fingerprint_of, this_machine
from pipeline.runs.plan.networks import ENCODER, Network
from pipeline.runs.plan.sizes import Size

INSTEAD = {"height": ("tiles",), "strength": ("copies", "online")}
"""Keys, and those whose place they take."""
_OF_OPTIMIZER = ("training.learning_rate", "training.schedule")


@dataclass(frozen=True)
class Plan:
    """What should be learnt, and how, and what was seen for it."""

    seen: Fingerprint
    choices: Sequence[Choice]


def plan(config: Config, root: Path, watch: Watch, network: Network = ENCODER) -> Plan:
    """The plan for a folder, by the budget that the config states; without one, or by epochs, by that of the plan.

    Raises:
        UsageError: none of the images can be used, or the folder cannot be read.
    """
    seen = fingerprint_of(root, config.records, watch, this_machine())
    # What is cut out keeps its scale: how large it should be, the recipe says.
    size = size_of_records(config, seen) if config.data.fit == "crop" else None
    return Plan(seen, going_with(config, choose(seen, minutes_of(config), network, size)))


def going_with(config: Config, choices: Sequence[Choice]) -> list[Choice]:
    """Those of them that nothing else that is stated, and stays with them, decides or excludes."""
    return [choice for choice in choices if _goes(choice.key, config, choices)]


def as_planned(config: Config, root: Path, watch: Watch) -> tuple[Config, Plan | None]:
    """A config that can be trained: one whose architecture is `auto` with what a plan says of all that nobody has
    stated, and that plan. Records keep their size, which every config states.

    Raises:
        UsageError: as `plan`, or what is stated does not go with it.
    """
    if config.model.planned:
        return config, None
    seen = fingerprint_of(root, config.records, watch, this_machine())
    chosen = choose(seen, minutes_of(config), stated=size_of_records(config, seen))
    choices = [choice for choice in chosen if _is_open(choice.key, config)]
    return with_choices(config, choices), Plan(seen, choices)


def with_choices(config: Config, choices: Iterable[Choice]) -> Config:
    """A config with other values for some keys; what else it states stays, but for what they take the place of.

    Raises:
        UsageError: that does not go together.
    """
    chosen = table_of(choices)
    tables = {name: {**_kept(config.given(name), name, chosen), **chosen.get(name, {})} for name in PLANNED}
    if "data" in chosen:
        tables["data"] = {**_kept(config.data.model_dump(), "data", chosen), **chosen["data"]}
    try:
        return config.with_sections({name: table for name, table in tables.items() if table})
    except ValidationError as error:
        raise UsageError("\n".join(faults(error, "the plan"))) from None


def _kept(stated: Mapping[str, Any], section: str, chosen: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    gone = {old for key in chosen.get(section, ()) for old in INSTEAD.get(key, ())}
    return {key: value for key, value in stated.items() if key not in gone}


def table_of(choices: Iterable[Choice]) -> dict[str, dict[str, Any]]:
    """Keys and values by their sections."""
    found: dict[str, dict[str, Any]] = {}
    for choice in choices:
        section, key = choice.key.split(".")
        found.setdefault(section, {})[key] = choice.value
    return found


def _is_open(key: str, config: Config) -> bool:
    """Whether nobody has stated a key, or what decides it."""
    section, name = key.split(".")
    stated = config.given(section)
    if section == "model":
        return True
    decided = {"learning_rate": {"schedule"}, "strength": stated.keys(), "k": stated.keys()}
    return _goes(key, config) and not stated.keys() & {name, *decided.get(name, ())}


def _goes(key: str, config: Config, choices: Iterable[Choice] = ()) -> bool:
    """Whether a key of these choices stays the plan's, whatever the config says of the key itself."""
    if key == "folds.k":
        return _may_have_folds(config, choices)
    # The plan's rate and schedule are those of the optimizer that is the default.
    return key not in _OF_OPTIMIZER or config.training.optimizer == Training.model_fields["optimizer"].default


def _may_have_folds(config: Config, choices: Iterable[Choice] = ()) -> bool:
    """Whether nothing that is stated, and stays with these choices, excludes them."""
    kept = not any(choice.key == "data.height" for choice in choices)
    tiles = config.data.tiles
    return not config.training.warm_start and not (kept and tiles and tiles.reduced_copy)


def size_of_records(config: Config, seen: Fingerprint) -> Size:
    """What a config states of the size at which is trained."""
    data = config.data
    scale = 1.0 if data.tiles or data.fit == "crop" else min(1.0, max(data.height, data.width) / seen.longest)
    patch = config.training.patch or data
    return Size(patch.height, patch.width, data.tiles is not None, scale)


def minutes_of(config: Config) -> float | None:
    """That a training may take; None: the config does not say it in time."""
    budget = config.training.budget
    return budget.seconds / 60 if budget and budget.seconds else None
