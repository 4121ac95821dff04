"""A training that begins with weights learnt from ImageNet: from records to the served model."""

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

from components.trainer.settings import Model
from pipeline.config.root import Config

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(
    config: Config, examples: Artifact, train: Callable[..., FnArgs], tmp_path_factory: pytest.TempPathFactory
) -> FnArgs:
    model = Model(architecture="encoder_unet", parameters={"decoder_filters": 4})
    chosen = config.model_copy(update={"model": model})
    return train(chosen, examples, tmp_path_factory.mktemp("encoder"), epochs=2, learning_rate=0.001)


def test_the_lineage_lies_beside_the_model(trained: FnArgs) -> None:
    for folder in (Path(trained.model_run_dir), Path(trained.serving_model_dir) / "assets.extra"):
        summary = json.loads((folder / "training.json").read_text())
        assert summary["start"] == "cold: [training] warm_start = false"
        assert summary["weights"]["file"] == "efficientnet-lite0-57934424.pth"
        assert summary["weights"]["licence"] == "Apache-2.0"
        assert len(summary["weights"]["sha256"]) == 64


def test_what_is_served_is_what_was_trained(trained: FnArgs) -> None:
    folder = Path(trained.serving_model_dir)
    loaded = keras.saving.load_model(folder / "assets.extra" / "model.keras", compile=False)
    served = tf.saved_model.load(str(folder)).signatures["serve_tensor"]
    images = np.random.default_rng(0).random((3, 32, 32, 1), np.float32) / 16
    np.testing.assert_allclose(served(images=tf.constant(images))["probability"], loaded(images), atol=1e-5)
