"""One training as the Trainer does it, and its Dice on each image at the size of its file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
from tfx.components.trainer.fn_args_utils import FnArgs

from benchmarks.quality.prepared import Prepared
from components.artifacts import TRAINING_FILE
from components.evaluator.core import measure
from components.evaluator.per_case import Case
from components.example_gen.core import Source
from components.files import read_json
from components.inference.model import load_model
from components.trainer.run import run_fn
from components.trainer.version import trainer_version
from pipeline.config.root import Config


@dataclass(frozen=True)
class Result:
    """What a trial cost, and what came out."""

    cases: Sequence[Case]
    steps: int
    parameters: int
    seconds: float
    processor_seconds: float


def of_steps(steps: int, batch_size: int) -> tuple[str, ...]:
    """Changes of a config after which it trains for so many steps, at one learning rate where nothing else is said."""
    return (
        *(f"training.batch_size={batch_size}", f"training.budget='{steps} steps'"),
        "training.schedule='constant'",
    )


def of_seed(seed: int) -> tuple[str, ...]:
    """Changes of a config after which all draws of a training come from a seed."""
    return f"training.seed={seed}", f"augmentation.seed={seed}"


def trial(data: Prepared, config: Config) -> Result:
    """Trains, exports and measures."""
    with TemporaryDirectory() as folder:
        served, trained = train(data, config, Path(folder))
        cases = list(cases_of(served, data.sources, config))
    keras.backend.clear_session()
    return Result(
        cases,
        trained["steps"],
        trained["parameters"],
        trained["seconds"],
        trained["processor_seconds"],
    )


def train(data: Prepared, config: Config, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of the exported model, and its `training.json`."""
    run = folder / "run" / "1" / "training"
    arguments = FnArgs(
        train_files=[f"{data.records}/Split-train/*"],
        eval_files=[f"{data.records}/Split-eval/*"],
        serving_model_dir=str(folder / "model"),
        model_run_dir=str(run),
        custom_config={
            "settings": config.trainer.model_dump(mode="json"),
            "code_version": trainer_version(config.trainer),
        },
    )
    run_fn(arguments)
    return folder / "model", read_json(run / TRAINING_FILE)


def cases_of(served: Path, sources: Sequence[Source], config: Config) -> Iterator[Case]:
    """The measures of each source by a served model."""
    predictions = load_model(served).predict(source.image for source in sources)
    for source, prediction in zip(sources, predictions, strict=True):
        yield case_of(source, prediction.classes, config)


def case_of(source: Source, predicted: np.ndarray, config: Config) -> Case:
    """The measures of a source by class indices `(H, W)` uint8 at its size."""
    sample = source.sample
    identity = {"id": sample.id, "group": sample.group, "source": sample.image, "label": sample.label}
    return measure(identity, source.truth.classes, predicted, math.nan, config.evaluator)
