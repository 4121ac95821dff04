"""A network with batch norm answers tiles as it answers the whole image, where it does not see beyond them."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from slide_files import tissue

from components.imaging.geometry.placement import Placement
from components.inference.blending import BLENDS
from components.inference.strips import blended_strips
from components.inference.windows import windows_of
from components.records.settings import Derivation, Tiles
from components.task import Task
from components.trainer.models.unet.parameters import UNet
from components.trainer.segmenter import Segmenter, build_segmenter
from components.trainer.settings import Model

SIDE = 64
CUTS = {
    "fit evenly": (160, 224, Tiles(overlap=32)),
    "more overlap": (162, 226, Tiles(overlap=32)),
    "black beyond": (162, 226, Tiles(overlap=29, edge="pad")),
}


def network(normalisation: str) -> Segmenter:
    """Of weights, and of running averages, as training might leave them."""
    keras.utils.set_random_seed(0)
    parameters = UNet(levels=2, base_filters=4, normalisation=normalisation).model_dump()
    made = build_segmenter(1, Model(architecture="unet", parameters=parameters), Task(), 0.3)
    rng = np.random.default_rng(0)
    made.set_weights([rng.uniform(0.5, 1, each.shape) if each.ndim == 1 else each for each in made.get_weights()])
    return made


def receptive_field(made: Segmenter) -> int:
    """Rows that the answer at a place depends on."""
    image = tf.Variable(tf.random.stateless_uniform((1, SIDE, SIDE, 1), (1, 2)))
    with tf.GradientTape() as tape:
        answer = made((image, tf.constant([[0.5, 0.2]])))[0, SIDE // 2, SIDE // 2, 0]
    rows = np.flatnonzero(np.abs(tape.gradient(answer, image).numpy()).sum(axis=(0, 2, 3)))
    return int(rows[-1] - rows[0] + 1)


@pytest.mark.parametrize("normalisation", ["batch", "none"])
@pytest.mark.parametrize("cut", CUTS)
def test_tiles_cut_half_way_are_the_whole_farther_from_borders_than_the_network_sees(
    cut: str, normalisation: str
) -> None:
    height, width, tiles = CUTS[cut]
    made = network(normalisation)
    field = receptive_field(made)
    assert 10 < field <= tiles.overlap
    pixels = tissue(height, width, 1).astype(np.float32)[..., None] / 255
    moments = tf.constant([[pixels.mean(), pixels.std()]], tf.float32)
    whole = made((tf.constant(pixels[None]), moments), training=False)[0].numpy()
    assert whole.std() > 0.01

    def answer(row: list[Placement]) -> np.ndarray:
        windows = tf.constant(np.stack([place.placed(pixels) for place in row]))
        return made((windows, tf.repeat(moments, len(row), axis=0)), training=False).numpy()

    windows = windows_of(height, width, (SIDE, SIDE), Derivation(height=SIDE, width=SIDE, tiles=tiles))
    inner = slice(field, -field), slice(field, -field)
    differences = {
        blend: np.abs(np.concatenate(list(blended_strips(answer, windows, BLENDS[blend]))) - whole)[inner].max()
        for blend in BLENDS
    }
    assert differences["cut"] <= 1e-5
    # What a window says near its border, where it lacks what lies beyond, counts in the others.
    assert differences["mean"] > differences["gaussian"] > 1e-5
