"""Engines that answer a tile of 512 px by the plain U-Net (16 filters, 6 levels, RGB), side by side in one run.

The network has learnt breast, muscle and lesion of phantom films for some steps, so that int8 has something to lose.
Its files, and those of what it is converted to, are in a temporary folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import keras
import numpy as np

from benchmarks._timing import processor_seconds, ratio, seconds
from components.imaging.files.codecs import as_float, with_channels
from components.inference.engines.engine import Asked, Engine
from components.inference.engines.frozen import Frozen, frozen
from components.inference.engines.registry import FORMS, engine_module, is_installed
from components.inference.engines.tensorflow import SavedModel
from components.inference.operating_point import OperatingPoint
from components.measures.comparison import Comparison
from components.measures.overlap import DICE
from components.records.record import intensity
from components.records.settings import Derivation, Tiles
from components.serving_graph.export import export_model
from components.task import Task
from components.trainer.choices import loss_named
from components.trainer.segmenter import Segmenter, build_segmenter
from components.trainer.settings import Model
from pipeline.runs.phantoms.film import draw_film
from pipeline.runs.phantoms.truth import class_mask

_SIDE, _PATCH, _STEPS, _ROUNDS = 512, 192, 240, 15
_TASK = Task(classes=["breast", "muscle", "lesion"])
_DERIVATION = Derivation(height=_SIDE, width=_SIDE, channels=3, tiles=Tiles())
_LEARNT, _SHOWN = range(1, 25), range(101, 117)
"""Films; int8 finds its ranges by eight that were learnt from."""
_SAMPLES = 8


def measure() -> Iterator[str]:
    """Yields for each engine its times over those of TensorFlow in float32, taken in turn, and how its masks differ."""
    films = {number: _film(number) for number in (*_LEARNT, *_SHOWN)}
    trained = _trained([films[number] for number in _LEARNT])
    samples = [films[number][0] for number in _LEARNT][:_SAMPLES]
    shown = [films[number] for number in _SHOWN]
    with TemporaryDirectory() as root:
        export_model(trained, Path(root) / "model", _TASK, OperatingPoint(), _DERIVATION)
        base = SavedModel(Path(root) / "model", own=True)
        yield f"tensorflow-float32: {_dice_of_truth([base(asked) for asked, _ in shown], shown)}"
        for name, engine in _others(Path(root), samples):
            yield f"{name}: {engine if isinstance(engine, str) else _told(engine, base, shown)}"


def _others(root: Path, samples: list[Asked]) -> Iterator[tuple[str, Engine | str]]:
    """Each engine, or why it is not measured."""
    given = frozen(root / "model")
    for name, (engine, precision) in FORMS.items():
        yield name, _converted(given, root / name, engine, precision, samples) if is_installed(engine) else "absent"


def _converted(given: Frozen, folder: Path, engine: str, precision: str, samples: list[Asked]) -> Engine:
    module = engine_module(engine, converts=True)
    module.convert(given, folder, precision, samples)
    opened: Engine = module.open_engine(folder, precision)
    return opened


def _told(engine: Engine, base: Engine, shown: list[tuple[Asked, np.ndarray]]) -> str:
    tile = shown[0][0]
    fast, slow = partial(engine, tile), partial(base, tile)
    fast()
    times = [_ratio(fast, slow, kind) for kind in (processor_seconds, seconds)]
    answers = [(engine(asked), base(asked)) for asked, _ in shown]
    largest = max(float(np.abs(one - other).max()) for one, other in answers)
    alike = [_dice(_mask(other), _mask(one)) for one, other in answers]
    return (
        f"processor time {times[0]}, wall time {times[1]} of TensorFlow's in float32; probabilities differ by "
        f"{largest:.2g} at most; Dice of its masks with those of TensorFlow {np.mean(alike):.4f}, at least "
        f"{min(alike):.4f}; {_dice_of_truth([one for one, _ in answers], shown)}"
    )


def _ratio(
    fast: Callable[[], object], slow: Callable[[], object], kind: Callable[[Callable[[], object]], float]
) -> str:
    return ratio(fast, slow, _ROUNDS, kind)


def _dice_of_truth(answers: list[np.ndarray], shown: list[tuple[Asked, np.ndarray]]) -> str:
    found = [_dice(truth, _mask(answer)) for answer, (_, truth) in zip(answers, shown, strict=True)]
    return f"Dice with the truth {np.mean(found):.4f} (mean over classes, {len(found)} films)"


def _dice(truth: np.ndarray, mask: np.ndarray) -> float:
    """Mean over the classes that are there."""
    indices = range(1, len(_TASK.classes) + 1)
    return float(np.nanmean([DICE.value(Comparison(truth, mask, index), "skip") for index in indices]))


def _mask(answer: np.ndarray) -> np.ndarray:
    return _TASK.predicted(answer[0], 0.5)


def _film(number: int) -> tuple[Asked, np.ndarray]:
    """As it is asked about, and its class indices `(512, 512)`."""
    film = draw_film(number, _SIDE, seed=5)
    image = with_channels(film.pixels, 3)
    return Asked(as_float(image)[None], np.array([intensity(image)], np.float32)), class_mask(film)


def _untrained() -> Segmenter:
    return build_segmenter(3, Model(parameters={"levels": 6, "base_filters": 16}), _TASK)


def _trained(films: list[tuple[Asked, np.ndarray]]) -> Segmenter:
    """On two patches of films at a step, half of them around something rare."""
    keras.utils.set_random_seed(0)
    model, rng = _untrained(), np.random.default_rng(0)
    model.compile(keras.optimizers.Adam(2e-3), loss=loss_named("ce_dice", _TASK))
    for _ in range(_STEPS):
        patches = [_patch(*films[index], rng) for index in rng.integers(0, len(films), 2)]
        images, moments, truth = (np.stack(each) for each in zip(*patches, strict=True))
        model.train_on_batch((images, moments), truth)
    return model


def _patch(asked: Asked, truth: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    places = np.argwhere(truth == (truth.max() if rng.random() < 0.5 else rng.choice(np.unique(truth))))
    top, left = np.clip(places[rng.integers(len(places))] - _PATCH // 2, 0, _SIDE - _PATCH)
    there = (slice(top, top + _PATCH), slice(left, left + _PATCH))
    return asked.images[0][there], asked.moments[0], truth[there][..., None].astype(np.float32)
