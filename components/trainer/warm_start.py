"""Where training starts: from drawn weights, cold, or from those of the champion, warm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired

import keras
from typing_extensions import TypedDict

from components.artifacts import KERAS_FILE, TRAINING_FILE
from components.foreign import foreign
from components.serving_dir import MANIFEST_FILE, read_paper
from components.serving_papers import Manifest
from components.task import Task
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.settings import TrainerSettings
from components.zipped import archive_of, refuse_bomb


class _Unreadable(ValueError):
    """A file that holds no model of which the weights can be had."""


class _Task(TypedDict):
    classes: list[str]


class _Model(TypedDict):
    architecture: str
    parameters: dict[str, Any]


class _Config(TypedDict):
    task: NotRequired[_Task]
    model: _Model
    shape: list[int]
    """Height, width, channels."""


class _Trained(TypedDict):
    """What is compared of the `training.json` in a model's `assets.extra`."""

    config: _Config


@dataclass(frozen=True)
class Start:
    """How a training has started."""

    text: str
    """For people: `warm from version N`, or `cold: ` and the reason."""
    warm_starts: int = 0
    """Versions in a row, this one included, that began with the weights of the one before; 0 of a cold start."""

    def as_json(self) -> dict[str, Any]:
        return {"start": self.text, "warm_starts": self.warm_starts}


def start(model: keras.Model, champion: Path | None, settings: TrainerSettings) -> Start:
    """Gives the model the weights of the champion where it asks for them and they fit.

    Whether every `cold_every`-th version is due to start cold is told by the champion's manifest alone.

    Args:
        model: as `build_segmenter` makes it of `settings`; what training alone has stays as drawn.
        champion: folder of the served version, with its manifest; without one, or None, the start is cold.
        settings: what is trained now.
    """
    if champion is None:
        return Start("cold: [training] warm_start = false")
    if not (champion / MANIFEST_FILE).is_file():
        return Start("cold: there is no champion")
    manifest = read_paper(champion / MANIFEST_FILE, Manifest)
    version, warm_starts = manifest["version"], manifest.get("warm_starts", 0) + 1
    extra = champion / "assets.extra"
    if not ((extra / TRAINING_FILE).is_file() and (extra / KERAS_FILE).is_file()):
        return Start(f"cold: the champion, version {version}, has no Keras model to go on from")
    cold_every = settings.training.cold_every
    if cold_every and warm_starts >= cold_every:
        return Start(
            f"cold: [training] cold_every = {cold_every}, and {warm_starts - 1} warm starts led to version {version}"
        )
    difference = next(_differences(read_paper(extra / TRAINING_FILE, _Trained)["config"], settings), None)
    if difference:
        return Start(f"cold: version {version} has {difference}")
    try:
        with foreign(_Unreadable, f"the Keras model of version {version} cannot be read"):
            with archive_of(extra / KERAS_FILE) as archive:
                refuse_bomb(extra / KERAS_FILE, archive)
            weights = keras.saving.load_model(extra / KERAS_FILE, compile=False).get_weights()
    except _Unreadable as error:
        # Damaged, or of code that is gone; training can do without.
        return Start(f"cold: {error}")
    if [one.shape for one in weights] != [one.shape for one in model.network.get_weights()]:
        return Start(f"cold: version {version} was built by other code, its layers are not those of today")
    model.network.set_weights(weights)
    return Start(f"warm from version {version}", warm_starts)


def _differences(champion: _Config, settings: TrainerSettings) -> Iterator[str]:
    """What makes weights of the champion useless here, for people."""
    own = settings.task.classes
    # Without a task it was made when there was one class, whatever its name.
    classes = champion["task"]["classes"] if "task" in champion else (Task().classes if settings.task.several else own)
    if classes != own:
        yield f"the classes {', '.join(classes)}, not {', '.join(own)}"
    theirs, ours = champion["model"], settings.model
    if theirs["architecture"] != ours.architecture:
        yield f"the architecture {theirs['architecture']!r}, not {ours.architecture!r}"
    parameters = ARCHITECTURES[ours.architecture].renamed(theirs["parameters"])
    for name in sorted({*parameters, *ours.parameters}):
        one, other = parameters.get(name), ours.parameters.get(name)
        if one != other:
            yield f"the parameter {name} = {one!r}, not {other!r}"
    if tuple(champion["shape"]) != settings.derivation.shape:
        yield f"inputs of {_size(champion['shape'])}, not {_size(settings.derivation.shape)}"


def _size(shape: Any) -> str:
    """Height x width x channels."""
    return " x ".join(map(str, shape))
