"""Where the weights of a training come from: files that were planned, a champion, or a draw."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from raw_images import write

from components.errors import UsageError
from components.task import Task
from components.trainer.pretrained import load_pretrained
from components.trainer.segmenter import Segmenter, build_segmenter
from components.trainer.settings import Model, TrainerSettings
from components.trainer.version import trainer_files, trainer_version
from components.trainer.warm_start import Start
from pipeline.config.loader import load_config

COLD = Start("cold: there is no champion")


def settings(**parameters: object) -> TrainerSettings:
    model = Model(architecture="encoder_unet", parameters={"decoder_filters": 2, **parameters})
    return load_config("demo").trainer.model_copy(update={"model": model})


def built(of: TrainerSettings) -> Segmenter:
    return build_segmenter(1, of.model, Task())


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "own.weights.h5"
    built(settings()).network.get_layer("encoder").save_weights(path)
    return path


def test_an_architecture_that_draws_its_weights_has_no_others() -> None:
    usual = load_config("demo").trainer
    model = build_segmenter(1, usual.model, Task())
    before = model.get_weights()
    assert load_pretrained(model, None, COLD, usual, {}) == {}
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_warm_start_reads_nothing_and_keeps_where_the_champion_once_came_from(tmp_path: Path) -> None:
    of = settings(weights="gone.pth")
    origin = {"encoder": "efficientnet_lite0", "source": "imagenet", "licence": "Apache-2.0"}
    for trained, expected in (({"weights": origin}, origin), ({}, None)):
        write(tmp_path / "assets.extra" / "training.json", json.dumps(trained).encode())
        warm = Start("warm from version 3", 1)
        assert load_pretrained(keras.Model(), tmp_path, warm, of, {}) == {"weights": expected}


def test_a_file_is_the_one_that_was_planned(file: Path) -> None:
    of = settings(weights=str(file))
    planned = trainer_files(of)["files"]
    assert [*planned] == [str(file)]
    found = load_pretrained(built(of), None, COLD, of, planned)
    assert found["weights"]["sha256"] == planned[str(file)]
    with pytest.raises(UsageError, match=r"own\.weights\.h5: found SHA-256 .*, the run was planned with 0123"):
        load_pretrained(built(of), None, COLD, of, {str(file): "0123" * 16})


def test_another_content_trains_anew_and_a_file_that_is_elsewhere_counts_by_its_path(tmp_path: Path) -> None:
    of, path = settings(weights=str(tmp_path / "own.pth")), tmp_path / "own.pth"
    assert trainer_files(of) == trainer_files(settings()) == trainer_files(load_config("demo").trainer) == {}
    path.write_bytes(b"one")
    one = trainer_files(of)
    path.write_bytes(b"other")
    assert trainer_files(of) != one


def test_the_version_is_that_of_the_chosen_encoder() -> None:
    modules = [trainer_version(settings(encoder=name)).partition(" of ")[2] for name in ("vgg16", "efficientnet_lite1")]
    assert ["encoders.applications" in named for named in modules] == [True, False]
    assert ["encoders.efficientnet_lite" in named for named in modules] == [False, True]
