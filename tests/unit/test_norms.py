"""Group and instance norm against worked values and the formula in numpy."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from components.trainer.norms import GroupNorm, groups_of, normalised


def by_formula(features: np.ndarray, groups: int) -> np.ndarray:
    """As `GroupNorm` before it has learnt, in float64."""
    count, height, width, channels = features.shape
    parts = features.astype(float).reshape(count, height, width, groups, channels // groups)
    mean, variance = (of(parts, axis=(1, 2, 4), keepdims=True) for of in (np.mean, np.var))
    return ((parts - mean) / np.sqrt(variance + 1e-3)).reshape(features.shape)


def test_worked_values() -> None:
    """Of two groups 1, 3 and -2, 2 (mean 2 and 0, deviation 1 and 2), then scale and offset by channel."""
    features = np.array([[[[1, 3, -2, 2]]]], np.float32)
    layer = GroupNorm(2)
    layer.build(features.shape)
    layer.set_weights([np.float32([1, 2, 3, 4]), np.float32([0, 10, 0, -10])])
    expected = [-1, 2 + 10, -3, 4 - 10]
    assert layer(features).numpy().ravel() == pytest.approx(expected, abs=3e-3)


@pytest.mark.parametrize("groups", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16, 5)])
def test_of_any_size_as_the_formula_and_as_kerass(groups: int, size: tuple[int, int]) -> None:
    features = np.random.default_rng(groups).normal(3, 2, (3, *size, 8)).astype(np.float32)
    found = GroupNorm(groups)(features).numpy()
    np.testing.assert_allclose(found, by_formula(features, groups), atol=1e-4)
    np.testing.assert_allclose(found, keras.layers.GroupNormalization(groups)(features), atol=1e-4)


def test_values_far_from_zero_keep_their_deviation() -> None:
    """The mean of squares less the square of the mean would lose it in float32."""
    features = np.float32(500) + np.random.default_rng(0).normal(size=(1, 32, 32, 2)).astype(np.float32)
    found = GroupNorm(2)(features).numpy()
    np.testing.assert_allclose(found, by_formula(features, 2), atol=2e-3)


@pytest.fixture
def bfloat16() -> Iterator[None]:
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.mark.usefixtures("bfloat16")
def test_half_precision_takes_moments_in_float32() -> None:
    """Of 4096 values near 1000, of which bfloat16 knows every fourth alone: their sum would stop growing."""
    features = keras.ops.cast(1000 + 16 * np.random.default_rng(0).normal(size=(1, 64, 64, 2)), "bfloat16")
    layer = GroupNorm(2)
    found = layer(features)
    assert (found.dtype, layer.gamma.dtype) == ("bfloat16", "float32")
    expected = by_formula(np.asarray(keras.ops.cast(features, "float32")), 2)
    np.testing.assert_allclose(keras.ops.cast(found, "float32"), expected, atol=0.02)


@pytest.mark.parametrize(
    ("filters", "groups"), [(1, 1), (2, 1), (3, 1), (4, 2), (7, 1), (8, 4), (12, 6), (16, 8), (24, 8), (256, 8)]
)
def test_groups_divide_the_filters_and_hold_two_or_more(filters: int, groups: int) -> None:
    assert groups_of(filters) == groups
    assert normalised(keras.Input((4, 4, filters)), "group").shape == (None, 4, 4, filters)


def test_groups_that_do_not_divide_the_channels_are_an_error() -> None:
    with pytest.raises(ValueError, match="3 groups do not divide 8 channels"):
        GroupNorm(3)(np.zeros((1, 2, 2, 8)))
