"""The U-Net against the known sizes and schedules of its published form."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from harness import ArchitectureTests
from pydantic import ValidationError

from components.task import Task
from components.trainer.models.unet.parameters import UNet
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import Model


class TestUNet(ArchitectureTests):
    parameters = UNet(levels=4, base_filters=4, normalisation="batch", dropout=0.1)


def build(channels: int = 1, **parameters: Any) -> keras.Model:
    """Without norm, as it was published, if nothing else is said."""
    return build_segmenter(channels, Model(parameters={"normalisation": "none", **parameters}), Task()).network


def layers(model: keras.Model, kind: type) -> list[Any]:
    return [layer for layer in model.layers if type(layer) is kind]


@pytest.fixture(scope="module")
def deep() -> keras.Model:
    """Eight levels of one filter: the schedules at their full length, without the weights."""
    return build(levels=8, base_filters=1, base_kernel=9, base_dilation=3, dropout=0.1)


@pytest.mark.parametrize(
    ("parameters", "count"),
    [
        ({"levels": 5}, 1_941_105),
        ({"levels": 5, "normalisation": "batch"}, 1_946_993),
        ({"levels": 5, "base_filters": 32}, 7_760_097),
        ({"levels": 3}, 117_041),
        ({"levels": 3, "base_kernel": 5}, 134_193),
        ({"levels": 3, "base_kernel": 5, "base_dilation": 2, "dropout": 0.1, "activation": "mish"}, 134_193),
    ],
)
def test_parameter_counts_of_the_published_form(parameters: dict[str, Any], count: int) -> None:
    assert build(3, **parameters).count_params() == count


def test_kernels_shrink_by_two_per_level_down_to_three(deep: keras.Model) -> None:
    *features, head = [layer.kernel_size for layer in layers(deep, keras.layers.Conv2D)]
    assert head == (1, 1)
    per_level = [9, 7, 5, 3, 3, 3, 3, 3, 3, 3, 3, 3, 5, 7, 9]
    assert features == [(kernel, kernel) for kernel in per_level for _ in range(2)]


def test_dilation_falls_by_one_per_level_down_to_one(deep: keras.Model) -> None:
    *features, head = [layer.dilation_rate for layer in layers(deep, keras.layers.Conv2D)]
    assert head == (1, 1)
    per_level = [3, 2, *[1] * 11, 2, 3]
    assert features == [(dilation, dilation) for dilation in per_level for _ in range(2)]


def test_dropout_grows_with_the_level_and_leaves_the_top_alone(deep: keras.Model) -> None:
    rates = [layer.rate for layer in layers(deep, keras.layers.Dropout)]
    assert rates == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])


def test_filters_double_per_level(deep: keras.Model) -> None:
    filters = [layer.filters for layer in layers(deep, keras.layers.Conv2D)[:-1:2]]
    assert filters == [1, 2, 4, 8, 16, 32, 64, 128, 64, 32, 16, 8, 4, 2, 1]


@pytest.mark.parametrize(("levels", "multiple"), [(2, 2), (5, 16), (8, 128)])
def test_input_multiple_is_what_the_poolings_ask_for(levels: int, multiple: int) -> None:
    assert UNet(levels=levels).input_multiple == multiple
    network = build(levels=levels, base_filters=1)
    assert network(np.zeros((1, multiple, 2 * multiple, 1))).shape == (1, multiple, 2 * multiple, 1)
    with pytest.raises((tf.errors.InvalidArgumentError, ValueError), match=r"ConcatOp|Concatenate"):
        network(np.zeros((1, multiple + multiple // 2, multiple, 1)))


def test_dropout_must_stay_below_one_at_the_bridge() -> None:
    assert UNet(levels=5, dropout=0.24).dropout == 0.24
    with pytest.raises(ValidationError, match=r"dropout 0\.25 x 4 = 1 at the bridge: must be below 1"):
        UNet(levels=5, dropout=0.25)


@pytest.mark.parametrize("parameters", [{"filters": 16}, {"levels": 9}, {"base_kernel": 4}, {"activation": "tanh"}])
def test_unknown_names_and_values_are_errors(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(parameters))):
        UNet(**parameters)


def test_mish_is_x_times_tanh_of_softplus() -> None:
    x = np.linspace(-6, 6, 25, dtype=np.float32)
    model = build(levels=2, base_filters=1, activation="mish")
    for layer in layers(model, keras.layers.Conv2D)[:-1]:
        np.testing.assert_allclose(layer.activation(x), x * np.tanh(np.log1p(np.exp(x))), rtol=1e-4, atol=1e-5)
