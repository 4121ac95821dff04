"""A training step in a process of its own: kernels and threads are chosen where TensorFlow is imported.

It reads how many steps to take, a line each time, and answers with the seconds of one: wall and processor.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from components.onednn import prefer_onednn


class Seconds(NamedTuple):
    """Of a step."""

    wall: float
    processor: float


class Trainer:
    """A child that takes steps of a U-Net on one batch of random images in RGB."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self.first = self.steps(1)
        """Of the first step, in which the graph is made, and compiled where it is."""
        self.steps(1)

    def steps(self, count: int) -> Seconds:
        """The mean of so many."""
        assert self._child.stdin
        assert self._child.stdout
        print(count, file=self._child.stdin, flush=True)
        return Seconds(*json.loads(self._child.stdout.readline()))


@contextmanager
def trainer(**asked: Any) -> Iterator[Trainer]:
    """`size`, `batch`, `threads`, `compiled`; `levels`, `filters`, `encoder`, `precision`, `peer` as of `_model`."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "-m", __name__, json.dumps(asked)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as child:
        try:
            yield Trainer(child)
        finally:
            child.kill()


def _main(asked: dict[str, Any]) -> None:
    if not asked.get("peer"):
        prefer_onednn()
    import numpy as np
    import tensorflow as tf

    # Within an operation and beside it: the two gradients of a convolution wait for nothing of each other.
    tf.config.threading.set_intra_op_parallelism_threads(asked.get("threads", 0))
    tf.config.threading.set_inter_op_parallelism_threads(asked.get("threads", 0))
    rng, shape = np.random.default_rng(0), (asked["batch"], asked["size"], asked["size"])
    images, truth = rng.random((*shape, 3), np.float32), (rng.random((*shape, 1)) > 0.9).astype(np.float32)
    model = _model(asked, asked.get("precision", "float32"), asked.get("peer", False))
    model.jit_compile = asked.get("compiled", False)
    model.make_train_function()
    batches = iter(tf.data.Dataset.from_tensors((images, truth)).repeat())
    for line in sys.stdin:
        count = int(line)
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(count):
            float(model.train_function(batches)["loss"])
        taken = [(time.perf_counter() - wall) / count, (time.process_time() - processor) / count]
        print(json.dumps(taken), flush=True)


def _model(asked: dict[str, Any], precision: str, peer: bool) -> Any:
    """The U-Net over an `encoder`, or the plain one with batch norm, compiled: ours; `peer`: the plain one as the
    reference systems train it, of Keras's layers alone, images as they come, loss and measure summed over the batch,
    gradients cut, Adam."""
    import keras

    from components.task import Task
    from components.trainer import norms
    from components.trainer.choices import loss_named, optimizer_named
    from components.trainer.metrics import MeanDice
    from components.trainer.precision import Precision
    from components.trainer.segmenter import build_segmenter
    from components.trainer.settings import Model, Training

    task, parameters = Task(), {"levels": asked["levels"], "base_filters": asked.get("filters", 16)}
    plain = Model(parameters={**parameters, "normalisation": "batch"})
    if peer:
        norms.BatchNorm = keras.layers.BatchNormalization
        model = build_segmenter(3, plain, task).network
        model.compile(keras.optimizers.Adam(1e-4, clipvalue=0.2), loss=_bce_dice, metrics=[_dice])
        return model
    with Precision(precision, "asked for").building():
        model = build_segmenter(3, _over(asked["encoder"]) if "encoder" in asked else plain, task)
    optimizer = optimizer_named(Training(epochs=1, learning_rate=1e-4, clip_value=0.2))
    model.compile(optimizer, loss_named("ce_dice", task), metrics=[MeanDice(task)])
    return model


def _over(encoder: str) -> Any:
    from components.trainer.settings import Model

    return Model(architecture="encoder_unet", parameters={"encoder": encoder, "weights": "none"})


def _dice(truth: Any, probability: Any) -> Any:
    from keras import ops

    truth, probability = ops.reshape(truth, (-1,)), ops.reshape(probability, (-1,))
    return (2 * ops.sum(truth * probability) + 1) / (ops.sum(truth) + ops.sum(probability) + 1)


def _bce_dice(truth: Any, probability: Any) -> Any:
    import keras

    return (keras.losses.binary_crossentropy(truth, probability) + 1 - _dice(truth, probability)) / 2


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
