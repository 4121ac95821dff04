"""A training in bfloat16 leaves what one in float32 leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import Artifact

from components.task import Task
from components.trainer.batches import evaluation_batches
from components.trainer.choices import loss_named
from pipeline.config.root import Config


@pytest.fixture(scope="module")
def half(train: Callable, config: Config, augmented: Artifact, tmp_path_factory: pytest.TempPathFactory) -> FnArgs:
    return train(config, augmented, tmp_path_factory.mktemp("half"), precision="bfloat16", epochs=1)


def summary(arguments: FnArgs) -> dict:
    return json.loads((Path(arguments.model_run_dir) / "training.json").read_text())


def test_the_summary_says_what_was_computed_in(trained: FnArgs, half: FnArgs) -> None:
    assert summary(half)["precision"] == "bfloat16"
    assert summary(half)["precision_reason"] == '[training] precision = "bfloat16"'
    assert summary(trained)["precision_reason"].startswith("auto: ")


def test_what_is_saved_and_served_is_float32_and_what_the_summary_measured(half: FnArgs, trained: FnArgs) -> None:
    extra = Path(half.serving_model_dir) / "assets.extra"
    model = keras.saving.load_model(extra / "model.keras", compile=False)
    assert {layer.compute_dtype for layer in [model, *model.layers, *model.network.layers]} == {"float32"}
    of_whole = keras.saving.load_model(Path(trained.serving_model_dir) / "assets.extra" / "model.keras", compile=False)
    assert [each.shape for each in model.get_weights()] == [each.shape for each in of_whole.get_weights()]
    images, truth = next(iter(evaluation_batches(tf.io.gfile.glob(half.eval_files), (32, 32, 1), 100)))
    served = tf.saved_model.load(half.serving_model_dir).signatures["serve_tensor"](images=images)["probability"]
    np.testing.assert_allclose(served, model(images), atol=1e-5)
    loss = float(np.mean(loss_named("ce_dice", Task())(truth, served)))
    assert loss == pytest.approx(summary(half)["eval"]["ce_dice"], abs=1e-5)


@pytest.mark.slow
def test_the_dice_is_that_of_float32(
    trained: FnArgs, train: Callable, config: Config, augmented: Artifact, tmp_path: Path
) -> None:
    found = summary(train(config, augmented, tmp_path, precision="bfloat16"))
    assert found["eval"]["dice"] == pytest.approx(summary(trained)["eval"]["dice"], abs=0.03)
