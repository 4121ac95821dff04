"""Training that goes on from the champion, and when it does not."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import Artifact

from components.errors import UsageError
from components.files import read_json, write_json
from components.trainer.deep_supervision import as_served, build_supervised
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import TrainerSettings
from components.trainer.warm_start import start
from pipeline.config.root import Config

Served = Callable[..., Path]


@pytest.fixture
def served(trained: FnArgs, tmp_path: Path) -> Served:
    """`(**manifest)` is the folder of the trained model as a served version."""

    def folder(**manifest: Any) -> Path:
        version = tmp_path / "champion"
        shutil.copytree(trained.serving_model_dir, version)
        write_json(version / "MANIFEST.json", {"version": "17", **manifest})
        return version

    return folder


@pytest.fixture
def settings(config: Config) -> TrainerSettings:
    """What `run_fn` gets of the recipe of the trained model, with warm starts."""
    return with_training(config.trainer, warm_start=True)


def with_training(settings: TrainerSettings, **training: Any) -> TrainerSettings:
    return settings.model_copy(update={"training": settings.training.model_copy(update=training)})


@pytest.fixture
def network(config: Config) -> keras.Model:
    keras.utils.set_random_seed(3)
    return build_segmenter(1, config.model, config.data.task)


def edit(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    content = read_json(path)
    change(content)
    write_json(path, content)


def test_it_goes_on_where_the_champion_ended(
    served: Served, trained: FnArgs, train: Callable, config: Config, augmented: Artifact, tmp_path: Path
) -> None:
    before = read_json(Path(trained.model_run_dir) / "training.json")
    warm = train(config, augmented, tmp_path, served(warm_starts=4), warm_start=True, epochs=2, learning_rate=1e-4)

    def first_loss(arguments: FnArgs) -> float:
        rows = csv.DictReader((Path(arguments.model_run_dir) / "history.csv").read_text().splitlines())
        return float(next(rows)["val_loss"])

    assert first_loss(warm) == pytest.approx(before["eval"]["ce_dice"], rel=0.1)
    assert first_loss(trained) > 1.5 * before["eval"]["ce_dice"]
    extra = read_json(Path(warm.serving_model_dir) / "assets.extra" / "training.json")
    for summary in (read_json(Path(warm.model_run_dir) / "training.json"), extra):
        assert (summary["start"], summary["warm_starts"]) == ("warm from version 17", 5)
    assert (before["start"], before["warm_starts"]) == ("cold: [training] warm_start = false", 0)


@pytest.mark.slow
def test_averages_of_the_champion_that_do_not_fit_its_weights_are_not_handed_down(
    served: Served, train: Callable, config: Config, augmented: Artifact, tmp_path: Path
) -> None:
    """As a champion has them that was trained for a hundred steps with a momentum of 0.99. Few steps follow."""
    champion = served()
    file = champion / "assets.extra" / "model.keras"
    model = keras.models.load_model(file)
    left = 0.99**100
    for layer in model.network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.99
            layer.moving_mean.assign((1 - left) * layer.moving_mean)
            layer.moving_variance.assign(left + (1 - left) * layer.moving_variance)
    model.save(file)
    warm = train(config, augmented, tmp_path, champion, warm_start=True, epochs=1, learning_rate=1e-4)
    summary = read_json(Path(warm.model_run_dir) / "training.json")
    assert summary["start"].startswith("warm")
    assert summary["modes"]["train"]["inference"] == pytest.approx(summary["modes"]["train"]["training"], rel=0.2)
    assert summary["warnings"] == []


def test_the_weights_are_those_of_the_champion(
    served: Served, trained: FnArgs, network: keras.Model, settings: TrainerSettings
) -> None:
    begun = start(network, served(), settings)
    assert (begun.text, begun.warm_starts) == ("warm from version 17", 1)
    champion = keras.models.load_model(Path(trained.serving_model_dir) / "assets.extra" / "model.keras")
    for one, other in zip(network.get_weights(), champion.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cold_every", [0, 2, 3])
def test_of_so_many_versions_in_a_row_one_starts_cold(
    served: Served, network: keras.Model, settings: TrainerSettings, cold_every: int
) -> None:
    champion = served()
    settings = with_training(settings, cold_every=cold_every)
    starts = []
    for _ in range(6):
        begun = start(network, champion, settings)
        starts.append(begun.text.partition(" ")[0].rstrip(":"))
        write_json(champion / "MANIFEST.json", {"version": "17", "warm_starts": begun.warm_starts})
    expected = {0: ["warm"] * 6, 2: ["warm", "cold"] * 3, 3: ["warm", "warm", "cold"] * 2}
    assert starts == expected[cold_every]


def test_a_champion_of_before_has_its_normalisation_by_the_old_name(
    served: Served, network: keras.Model, settings: TrainerSettings
) -> None:
    champion = served()

    def by_the_old_name(papers: dict[str, Any]) -> None:
        parameters = papers["config"]["model"]["parameters"]
        parameters["batch_norm"] = parameters.pop("normalisation") == "batch"

    edit(champion / "assets.extra/training.json", by_the_old_name)
    assert start(network, champion, settings).text == "warm from version 17"
    edit(
        champion / "assets.extra/training.json",
        lambda papers: papers["config"]["model"]["parameters"].update(batch_norm=False),
    )
    told = start(network, champion, settings).text
    assert told == "cold: version 17 has the parameter normalisation = 'none', not 'batch'"


def test_a_champion_starts_a_training_with_side_outputs(served: Served, config: Config) -> None:
    settings = with_training(config.trainer, warm_start=True, deep_supervision=True)
    model = build_supervised(1, config.model, config.data.task)
    champion = served()
    assert start(model, champion, settings).text == "warm from version 17"
    theirs = keras.models.load_model(champion / "assets.extra" / "model.keras")
    for one, other in zip(as_served(model).get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def spoil(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("file", "change", "reason"),
    [
        ("MANIFEST.json", Path.unlink, "there is no champion"),
        ("assets.extra/model.keras", Path.unlink, "the champion, version 17, has no Keras model to go on from"),
        ("assets.extra/training.json", Path.unlink, "the champion, version 17, has no Keras model to go on from"),
        ("assets.extra/model.keras", spoil, "the Keras model of version 17 cannot be read: "),
        (
            "assets.extra/training.json",
            lambda path: edit(path, lambda it: it["config"]["model"].update(architecture="other")),
            "version 17 has the architecture 'other', not 'unet'",
        ),
        (
            "assets.extra/training.json",
            lambda path: edit(path, lambda it: it["config"]["model"]["parameters"].update(levels=4)),
            "version 17 has the parameter levels = 4, not 3",
        ),
        (
            "assets.extra/training.json",
            lambda path: edit(path, lambda it: it["config"]["model"]["parameters"].pop("activation")),
            "version 17 has the parameter activation = None, not 'relu'",
        ),
        (
            "assets.extra/training.json",
            lambda path: edit(path, lambda it: it["config"].update(shape=[64, 32, 1])),
            "version 17 has inputs of 64 x 32 x 1, not 32 x 32 x 1",
        ),
        (
            "assets.extra/training.json",
            lambda path: edit(path, lambda it: it["config"]["task"].update(classes=["lesion", "muscle"])),
            "version 17 has the classes lesion, muscle, not foreground",
        ),
        (
            "assets.extra/model.keras",
            lambda path: keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path),
            "version 17 was built by other code, its layers are not those of today",
        ),
    ],
)
def test_a_cold_start_says_why(
    served: Served,
    network: keras.Model,
    settings: TrainerSettings,
    file: str,
    change: Callable[[Path], Any],
    reason: str,
) -> None:
    champion = served(warm_starts=2)
    change(champion / file)
    drawn = network.get_weights()
    begun = start(network, champion, settings)
    assert begun.text.startswith(f"cold: {reason}")
    assert begun.warm_starts == 0
    for one, other in zip(network.get_weights(), drawn, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_cold_start_that_is_due_says_why(served: Served, network: keras.Model, settings: TrainerSettings) -> None:
    settings = with_training(settings, cold_every=3)
    begun = start(network, served(warm_starts=2), settings)
    assert begun.text == "cold: [training] cold_every = 3, and 2 warm starts led to version 17"


def test_where_nothing_has_been_pushed_the_folder_is_not_even_there(
    network: keras.Model, settings: TrainerSettings, tmp_path: Path
) -> None:
    assert start(network, tmp_path / "Format-Serving", settings).text == "cold: there is no champion"
    assert json.dumps(start(network, None, settings).as_json())


@pytest.mark.parametrize("name", ["MANIFEST.json", "assets.extra/training.json"])
@pytest.mark.parametrize("content", ["", "[]", '{"config": [], "warm_starts": []}', '{"config": {"model": {}}}'])
def test_papers_that_cannot_be_read_are_named(
    served: Served, network: keras.Model, settings: TrainerSettings, name: str, content: str
) -> None:
    folder = served()
    (folder / name).write_text(content)
    with pytest.raises(UsageError, match=rf"^{folder / name}: .*delete CHAMPION.json"):
        start(network, folder, settings)
