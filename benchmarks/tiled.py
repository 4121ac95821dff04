"""By how much the answer to tiles differs from that to the whole image, farther from borders than a network sees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

import cv2
import keras
import numpy as np
import tensorflow as tf

from components.imaging.geometry.placement import Placement
from components.inference.blending import BLENDS
from components.inference.strips import blended_strips
from components.inference.windows import windows_of
from components.records.settings import Derivation, Tiles
from components.task import Task
from components.trainer.models.architecture import Normalisation
from components.trainer.models.unet.parameters import UNet
from components.trainer.segmenter import Segmenter, build_segmenter
from components.trainer.settings import Model

_SIDE, _WINDOW, _OVERLAP, _BORDER, _STEPS = 1012, 256, 128, 64, 150
"""Of a side that windows do not fit into evenly, and that the network answers whole: it divides by four."""


def measure() -> Iterator[str]:
    """A plain U-Net of three levels after 150 steps on blots, windows of 256 that overlap by 128."""
    image, truth = _blots(np.random.default_rng(0))
    for normalisation in get_args(Normalisation):
        network = _trained(normalisation)
        whole = network((image[None], _moments(image[None])), training=False)[0].numpy()
        for blend in BLENDS:
            difference = np.abs(_tiled(network, image, blend) - whole)[_BORDER:-_BORDER, _BORDER:-_BORDER]
            yield (
                f"{normalisation} norm, {blend}: at most {difference.max():.1e}, mean {difference.mean():.1e}, "
                f"{(difference > 0.1).mean():.2%} of pixels by more than 0.1 "
                f"(of the whole {np.mean((whole[..., 0] >= 0.5) == truth):.1%} are right)"
            )


def _trained(normalisation: str) -> Segmenter:
    keras.utils.set_random_seed(0)
    parameters = UNet(levels=3, base_filters=8, normalisation=normalisation).model_dump()
    network = build_segmenter(1, Model(architecture="unet", parameters=parameters), Task(), 0.3)
    optimizer, loss = keras.optimizers.Adam(3e-3), keras.losses.BinaryCrossentropy()
    rng = np.random.default_rng(1)

    @tf.function
    def step(windows: tf.Tensor, moments: tf.Tensor, truth: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            found = loss(truth, network((windows, moments), training=True))
        weights = network.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(found, weights), weights, strict=True))

    for _ in range(_STEPS):
        image, truth = _blots(rng)
        corners = rng.integers(0, _SIDE - _WINDOW, (4, 2))
        cuts = [(slice(row, row + _WINDOW), slice(column, column + _WINDOW)) for row, column in corners]
        windows, answers = (np.stack([each[cut] for cut in cuts]) for each in (image, truth[..., None]))
        step(windows, tf.repeat(_moments(image[None]), 4, axis=0), answers.astype(np.float32))
    return network


def _blots(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """An image float32 `(H, W, 1)` of blots that are brighter than their surroundings, and where they are."""
    truth = np.zeros((_SIDE, _SIDE), np.uint8)
    for row, column, radius in zip(*rng.integers(0, _SIDE, (2, 60)), rng.integers(8, 50, 60), strict=True):
        cv2.circle(truth, (int(column), int(row)), int(radius), 1, -1)
    light = cv2.resize(rng.random((6, 6), np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC)
    image = 0.5 * light + 0.15 * truth + 0.1 * rng.random((_SIDE, _SIDE), np.float32)
    return image.astype(np.float32)[..., None], truth


def _moments(images: np.ndarray) -> tf.Tensor:
    return tf.constant([[image.mean(), image.std()] for image in images], tf.float32)


def _tiled(network: Segmenter, image: np.ndarray, blend: str) -> np.ndarray:
    def answer(row: Sequence[Placement]) -> np.ndarray:
        windows = np.stack([place.placed(image) for place in row])
        return network((windows, tf.repeat(_moments(image[None]), len(row), axis=0)), training=False).numpy()

    derivation = Derivation(height=_WINDOW, width=_WINDOW, tiles=Tiles(overlap=_OVERLAP))
    windows = windows_of(_SIDE, _SIDE, (_WINDOW, _WINDOW), derivation)
    return np.concatenate(list(blended_strips(answer, windows, BLENDS[blend])))
