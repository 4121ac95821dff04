"""Whether a champion can be asked about the records of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from components.records.settings import Derivation
from components.task import Task


def incomparable(champion: Mapping[str, Any], derivation: Derivation, task: Task) -> str | None:
    """Why a champion cannot be measured on the records of a run, or None if it can.

    `champion` is the section `[data]` of its manifest; keys that an old manifest lacks are taken as unchanged, without
    classes it has foreground alone, and what it learnt was turned upright unless it says otherwise. Records are made by
    the derivation of the run: a champion that expects others would be measured on what it was not made for, and lose.
    Whole images can be resized for it.
    """
    ours = derivation.model_dump(mode="json")
    whole = derivation.fit != "crop" and not derivation.tiles
    keys = [key for key in ours if key not in ("tiles", "orientation", *(("height", "width") if whole else ()))]
    changed = [key for key in keys if champion.get(key, ours[key]) != ours[key]]
    if _cutting(champion.get("tiles", ours["tiles"])) != _cutting(ours["tiles"]):
        changed.append("tiles")
    if (champion.get("orientation") != "ignore") != derivation.upright:
        changed.append("orientation")
    if (champion.get("classes") or Task().classes) != task.classes:
        changed.append("classes")
    return f"[data] {' and '.join(changed)} changed" if changed else None


def _cutting(tiles: Mapping[str, Any] | None) -> tuple[bool, bool]:
    """Whether there are tiles, and whether they change the scale; other settings only choose which tiles there are."""
    return tiles is not None, tiles is not None and tiles["edge"] == "stretch"
