"""Segmentation models from folders of medical images: the face of Maskline for Python. Research software.

Signals, standard output, arguments and environment of the process are left alone; functions work in any thread, one
`run` at a time. A run seeds the generators of Python, NumPy and TensorFlow, and leaves OpenCV one thread a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from components.inference.model import Model, Prediction
    from pipeline.config.root import Config
    from pipeline.runs.listener import Progress
    from pipeline.runs.record import RunRecord

__all__ = ["check", "load_config", "load_model", "measures", "predict", "run"]


def load_config(recipe: str | Path, overrides: Sequence[str] = ()) -> Config:
    """The config of a recipe's name or a TOML file.

    >>> load_config("folders", ["data.height=64"]).data.height
    64
    """
    from pipeline.config import loader

    return loader.load_config(str(recipe), overrides)


def check(folder: str | Path, recipe: str | Path | None = None, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """What is wrong with a data set, as `maskline check --json` says it; without a recipe told from the folder.

    >>> check(folder)["problems"]
    []
    """
    from pipeline.runs.check import check_folder

    return check_folder(Path(folder), None if recipe is None else str(recipe), overrides)


def run(
    config: Config,
    data: str | Path | None = None,
    out: str | Path | None = None,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> RunRecord:
    """Runs the pipeline here, and returns the record of the run; its `status` and `reasons` say how it ended.

    `out` is the output folder, without it `maskline-out/config`. `progress` is told every moment, in this thread.

    >>> record = run(config, folder, out, progress=lambda moment: seen.add(moment.node))
    >>> record.status, "Trainer" in seen
    ('done', True)
    """
    from pipeline.runs.launch import run_here

    return run_here(config, None if data is None else Path(data), Path(out or "maskline-out/config"), progress)


def load_model(folder: str | Path, engine: str = "tensorflow", precision: str | None = None) -> Model:
    """The model of a version's folder, or the one that is served now from a serving folder.

    `engine` is what answers, `"auto"` the fastest that the model offers; `precision` is that in which it computes.

    >>> load_model(out / "serving").classes
    ['foreground']
    """
    from components.inference import model

    return model.load_model(Path(folder), engine=engine, precision=precision)


def predict(model: Model, images: Iterable[str | Path | np.ndarray]) -> Iterator[Prediction]:
    """Class indices and probabilities at the size of each image, one image after another.

    >>> [prediction.classes.shape for prediction in predict(load_model(out / "serving"), images)]
    [(40, 48), (40, 48)]
    """
    return model.predict(images)


def measures(truth: np.ndarray, predicted: np.ndarray, index: int = 1) -> dict[str, float]:
    """Every measure of a class by its index, of class indices `(H, W)` uint8; 255 in truth is not judged.

    >>> import numpy as np
    >>> measures(np.array([[1, 1, 0, 0]], np.uint8), np.array([[1, 0, 1, 0]], np.uint8))["dice"]
    0.5
    """
    from components.measures.measured import measured

    return measured(truth, predicted, index)
