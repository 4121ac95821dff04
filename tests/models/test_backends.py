"""Every architecture, loss and optimizer takes steps on the other backends of Keras too, where they are installed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from components.trainer.losses.registry import LOSSES
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.optimizers.registry import OPTIMIZERS

# Without the segmenter around it, whose step and standardisation are TensorFlow's.
STEPS = """
import sys
import keras, numpy as np
from components.task import Task
from components.trainer.choices import loss_named, optimizer_named
from components.trainer.models.registry import ARCHITECTURES
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import Model, Training

architecture, loss, optimizer = sys.argv[1:]
parameters = {"normalisation": "batch"} if "normalisation" in ARCHITECTURES[architecture].model_fields else {}
multiple = ARCHITECTURES[architecture](**parameters).input_multiple
rng = np.random.default_rng(0)
for task in (Task(), Task(classes=["a", "b"])):
    network = build_segmenter(3, Model(architecture=architecture, parameters=parameters), task).network
    network.compile(optimizer_named(Training(epochs=1, optimizer=optimizer, clip_value=0.2)), loss_named(loss, task))
    images = rng.random((2, multiple, multiple, 3), np.float32)
    truth = rng.integers(0, len(task.classes) + 1, (2, multiple, multiple, 1)).astype(np.float32)
    losses = [float(network.train_on_batch(images, truth)) for _ in range(3)]
    assert np.isfinite(losses).all() and losses[2] < losses[0], losses
print(keras.backend.backend())
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "torch", "jax"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_step_lowers_the_loss(backend: str, architecture: str) -> None:
    if not find_spec(backend):
        pytest.skip(f"{backend} is not installed")
    for loss, optimizer in [*((each, "adam") for each in LOSSES), *(("ce_dice", each) for each in OPTIMIZERS)]:
        done = subprocess.run(
            [sys.executable, "-c", STEPS, architecture, loss, optimizer],
            env={**os.environ, "KERAS_BACKEND": backend},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert done.stdout.splitlines()[-1] == backend
