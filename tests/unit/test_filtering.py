"""Blur and sharpening of probabilities: as SciPy does, by hand, and what stays a probability."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.ndimage import convolve, gaussian_filter

from components.inference.filtering import Filtering

NOISE = np.random.default_rng(0).random((23, 31, 1), np.float32)


@pytest.mark.parametrize("sigma", [0.6, 2.0, 7.5])
def test_blur_is_scipys(sigma: float) -> None:
    expected = gaussian_filter(NOISE[..., 0].astype(float), sigma, mode="mirror", truncate=4)
    np.testing.assert_allclose(Filtering(blur=sigma)(NOISE)[..., 0], expected, atol=1e-6)


def test_sharpening_by_hand_and_as_scipy_does() -> None:
    spot = np.full((5, 5, 1), 0.5, np.float32)
    spot[2, 2] = 0.6
    found = Filtering(sharpen=0.25)(spot)[..., 0]
    # 0.6 + 0.25 * 8 * 0.1, and 0.5 - 0.25 * 0.1 around it.
    assert found[2, 2] == pytest.approx(0.8)
    assert (found[1, 1], found[2, 3]) == (pytest.approx(0.475), pytest.approx(0.475))
    assert found[0, 0] == pytest.approx(0.5)
    kernel = np.full((3, 3), -1.0)
    kernel[1, 1] = 9
    expected = np.clip(convolve(NOISE[..., 0].astype(float), kernel, mode="mirror"), 0, 1)
    np.testing.assert_allclose(Filtering(sharpen=1.0)(NOISE)[..., 0], expected, atol=1e-5)


def test_both_are_blurred_first() -> None:
    both = Filtering(blur=1.5, sharpen=0.5)(NOISE)
    np.testing.assert_allclose(both, Filtering(sharpen=0.5)(Filtering(blur=1.5)(NOISE)), atol=1e-6)


def test_several_classes_stay_probabilities() -> None:
    several = np.random.default_rng(1).dirichlet([0.1] * 7, (9, 1)).astype(np.float32)
    for filtering in (Filtering(blur=3.0), Filtering(sharpen=5.0), Filtering(blur=1.0, sharpen=50.0)):
        found = filtering(several)
        assert found.shape == several.shape
        assert (found.min() >= 0, found.max() <= 1) == (True, True)
        np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6)


def test_nothing_asked_changes_nothing_and_nonsense_is_refused() -> None:
    assert Filtering()(NOISE) is NOISE
    for value in (-1.0, float("nan"), float("inf"), 1000.0):
        with pytest.raises(ValidationError):
            Filtering(blur=value)
