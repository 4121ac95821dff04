"""A version of a model whose answers are known, without a training."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.files import write_json
from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation
from components.serving_graph.export import export_model
from components.task import Task

SIDE = 16
STORED = OperatingPoint(mirror=True, temperature=2.0, threshold=0.3)


class Known(tf.Module):
    """Of one class: bright is found, the more the farther to the right."""

    def __call__(self, inputs: Any, training: bool = False) -> tf.Tensor:
        images = inputs[0] if isinstance(inputs, tuple) else inputs
        return 0.02 + 0.9 * images * tf.linspace(0.5, 1.0, images.shape[2])[:, None]


def version_in(folder: Path, point: OperatingPoint, **derived: Any) -> Path:
    derivation, task = Derivation(height=SIDE, width=SIDE, **derived), Task(classes=["lesion"])
    export_model(Known(), folder, task, point, derivation)
    (folder / "assets.extra").mkdir()
    config = {"derivation": derivation.model_dump(), "task": task.model_dump(), "operating_point": point.model_dump()}
    write_json(folder / "assets.extra/training.json", {"config": config})
    write_json(folder / "MANIFEST.json", {"version": folder.name})
    write_json(folder.parent / "CHAMPION.json", {"version": folder.name})
    return folder


def pushed(version: Path, serving: Path, name: str, threshold: float = 0.5) -> Path:
    """Another version like that one, at a threshold, as what is to be served."""
    shutil.copytree(version, serving / name)
    training = json.loads((version / "assets.extra/training.json").read_text())
    training["config"]["operating_point"]["threshold"] = threshold
    write_json(serving / name / "assets.extra/training.json", training)
    write_json(serving / name / "MANIFEST.json", {"version": name})
    write_json(serving / "CHAMPION.json", {"version": name})
    return serving / name


def square(height: int, width: int) -> np.ndarray:
    image = np.zeros((height, width), np.uint8)
    image[3:12, width - 12 : width - 3] = 255
    return image
