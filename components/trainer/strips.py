"""What a model predicts for a few validation images over the epochs, as a strip of pictures for each image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf

from components.artifacts import STRIPS
from components.files import write_bytes
from components.imaging.files.codecs import encode_png
from components.overlays import overlay
from components.task import Task
from components.trainer.callbacks import validated
from components.trainer.checkpoint import State
from components.trainer.strip_samples import Sample

_SIDE = 224
"""Pixels of the longer side of a picture."""
_HEAD = 24
_GAP = 4


class Strips(keras.callbacks.Callback):
    """Keeps pictures of the first, second, fourth, eighth, ... validated epoch, the last and that with the lowest loss.

    Predictions are those of the validation: nothing is predicted for them.
    """

    def __init__(self, samples: Sequence[Sample], task: Task, folder: Path, board: Path) -> None:
        """`folder` gets the strips as PNG files when training ends, TensorBoard's folder `board` while it is on."""
        super().__init__()
        self._samples, self._task, self._folder, self._board = samples, task, folder, board
        self._position = 0
        self._lowest, self._best = np.inf, 0
        self._validations = 0
        self._marked: set[int] = set()
        """Epochs whose pictures stay."""
        self._predicted: dict[int, list[np.ndarray]] = {}
        self._drawn: dict[int, list[np.ndarray]] = {}
        self._writer: Any = None

    def saw(self, truth: tf.Tensor, predicted: tf.Tensor) -> None:
        """Takes class indices, uint8 `(N, H, W, 1)`, of the next batch of validation images."""
        rows = range(self._position, self._position + len(truth))
        self._position = rows.stop
        if any(sample.wants(rows) for sample in self._samples):
            classes = predicted.numpy()[..., 0]
            for sample in self._samples:
                sample.take(rows, classes)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._position = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if not validated(logs):
            return
        number, loss = epoch + 1, logs["val_loss"]
        if loss < self._lowest:
            self._lowest, self._best = loss, number
        self._validations += 1
        if _is_power_of_two(self._validations):
            self._marked.add(number)
        self._predicted[number] = [sample.predicted for sample in self._samples]
        wanted = {*self._marked, self._best, number}
        self._predicted = {n: classes for n, classes in self._predicted.items() if n in wanted}
        if number in self._marked:
            self._tell_board(number)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        if not self._predicted:
            return  # No epoch has been trained.
        last = max(self._predicted)
        if last not in self._marked:
            self._tell_board(last)
        self._folder.mkdir(exist_ok=True)
        for number, strip in enumerate(self._strips(), 1):
            write_bytes(self._folder / f"{number}.png", encode_png(strip))

    def told(self) -> list[dict[str, str]]:
        """What the strips show, for `training.json`."""
        return [
            {"file": f"{STRIPS}/{number}.png", "id": sample.id, "title": sample.title}
            for number, sample in enumerate(self._samples, 1)
        ]

    def state(self) -> State:
        return {
            "best": self._best,
            "lowest": self._lowest,
            "validations": self._validations,
            "marked": np.array(sorted(self._marked), np.int64),
            **{str(number): classes for number, classes in self._predicted.items()},
        }

    def restore(self, state: State) -> None:
        self._best, self._lowest = state["best"].item(), state["lowest"].item()
        self._validations, self._marked = state["validations"].item(), set(state["marked"].tolist())
        self._predicted = {int(name): classes for name, classes in state.items() if name.isdigit()}

    def _picture(self, sample: Sample, predicted: np.ndarray) -> np.ndarray:
        """RGB uint8, with the outlines of truth and prediction."""
        drawn = overlay(sample.image, sample.truth, predicted, self._task)
        scale = _SIDE / max(drawn.shape[:2])
        size = [max(1, round(side * scale)) for side in drawn.shape[:2]]
        return cv2.resize(drawn, size[::-1], interpolation=cv2.INTER_AREA)

    def _strips(self) -> list[np.ndarray]:
        """Of each sample: the truth, and what was predicted, by epoch."""
        epochs = sorted(self._predicted)
        for epoch in epochs:
            if epoch not in self._drawn:
                self._drawn[epoch] = list(map(self._picture, self._samples, self._predicted[epoch]))
        heads = ["truth", *(f"epoch {n}{', lowest loss' if n == self._best else ''}" for n in epochs)]
        return [
            _strip(heads, [self._picture(sample, np.zeros_like(sample.truth)), *drawn])
            for sample, *drawn in zip(self._samples, *(self._drawn[epoch] for epoch in epochs), strict=True)
        ]

    def _tell_board(self, epoch: int) -> None:
        # Another folder than that of the numbers: of several files in one TensorBoard may read the newest alone.
        self._writer = self._writer or tf.summary.create_file_writer(str(self._board / "predictions"))
        with self._writer.as_default():
            for sample, strip in zip(self._samples, self._strips(), strict=True):
                tf.summary.image(f"predictions/{sample.title}: {sample.id}", strip[None], step=epoch - 1)
        self._writer.flush()


def _is_power_of_two(number: int) -> bool:
    return number & (number - 1) == 0


def _strip(heads: Sequence[str], pictures: Sequence[np.ndarray]) -> np.ndarray:
    """Pictures of one size side by side, each with a line of text above it, RGB uint8 on white."""
    height, width = pictures[0].shape[:2]
    columns = len(pictures)
    canvas = np.full((_HEAD + height, columns * (width + _GAP) - _GAP, 3), 255, np.uint8)
    for number, (head, picture) in enumerate(zip(heads, pictures, strict=True)):
        left = number * (width + _GAP)
        canvas[_HEAD:, left : left + width] = picture
        cv2.putText(canvas, head, (left + 2, _HEAD - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (28, 36, 48), 1, cv2.LINE_AA)
    return canvas
