"""A whole training with side outputs leaves what one without them leaves."""

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

from components.trainer.segmenter import build_segmenter
from components.trainer.settings import Model
from pipeline.config.root import Config


@pytest.mark.slow
def test_side_outputs_are_in_nothing_that_is_exported(
    train: Callable[..., FnArgs], config: Config, examples: Artifact, tmp_path: Path
) -> None:
    model = Model(parameters={"levels": 4, "base_filters": 2, "normalisation": "group"})
    changed = config.model_copy(update={"model": model})
    done = train(changed, examples, tmp_path, deep_supervision=True, epochs=1)
    plain = build_segmenter(1, model, config.data.task)
    extra = Path(done.serving_model_dir) / "assets.extra"
    papers = json.loads((extra / "training.json").read_text())
    assert papers["parameters"] == plain.count_params()
    assert papers["config"]["training"]["deep_supervision"] is True
    assert papers["processor_seconds"] > 0
    saved = keras.saving.load_model(extra / "model.keras", compile=False)
    assert [weight.shape for weight in saved.get_weights()] == [weight.shape for weight in plain.get_weights()]
    images = np.random.default_rng(0).random((1, 32, 32, 1), np.float32)
    served = tf.saved_model.load(done.serving_model_dir)
    assert len(served.variables) == len(plain.variables)
    answer = served.signatures["serve_tensor"](images=tf.constant(images))
    np.testing.assert_allclose(answer["probability"], saved(images), atol=1e-5)
