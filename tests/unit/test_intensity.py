"""Photometric augmentation: what holds for all changes of values, their order and their parameters."""

from __future__ import annotations

import inspect
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from value_changes import DEPTHS, picture

from components.imaging.augmentation.intensity import LIMITS, Intensity

SINGLE: dict[str, dict[str, Any]] = {
    "inverted_gamma": {"inverted_gamma": 0.6},
    "tones": {"gamma": 0.7, "contrast": 1.4, "brightness": -0.1},
    "clahe": {"clahe_clip": 2.0},
    "sharpening": {"sharpening": 0.5},
    "blur": {"blur": 0.03},
    "low_resolution": {"low_resolution": 0.4},
    "noise": {"noise": 0.1, "noise_seed": 5},
    "cutouts": {"cutouts": ((0.25, 0.5, 0.2, 0.3), (0.0, 0.0, 0.1, 0.1))},
}
"""In the documented order."""
EACH = pytest.mark.parametrize("change", [Intensity(**keys) for keys in SINGLE.values()], ids=list(SINGLE))
ALL = Intensity(**{name: value for keys in SINGLE.values() for name, value in keys.items()})


# --- What holds for all -----------------------------------------------------------------------------------------------


@DEPTHS
@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3)])
def test_nothing_to_do_returns_the_input(dtype: type, top: int, shape: tuple[int, ...]) -> None:
    pixels = np.full(shape, top, dtype)
    assert Intensity(noise_seed=4).apply(pixels) is pixels


def test_a_mask_cannot_be_handed_over() -> None:
    assert list(inspect.signature(Intensity.apply).parameters) == ["self", "image"]


@EACH
@DEPTHS
@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (2, 40), (40, 1, 3), (30, 20, 1)])
def test_shape_and_type_stay(change: Intensity, dtype: type, top: int, shape: tuple[int, ...]) -> None:
    changed = change.apply(np.full(shape, top // 2, dtype))
    assert changed.shape == shape
    assert changed.dtype == dtype


@EACH
@DEPTHS
def test_the_input_stays_as_it_is_and_may_be_a_view(change: Intensity, dtype: type, top: int) -> None:
    pixels = picture(dtype)
    view, copy = pixels[::-1, 3:], pixels[::-1, 3:].copy()
    changed = change.apply(view)
    np.testing.assert_array_equal(view, copy)
    assert not np.array_equal(changed, copy)
    np.testing.assert_array_equal(changed, change.apply(copy))


@EACH
@pytest.mark.parametrize("shape", [(96, 128), (96, 128, 3)])
def test_8_and_16_bit_agree_to_a_level(change: Intensity, shape: tuple[int, ...]) -> None:
    deep = change.apply(picture(np.uint16, shape))
    assert np.abs(deep / 257 - change.apply(picture(np.uint8, shape))).max() <= 1


@pytest.mark.parametrize("name", ["tones", "clahe", "sharpening", "blur", "low_resolution"])
def test_16_bit_are_not_reduced_to_8(name: str) -> None:
    pixels = np.random.default_rng(0).integers(20_000, 40_000, (64, 64)).astype(np.uint16)
    assert len(np.unique(Intensity(**SINGLE[name]).apply(pixels))) > 1500


@EACH
@DEPTHS
def test_gray_and_rgb_with_equal_channels_agree_but_for_noise(change: Intensity, dtype: type, top: int) -> None:
    gray = picture(dtype, (96, 128))
    changed = change.apply(np.dstack([gray] * 3))
    assert np.array_equal(changed, np.dstack([change.apply(gray)] * 3)) == (not change.noise)


@DEPTHS
def test_the_order_is_the_documented_one(dtype: type, top: int) -> None:
    step_by_step = picture(dtype)
    for keys in SINGLE.values():
        step_by_step = Intensity(**keys).apply(step_by_step)
    np.testing.assert_array_equal(ALL.apply(picture(dtype)), step_by_step)


@DEPTHS
@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 3)])
def test_values_saturate_and_never_wrap(dtype: type, top: int, shape: tuple[int, ...]) -> None:
    """Bright halves do not become dark, nor dark ones bright, by any change that is far out of range."""
    pixels = np.zeros(shape, dtype)
    pixels[:16] = top
    for keys in ({"contrast": 20.0}, {"brightness": 0.9}, {"sharpening": 20.0}, {"noise": 0.1}):
        changed = Intensity(**keys).apply(pixels) / top
        assert changed[:16].min() > 0.4, keys
    for keys in ({"contrast": 0.01}, {"brightness": -0.9}, {"sharpening": 20.0}, {"noise": 0.1}):
        changed = Intensity(**keys).apply(pixels) / top
        assert changed[16:].max() < 0.6, keys


@DEPTHS
def test_black_areas_stay_black_but_for_brightness_clahe_and_noise(dtype: type, top: int) -> None:
    black = np.zeros((64, 64, 3), dtype)
    black[:20] = picture(dtype, (20, 64, 3))
    dark = Intensity(
        inverted_gamma=3, gamma=0.5, contrast=3, sharpening=2, blur=0.02, low_resolution=0.3, cutouts=((0, 0, 0.2, 1),)
    )
    assert not dark.apply(black)[30:].any()
    for keys in ({"brightness": 0.1}, {"noise": 0.1}):
        assert Intensity(**keys).apply(black)[30:].any()


@pytest.mark.parametrize(("clip", "levels"), [(1.0, 2), (2.0, 3), (4.0, 5)])
@DEPTHS
def test_clahe_lifts_padding_by_its_clip_and_a_level(dtype: type, top: int, clip: float, levels: int) -> None:
    """All pixels of a black tile are in one bin: clip / 256 of them stay there, the rest is spread over 256 bins."""
    boxed = np.zeros((512, 512), dtype)
    boxed[:, 128:384] = picture(dtype, (512, 256))
    padding = Intensity(clahe_clip=clip).apply(boxed)[:, :64]
    np.testing.assert_array_equal(padding, levels * (top // 255))


@pytest.mark.parametrize(("sigma", "mean"), [(0.005, 0.5), (0.03, 3.0)])
def test_noise_lifts_padding_by_two_fifths_of_its_sigma(sigma: float, mean: float) -> None:
    lifted = Intensity(noise=sigma).apply(np.zeros((512, 512), np.uint8))
    assert lifted.mean() == pytest.approx(mean, rel=0.03)
    assert lifted.max() <= round(4.4 * sigma * 255)


# --- Parameters -------------------------------------------------------------------------------------------------------

INTENSITIES = st.builds(
    Intensity,
    gamma=st.floats(0.3, 3),
    inverted_gamma=st.just(1.0) | st.floats(0.3, 3),
    contrast=st.floats(0, 3),
    brightness=st.floats(-1, 1),
    clahe_clip=st.none() | st.floats(1, 40),
    sharpening=st.floats(0, 3),
    blur=st.floats(0, 0.25),
    low_resolution=st.floats(0.01, 1),
    noise=st.floats(0, 1),
    noise_seed=st.integers(0, 2**32),
    cutouts=st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=3).map(tuple),
)


@settings(deadline=None, max_examples=60)
@given(INTENSITIES, st.sampled_from([np.uint8, np.uint16]), st.sampled_from([(17, 9), (9, 17, 3)]))
def test_json_gives_the_same_bytes_again(change: Intensity, dtype: type, shape: tuple[int, ...]) -> None:
    kept = json.loads(json.dumps(change.as_json()))
    assert kept == change.as_json()
    again = Intensity.from_json(kept)
    assert again == change
    pixels = picture(dtype, shape)
    assert again.apply(pixels).tobytes() == change.apply(pixels).tobytes()


@pytest.mark.parametrize("name", LIMITS)
def test_numbers_out_of_range_are_refused_by_name(name: str) -> None:
    least, largest = LIMITS[name]
    for fits in (least, largest):
        Intensity(**{name: fits})
    for wrong in (least - 0.001, largest + 0.001, float("nan")):
        with pytest.raises(ValueError, match=f"{name} .*expected {least} to {largest}"):
            Intensity(**{name: wrong})


@pytest.mark.parametrize("keys", [{"noise_seed": -1}, {"cutouts": ((0, 0, 1.1, 1),)}, {"cutouts": ((0, -0.1, 1, 1),)}])
def test_seeds_and_cut_outs_out_of_range_are_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Intensity(**keys)


@DEPTHS
def test_an_inverted_gamma_is_the_gamma_of_the_negative(dtype: type, top: int) -> None:
    pixels = picture(dtype)
    expected = top * (1 - (1 - pixels / top) ** 1.4)
    assert np.abs(Intensity(inverted_gamma=1.4).apply(pixels) - expected).max() <= 0.5 + 1e-6


def test_records_know_of_an_inverted_gamma_only_where_there_is_one() -> None:
    """All that were made without are the same bytes as ever."""
    assert "inverted_gamma" not in Intensity(gamma=0.8).as_json()
    assert Intensity(inverted_gamma=0.8).as_json()["inverted_gamma"] == 0.8
