"""One small data set taken through the first nodes once: records, augmented records and a trained model."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils
from warm import warm_python

from components.augmentor.executor import Executor as Augmentor
from components.bulk_inferrer.executor import Executor as BulkInferrer
from components.bulk_inferrer.settings import InferrerSettings
from components.calibrator.executor import Executor as Calibrator
from components.evaluator.executor import Executor as Evaluator
from components.evaluator.settings import EvaluatorSettings
from components.example_gen.executor import Executor as ImageMaskExampleGen
from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation
from components.serving_graph.export import Windows, export_model
from components.serving_graph.warmup import write_warmup
from components.task import Task
from components.trainer.run import run_fn
from components.trainer.segmenter import build_segmenter
from pipeline.config.loader import parse_config
from pipeline.config.root import Config

_CONFIG = {
    "data": {
        "layout": "folders",
        "height": 32,
        "width": 32,
        "groups": {"by": "pattern", "pattern": r"(p\d+)_"},
        "splits": {"train": 50, "eval": 25, "test": 25},
    },
    "augmentation": {
        **{"copies": 2, "horizontal_flip": 0.5, "vertical_flip": 0.5, "right_angle": 0.5},
        "rotation": {"probability": 1.0, "degrees": [-20.0, 20.0]},
    },
    "model": {"parameters": {"levels": 3, "base_filters": 4, "dropout": 0.05, "normalisation": "batch"}},
    "training": {"epochs": 24, "batch_size": 8, "learning_rate": 0.01, "seed": 7},
    "evaluation": {"min_dice": 0.3},
}


@pytest.fixture(scope="module")
def warm_children() -> Iterator[None]:
    """The processes that nodes start have their libraries imported already."""
    python = warm_python()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", python)
        yield


def _artifact(kind: type[Artifact], folder: Path, splits: Iterable[str] = ()) -> Artifact:
    folder.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(folder)
    if splits:
        artifact.split_names = json.dumps(list(splits))
    return artifact


def _run_executor(executor: type, inputs: dict[str, Artifact], outputs: dict[str, Artifact], **parameters: Any) -> None:
    executor().Do(
        {key: [artifact] for key, artifact in inputs.items()},
        {key: [artifact] for key, artifact in outputs.items()},
        {key: value if isinstance(value, str) else value.model_dump_json() for key, value in parameters.items()},
    )


def _train(config: Config, examples: Artifact, folder: Path, champion: Path | None = None, **training: Any) -> FnArgs:
    changed = config.training.model_copy(update=training)
    settings = config.trainer.model_copy(update={"training": changed, "augmentation": None})
    arguments = FnArgs(
        train_files=[f"{examples.uri}/Split-train/*"],
        eval_files=[f"{examples.uri}/Split-eval/*"],
        serving_model_dir=path_utils.serving_model_dir(str(folder / "model")),
        model_run_dir=str(folder / "model_run" / "1"),
        base_model=None if champion is None else str(champion),
        custom_config={"settings": settings.model_dump(mode="json"), "code_version": "tests"},
    )
    run_fn(arguments)
    return arguments


@pytest.fixture(scope="session")
def derivation(config: Config) -> Derivation:
    """What trainer and evaluator read of `[data]`."""
    return config.data.derivation


@pytest.fixture(scope="session")
def artifact() -> Callable[..., Artifact]:
    """`(type, folder, splits)` -> an artifact whose contents lie in the folder, which is made."""
    return _artifact


@pytest.fixture(scope="session")
def run_executor() -> Callable[..., None]:
    """`(executor, inputs, outputs, **parameters)` runs its `Do` as the launcher does; settings become JSON."""
    return _run_executor


@pytest.fixture(scope="session")
def train() -> Callable[..., FnArgs]:
    """`(config, examples, folder, champion=None, **training)` runs the trainer's `run_fn`; returns its arguments."""
    return _train


@pytest.fixture(scope="session")
def config() -> Config:
    return parse_config(_CONFIG, "tests")


@pytest.fixture(scope="session")
def source(write_pairs: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("source") / "discs", patients=24)


@pytest.fixture(scope="session")
def examples(config: Config, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    made = _artifact(standard_artifacts.Examples, tmp_path_factory.mktemp("examples"))
    settings = config.records
    parameters = {"input_base": str(source), "held_out": "null", "settings": settings}
    _run_executor(ImageMaskExampleGen, {}, {"examples": made}, **parameters)
    return made


@pytest.fixture(scope="session")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The champion where nothing has been pushed."""
    made = _artifact(standard_artifacts.Model, tmp_path_factory.mktemp("nobody"))
    made.set_string_custom_property("version", "")
    return made


@pytest.fixture(scope="session")
def augmented(config: Config, examples: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    made = _artifact(standard_artifacts.Examples, tmp_path_factory.mktemp("augmented"))
    settings = config.augmentation
    _run_executor(Augmentor, {"examples": examples}, {"augmented_examples": made}, settings=settings)
    return made


@pytest.fixture(scope="session")
def trained(config: Config, augmented: Artifact, tmp_path_factory: pytest.TempPathFactory) -> FnArgs:
    return _train(config, augmented, tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def measure_by(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`(model, examples, asked, settings)` asks a model and evaluates its answers; returns the evaluation."""

    def run(model: Artifact, examples: Artifact, asked: InferrerSettings, settings: EvaluatorSettings) -> Path:
        folder = tmp_path_factory.mktemp("measured")
        inference = _artifact(standard_artifacts.InferenceResult, folder / "inference")
        evaluation = _artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
        blessing = _artifact(standard_artifacts.ModelBlessing, folder / "blessing")
        _run_executor(BulkInferrer, {"examples": examples, "model": model}, {"inference": inference}, settings=asked)
        inputs = {"examples": examples, "model": model, "inference": inference}
        _run_executor(Evaluator, inputs, {"evaluation": evaluation, "blessing": blessing}, settings=settings)
        return folder / "evaluation"

    return run


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Callable[[FnArgs, Config], Path]:
    """`(arguments, config)` -> the folder of what a training has left, as it is served."""

    def export(trained: FnArgs, config: Config) -> Path:
        folder = tmp_path_factory.mktemp("served") / "model"
        own = Path(trained.serving_model_dir)
        export_model(Windows(own), folder, config.data.task, OperatingPoint(), config.data.derivation)
        shutil.copytree(own / "assets.extra", folder / "assets.extra")
        write_warmup(folder, config.data.derivation)
        return folder

    return export


@pytest.fixture(scope="session")
def own(trained: FnArgs) -> Artifact:
    """The model as it was trained, which answers windows alone."""
    return _artifact(standard_artifacts.Model, Path(trained.serving_model_dir).parent)


@pytest.fixture(scope="session")
def inference(config: Config, examples: Artifact, own: Artifact, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """What it answers to validation and test images."""
    made = _artifact(standard_artifacts.InferenceResult, tmp_path_factory.mktemp("inference"))
    settings = config.inferrer_on("eval", "test")
    _run_executor(BulkInferrer, {"examples": examples, "model": own}, {"inference": made}, settings=settings)
    return made


@pytest.fixture(scope="session")
def model(
    config: Config, examples: Artifact, own: Artifact, inference: Artifact, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    """The model as it is served."""
    made = _artifact(standard_artifacts.Model, tmp_path_factory.mktemp("model"))
    inputs = {"examples": examples, "model": own, "inference_1": inference}
    _run_executor(Calibrator, inputs, {"calibrated": made}, settings=config.calibrator_on("eval"))
    return made


@pytest.fixture(scope="session")
def evaluation(
    config: Config, examples: Artifact, inference: Artifact, model: Artifact, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    """What the model is worth, and the masks by which it was judged."""
    folder = tmp_path_factory.mktemp("evaluation")
    made = _artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
    outputs = {"evaluation": made, "blessing": _artifact(standard_artifacts.ModelBlessing, folder / "blessing")}
    inputs = {"examples": examples, "model": model, "inference": inference}
    _run_executor(Evaluator, inputs, outputs, settings=config.evaluator)
    return made


@pytest.fixture(scope="session")
def export() -> Callable[..., None]:
    """`(network, model, task, derivation)` writes a network as one that is served, with the least papers."""

    def write(network: keras.Model, model: Artifact, task: Task, derivation: Derivation) -> None:
        folder = Path(path_utils.serving_model_dir(model.uri))
        export_model(network, folder, task, OperatingPoint(), derivation)
        (folder / "assets.extra").mkdir()
        (folder / "assets.extra" / "training.json").write_text('{"config": {}}')

    return write


@pytest.fixture(scope="session")
def untrained(
    config: Config,
    derivation: Derivation,
    artifact: Callable[..., Artifact],
    export: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Artifact:
    """A model that finds foreground everywhere."""
    made = artifact(standard_artifacts.Model, tmp_path_factory.mktemp("untrained"))
    keras.utils.set_random_seed(0)
    network = build_segmenter(1, config.model, config.data.task)
    *weights, bias = network.get_weights()
    network.set_weights([*weights, np.full_like(bias, 50)])
    export(network, made, config.data.task, derivation)
    return made
