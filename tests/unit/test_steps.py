"""Probabilities as they are kept."""

from __future__ import annotations

import numpy as np

from components.inference.steps import from_steps, rounded, to_steps


def test_ends_and_middle_stay() -> None:
    np.testing.assert_array_equal(rounded(np.array([0, 1], np.float32)), [0, 1])
    assert 0.5 <= rounded(np.array([0.5], np.float32))[0] < 0.50002
    assert np.unique(from_steps(np.arange(65536, dtype=np.uint16))).size > 65_000


def test_they_are_off_by_half_a_step_at_most_and_sums_of_small_ones_hold() -> None:
    p = np.random.default_rng(0).random(100_000).astype(np.float32)
    assert np.abs(rounded(p) - p).max() < 1.3e-5
    small = 1e-6 * p
    assert abs(rounded(small).sum() / small.sum() - 1) < 1e-3
    assert (
        abs((1 - rounded(1 - small).astype(np.float64)).sum() / (1 - (1 - small).astype(np.float64)).sum() - 1) < 0.02
    )


def test_what_is_rounded_is_kept_as_it_is() -> None:
    kept = from_steps(np.arange(65536, dtype=np.uint16))
    np.testing.assert_array_equal(from_steps(to_steps(kept)), kept)


def test_what_is_no_number_stays() -> None:
    assert np.isnan(rounded(np.array([np.nan, 0.3], np.float32))[0])
