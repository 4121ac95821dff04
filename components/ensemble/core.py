"""How the members of an ensemble were trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TRAINED = (
    *("best_epoch", "kept", "epochs_run", "stopped_early", "steps", "final_learning_rate"),
    *("parameters", "seconds", "devices", "budget", "precision", "precision_reason", "sampling", "train", "eval"),
)


def training(folds: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """The contents of `training.json` of the ensemble, of those of its members by fold; its warnings name the fold."""
    runs = list(folds.values())
    return {
        "members": len(folds),
        "start": f"cold: each of {len(folds)} folds trains a model of its own",
        "warm_starts": 0,
        **{key: runs[0][key] for key in ("weights",) if key in runs[0]},
        "parameters": sum(run["parameters"] for run in runs),
        "seconds": round(sum(run["seconds"] for run in runs), 1),
        "devices": sorted({device for run in runs for device in run["devices"]}),
        "warnings": [f"fold {number}: {warning}" for number, run in folds.items() for warning in run["warnings"]],
        "folds": [{"fold": number, **{key: run[key] for key in _TRAINED}} for number, run in folds.items()],
    }
