"""BulkInferrer on real shards: whatever Beam does with them, the answers are those to all images in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from ingest import box, film, ingest
from ingest import save as save_image
from small_network import SIDE, network, save
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils

from components.bulk_inferrer import executor
from components.bulk_inferrer.answers import MIRRORED, PLAIN, Place
from components.bulk_inferrer.degradations import DEGRADATIONS
from components.bulk_inferrer.executor import Executor
from components.bulk_inferrer.settings import InferrerSettings, Robustness
from components.bulk_inferrer.shards import AnswerShard
from components.inference.predictor import Predictor
from components.records.record import Record
from components.records.settings import Derivation, Tiles
from components.records.sources import read_sources
from components.records.tfexample import split_files
from components.task import Task
from pipeline.config.execution import Execution
from pipeline.graph.beam import beam_arguments

SPLITS = {"train": 70, "eval": 10, "test": 20}
DATA = {"layout": "folders", "splits": SPLITS, "tiles": {"overlap": 4, "keep_empty": 1.0}}
SETTINGS = InferrerSettings(
    task=Task(),
    derivation=Derivation(height=SIDE, width=SIDE, tiles=Tiles(overlap=4)),
    splits=["train", "test"],
    mirror=True,
    robustness=Robustness(gamma=0.5),
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Two shards of 21 images each, and one of the other splits, in tiles."""
    folder = tmp_path_factory.mktemp("examples")
    for number in range(60):
        save_image(folder / f"in/images/{number}.png", film(number))
        save_image(folder / f"in/masks/{number}.png", 255 * box(number % 20, 8, 30, 30))
    return ingest(folder / "in", folder / "out", height=SIDE, width=SIDE, **DATA).examples


@pytest.fixture(scope="module")
def model(artifact: Callable[..., Artifact], tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    made = artifact(standard_artifacts.Model, tmp_path_factory.mktemp("model"))
    save(network(), Path(path_utils.serving_model_dir(made.uri)))
    return made


def answer(model: Artifact, examples: Artifact, folder: Path, arguments: list[str]) -> None:
    inference = standard_artifacts.InferenceResult()
    inference.uri = str(folder)
    context = BaseBeamExecutor.Context(beam_pipeline_args=arguments, tmp_dir=str(folder.parent / "tmp"))
    inputs, settings = {"examples": [examples], "model": [model]}, SETTINGS.model_dump_json()
    Executor(context).Do(inputs, {"inference": [inference]}, {"settings": settings})


def darker(sources: Iterator[Record], gamma: float | None) -> Iterator[np.ndarray]:
    return (DEGRADATIONS["gamma"](each.image, gamma, each.id) if gamma else each.image for each in sources)


@pytest.mark.parametrize(
    "arguments",
    [
        beam_arguments(Execution()),
        pytest.param(beam_arguments(Execution(workers=2, parallel="processes")), marks=pytest.mark.slow),
    ],
    ids=["here", "two processes"],
)
def test_answers_are_those_to_all_images_in_one_go(
    model: Artifact, examples: Artifact, tmp_path: Path, arguments: list[str]
) -> None:
    answer(model, examples, tmp_path / "out", arguments)
    predictor = Predictor(Path(path_utils.serving_model_path(model.uri)), SETTINGS.derivation)
    for split, under, shards in (("train", None, 2), ("test", None, 1), ("test", "gamma", 1)):
        for kind in (PLAIN, MIRRORED):
            place = Place(str(tmp_path / "out"), split, under)
            assert len(place.shards(kind)) == len(split_files(examples.uri, split)) == shards
            images = darker(read_sources(examples.uri, split), SETTINGS.robustness.gamma if under else None)
            expected = list(predictor.answers(images, mirror=kind == MIRRORED))
            assert len(expected) > 100
            np.testing.assert_array_equal(list(place.read(kind, (SIDE, SIDE), 1)), expected)


class LosesAShard(AnswerShard):
    """As a runner that drops an element."""

    def process(self, asked: tuple[Place, str]) -> None:
        if asked[0].under is None:
            super().process(asked)


def test_a_shard_that_is_lost_is_an_error(
    model: Artifact, examples: Artifact, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(executor, "AnswerShard", LosesAShard)
    with pytest.raises(RuntimeError, match="4 shards went into Beam, 3 came out"):
        answer(model, examples, tmp_path / "out", [])
