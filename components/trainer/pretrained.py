"""Weights that a model does not draw, and has from no champion."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NotRequired

from typing_extensions import TypedDict

from components.artifacts import TRAINING_FILE
from components.errors import UsageError
from components.serving_dir import read_paper
from components.trainer.models.registry import network_module
from components.trainer.segmenter import Segmenter
from components.trainer.settings import TrainerSettings
from components.trainer.warm_start import Start


class _Trained(TypedDict):
    """What is read of the `training.json` in a champion's `assets.extra`."""

    weights: NotRequired[dict[str, Any]]


def load_pretrained(
    model: Segmenter, champion: Path | None, begun: Start, settings: TrainerSettings, files: Mapping[str, str]
) -> dict[str, Any]:
    """Gives a model that has started cold the weights that its parameters name.

    Args:
        model: as `build_segmenter` makes it of `settings`.
        champion: folder of the served version, or None.
        begun: how the training has started. Where that was with the champion's weights, these stay, and nothing is read
            but where they once came from.
        settings: what is trained.
        files: the SHA-256 that files had when the run was planned, by their paths.

    Returns:
        `{"weights": ...}` for `training.json`, and nothing of an architecture that draws all of its weights.

    Raises:
        UsageError: the weights cannot be had, or are not those that were planned.
    """
    pretrained = getattr(import_module(network_module(settings.model.architecture)), "pretrained", None)
    if pretrained is None:
        return {}
    if begun.warm_starts and champion:
        trained = read_paper(champion / "assets.extra" / TRAINING_FILE, _Trained)
        return {"weights": trained.get("weights")}
    weights = pretrained(model.network, settings.model.built)
    planned = files.get(weights["source"])
    if planned and weights["sha256"] != planned:
        raise UsageError(
            f"{weights['source']}: found SHA-256 {weights['sha256'][:12]}..., the run was planned with "
            f"{planned[:12]}...: the file has changed since, or is another one here. Start the run, or compile the "
            "pipeline, anew"
        )
    return {"weights": weights}
