"""Adjusted images against worked values and definitions."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from components.imaging.adjust import Adjust, adjust

DEPTHS = pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
RNG = np.random.default_rng(0)


def ramp(dtype: type) -> np.ndarray:
    return np.linspace(0, np.iinfo(dtype).max, 256).astype(dtype).reshape(16, 16)


@DEPTHS
@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_to_do_returns_the_input(dtype: type, top: int, channels: int) -> None:
    pixels = ramp(dtype) if channels == 1 else np.dstack([ramp(dtype)] * 3)
    assert adjust(pixels, Adjust()) is pixels


@DEPTHS
@pytest.mark.parametrize(
    ("keys", "values", "expected"),
    [
        pytest.param({"gamma": 0.5}, [0, 0.25, 1], [0, 0.5, 1], id="gamma"),
        pytest.param({"gamma": 2.0}, [0, 0.5, 1], [0, 0.25, 1], id="gamma above 1"),
        pytest.param({"invert": True}, [0, 0.2, 1], [1, 0.8, 0], id="invert"),
        pytest.param({"contrast": 2.0}, [0, 0.2, 0.5, 0.7], [0, 0.4, 1, 1], id="contrast"),
        pytest.param({"brightness": -0.3}, [0, 0.3, 0.5, 1], [0, 0, 0.2, 0.7], id="brightness"),
        pytest.param({"contrast": 2.0, "brightness": -0.5}, [0.2, 0.5, 0.6], [0, 0.5, 0.7], id="contrast first"),
        pytest.param({"gamma": 2.0, "invert": True}, [0.5], [0.75], id="gamma before inversion"),
        pytest.param({"invert": True, "contrast": 0.5}, [0, 0.4], [0.5, 0.3], id="inversion before contrast"),
        pytest.param({"contrast": 0.5, "brightness": 1.0}, [0, 1], [1, 1], id="clipped"),
    ],
)
def test_tones(dtype: type, top: int, keys: dict[str, Any], values: list[float], expected: list[float]) -> None:
    """To half a grey level of 8 bit, by which the input was rounded, times the slope."""
    pixels = np.rint(np.array([values]) * top).astype(dtype)
    for image, target in ((pixels, expected), (np.dstack([pixels] * 3), np.repeat([expected], 3, 0).T)):
        adjusted = adjust(image, Adjust(**keys))
        assert adjusted.dtype == dtype
        assert adjusted.shape == image.shape
        np.testing.assert_allclose(adjusted[0] / top, target, atol=1.6 / top)


@DEPTHS
def test_two_inversions_are_none(dtype: type, top: int) -> None:
    pixels = RNG.integers(0, top + 1, (20, 30, 3)).astype(dtype)
    once = adjust(pixels, Adjust(invert=True))
    np.testing.assert_array_equal(once, top - pixels)
    np.testing.assert_array_equal(adjust(once, Adjust(invert=True)), pixels)


def test_sixteen_bit_keep_their_depth() -> None:
    pixels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert len(np.unique(adjust(pixels, Adjust(gamma=0.9)))) > 60_000


def equalised(pixels: np.ndarray, clip: float | None) -> np.ndarray:
    """Histogram equalisation of the whole image by its definition, the histogram cut at `clip` times its mean."""
    bins = np.iinfo(pixels.dtype).max + 1
    counts = np.bincount(pixels.ravel(), minlength=bins)
    if clip is not None:
        limit = max(int(clip * pixels.size / bins), 1)
        excess = int(np.maximum(counts - limit, 0).sum())
        counts = np.minimum(counts, limit) + excess // bins
        remainder = excess % bins
        counts[:: max(bins // remainder, 1)][:remainder] += 1
    return np.rint(counts.cumsum()[pixels] * np.float32((bins - 1) / pixels.size))


@DEPTHS
@pytest.mark.parametrize("clip", [None, 2.0, 1.1])
def test_clahe_of_one_tile_is_histogram_equalisation_with_a_limit(dtype: type, top: int, clip: float | None) -> None:
    pixels = (RNG.normal(0.3, 0.05, (300, 300)).clip(0, 1) * top).astype(dtype)
    adjusted = adjust(pixels, Adjust(clahe_clip=clip or 1e9, clahe_grid=1))
    assert adjusted.dtype == dtype
    np.testing.assert_allclose(adjusted, equalised(pixels, clip), atol=1)


def test_clahe_adapts_to_each_tile() -> None:
    """A dark and a bright half with the same texture come out alike, away from their border."""
    texture = RNG.integers(0, 40, (64, 64))
    pixels = np.hstack([texture, texture + 200]).astype(np.uint8)
    adjusted = adjust(pixels, Adjust(clahe_clip=1e9, clahe_grid=2))
    left, right = adjusted[:, :32], adjusted[:, -32:]
    assert np.ptp(left) > 200
    assert np.ptp(right) > 200
    assert np.ptp(adjust(pixels, Adjust(clahe_clip=1e9, clahe_grid=1))[:, :32]) < 150


@DEPTHS
def test_clahe_of_a_gray_valued_image_is_that_of_the_gray_one(dtype: type, top: int) -> None:
    gray = RNG.integers(0, top + 1, (40, 50)).astype(dtype)
    keys = Adjust(clahe_clip=3.0)
    np.testing.assert_array_equal(adjust(np.dstack([gray] * 3), keys), np.dstack([adjust(gray, keys)] * 3))


@DEPTHS
def test_clahe_changes_the_luma_of_colours_and_keeps_their_differences(dtype: type, top: int) -> None:
    pixels = (top * RNG.uniform(0.4, 0.6, (40, 50, 3))).astype(dtype)
    adjusted = adjust(pixels, Adjust(clahe_clip=2.0, clahe_grid=2))
    inside = ((adjusted > 0) & (adjusted < top)).all(axis=-1)
    assert inside.mean() > 0.5
    luma = cv2.createCLAHE(2.0, (2, 2)).apply(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
    assert luma.std() > 1.5 * cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).std()
    np.testing.assert_array_equal(cv2.cvtColor(adjusted, cv2.COLOR_RGB2GRAY)[inside], luma[inside])
    np.testing.assert_array_equal(np.diff(adjusted.astype(int))[inside], np.diff(pixels.astype(int))[inside])


def test_clahe_saturates_colours() -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[..., 0], pixels[:8, :, 1] = 255, 200
    adjusted = adjust(pixels, Adjust(clahe_clip=40.0, clahe_grid=1))
    assert (adjusted[:8, :, 0] == 255).all()


def test_clahe_follows_the_tones() -> None:
    pixels = RNG.integers(0, 256, (40, 50)).astype(np.uint8)
    expected = cv2.createCLAHE(2.0, (4, 4)).apply(255 - pixels)
    np.testing.assert_array_equal(adjust(pixels, Adjust(invert=True, clahe_clip=2.0, clahe_grid=4)), expected)
