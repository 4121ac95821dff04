"""Random changes of values: within their ranges, as often as asked, and each draw independent of other settings."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from components.imaging.augmentation.intensity import Intensity
from components.imaging.augmentation.operations import Brightness, Cutout
from components.imaging.augmentation.sampling import draw_intensity
from components.imaging.augmentation.settings import Augmentation

RANGES = {
    "gamma": {"exponent": [0.7, 1.5]},
    "contrast": {"factor": [0.75, 1.25]},
    "brightness": {"gain": [1.0, 1.0], "offset": [-0.1, 0.1]},
    "clahe": {"clip": [1.5, 4.0]},
    "sharpening": {"amount": [0.1, 1.0]},
    "blur": {"sigma": [0.001, 0.002]},
    "low_resolution": {"scale": [0.5, 0.9]},
    "noise": {"sigma": [0.01, 0.05]},
    "cutout": {"count": 3, "size": [0.05, 0.2]},
}
FIELDS = {"clahe": {"clahe_clip"}, "cutout": {"cutouts"}, "noise": {"noise", "noise_seed"}}


def augmentation(probability: float, **changed: float) -> Augmentation:
    """All operations with one probability but for those named."""
    return Augmentation.model_validate(
        {name: {"probability": changed.get(name, probability), **ranges} for name, ranges in RANGES.items()}
    )


def drawn(seed: int, settings: Augmentation) -> Intensity:
    return draw_intensity(np.random.default_rng(seed), settings)


@pytest.mark.parametrize("seed", range(5))
def test_with_probability_0_nothing_happens(seed: int) -> None:
    assert drawn(seed, augmentation(0)) == Intensity()


def test_draws_fill_their_ranges_and_nothing_else() -> None:
    draws = [drawn(seed, augmentation(1)) for seed in range(300)]
    for name, keys in RANGES.items():
        if name == "cutout":
            continue
        (of_range,) = keys.keys() - {"gain"}
        least, largest = keys[of_range]
        found = [getattr(draw, "clahe_clip" if name == "clahe" else name) for draw in draws]
        assert stats.kstest(found, "uniform", (least, largest - least)).pvalue > 0.001, name
    assert len({draw.noise_seed for draw in draws}) == len(draws)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 5), st.floats(0, 1), st.floats(0, 1))
def test_cut_outs_lie_within_the_image(seed: int, count: int, least: float, more: float) -> None:
    size = [least, min(least + more * (1 - least), 1.0)]
    assume(size != [0, 0])
    cutouts = drawn(seed, Augmentation(cutout=Cutout(probability=1, count=count, size=size))).cutouts
    assert len(cutouts) == count
    for top, left, height, width in cutouts:
        assert size[0] <= height <= size[1]
        assert size[0] <= width <= size[1]
        assert 0 <= top <= 1 - height + 1e-12
        assert 0 <= left <= 1 - width + 1e-12


def test_cut_outs_are_anywhere() -> None:
    found = np.array([rectangle for seed in range(200) for rectangle in drawn(seed, augmentation(1)).cutouts])
    room = 1 - found[:, 2:]
    for axis in (0, 1):
        assert stats.kstest(found[:, axis] / room[:, axis], "uniform").pvalue > 0.001
        assert stats.kstest(found[:, axis + 2], "uniform", (0.05, 0.15)).pvalue > 0.001
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.15


@pytest.mark.parametrize("name", RANGES)
def test_a_changed_probability_leaves_the_other_draws_as_they_were(name: str) -> None:
    own = FIELDS.get(name, {name})
    neutral = {field.name: field.default for field in fields(Intensity) if field.name in own}
    for seed in range(5):
        assert drawn(seed, augmentation(1, **{name: 0})) == replace(drawn(seed, augmentation(1)), **neutral)


def test_the_gain_of_a_brightness_comes_and_goes_with_it() -> None:
    joint = Brightness(probability=0.5, gain=[2.0, 2.0], offset=[0.1, 0.1])
    for contrast in (0, 1):
        settings = augmentation(0, contrast=contrast)
        draws = [drawn(seed, settings.model_copy(update={"brightness": joint})) for seed in range(60)]
        alone = [drawn(seed, settings) for seed in range(60)]
        assert {draw.brightness for draw in draws} == {0.0, 0.1}
        for draw, before in zip(draws, alone, strict=True):
            assert draw.contrast == pytest.approx(before.contrast * (2 if draw.brightness else 1))


def test_a_changed_count_of_cut_outs_leaves_the_other_draws_as_they_were() -> None:
    more = augmentation(1).model_copy(update={"cutout": Cutout(probability=1, count=7, size=[0.05, 0.2])})
    assert replace(drawn(3, more), cutouts=()) == replace(drawn(3, augmentation(1)), cutouts=())


def test_probabilities_are_frequencies() -> None:
    draws = [drawn(seed, augmentation(0.3)) for seed in range(1000)]
    for field in fields(Intensity):
        if field.name == "inverted_gamma":
            continue
        happened = np.mean([getattr(draw, field.name) != field.default for draw in draws])
        assert happened == pytest.approx(0.3, abs=0.06), field.name


def test_the_same_random_numbers_draw_the_same() -> None:
    assert drawn(8, augmentation(0.5)) == drawn(8, augmentation(0.5))
    assert drawn(8, augmentation(1)) != drawn(9, augmentation(1))


def test_a_share_of_the_gammas_is_of_inverted_images_and_leaves_the_other_draws_as_they_were() -> None:
    some = augmentation(0.4)
    inverting = some.model_copy(update={"gamma": some.gamma.model_copy(update={"inverted": 0.25})})
    draws = [drawn(seed, inverting) for seed in range(1000)]
    plain, inverted = (np.array([getattr(draw, name) != 1 for draw in draws]) for name in ("gamma", "inverted_gamma"))
    # nnU-Net's 0.3 and 0.1, of which it lets both happen.
    assert (plain.mean(), inverted.mean()) == pytest.approx((0.3, 0.1), abs=0.04)
    assert not (plain & inverted).any()
    for seed, draw in enumerate(draws[:50]):
        before = drawn(seed, some)
        assert before.gamma == draw.gamma * draw.inverted_gamma
        assert replace(draw, gamma=1.0, inverted_gamma=1.0) == replace(before, gamma=1.0)
