"""Photometric augmentation against worked values, definitions and SciPy."""

from __future__ import annotations

import inspect
import json
from dataclasses import fields, replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from components.imaging.draw import draw_intensity
from components.imaging.intensity import LIMITS, Intensity, brightening

DEPTHS = pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535)])
SINGLE: dict[str, dict[str, Any]] = {
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


def picture(dtype: Any = np.uint8, shape: tuple[int, ...] = (96, 128, 3)) -> np.ndarray:
    """A smooth random picture that fills the range; at 16 bit, 257 times the values of 8 bit."""
    noise = np.random.default_rng(1).normal(size=shape)
    smooth = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 2), None, 0, 255, cv2.NORM_MINMAX)
    return np.rint(smooth).astype(dtype) * np.array(np.iinfo(dtype).max // 255, dtype)


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
    dark = Intensity(gamma=0.5, contrast=3, sharpening=2, blur=0.02, low_resolution=0.3, cutouts=((0, 0, 0.2, 1),))
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


# --- Each operation ---------------------------------------------------------------------------------------------------


@DEPTHS
@pytest.mark.parametrize(
    ("keys", "values", "expected"),
    [
        ({"gamma": 0.5}, [0, 0.25, 1], [0, 0.5, 1]),
        ({"gamma": 2.0}, [0, 0.5, 1], [0, 0.25, 1]),
        ({"contrast": 1.5}, [0, 0.2, 0.8], [0, 0.3, 1]),
        ({"brightness": 0.2}, [0, 0.5, 0.9], [0.2, 0.7, 1]),
        ({"brightness": -0.2}, [0.1, 0.5], [0, 0.3]),
        ({"gamma": 2.0, "contrast": 2.0, "brightness": 0.1}, [0.5], [0.6]),
    ],
)
def test_tones(dtype: type, top: int, keys: dict[str, float], values: list[float], expected: list[float]) -> None:
    pixels = np.rint(np.array([values]) * top).astype(dtype)
    np.testing.assert_allclose(Intensity(**keys).apply(pixels)[0] / top, expected, atol=1.3 / top)


@pytest.mark.parametrize(
    ("alpha", "beta", "expected"),
    [(1.2, 10, {0: 10, 1: 11, 2: 12, 100: 130, 204: 255, 255: 255}), (1.5, 40, {1: 42, 3: 44, 5: 48, 143: 254})],
)
def test_brightening_as_the_reference_systems_do(alpha: float, beta: float, expected: dict[int, int]) -> None:
    """Worked by hand: 1.2 * 2 + 10 = 12.4; 1.5 * 1 + 40 = 41.5, a half, to the even neighbour."""
    changed = brightening(alpha, beta).apply(np.arange(256, dtype=np.uint8)[None])[0]
    assert {value: changed[value] for value in expected} == expected


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 255), st.sampled_from([1.0, 0.01, 0.1]))
def test_brightening_is_the_absolute_linear_map_to_the_level(alpha: int, beta: int, unit: float) -> None:
    alpha = min(alpha * unit, 20.0)
    values = np.arange(256, dtype=np.uint8)[None]
    expected = cv2.convertScaleAbs(values, alpha=alpha, beta=beta)
    np.testing.assert_array_equal(brightening(alpha, beta).apply(values), expected)


@pytest.mark.parametrize(("alpha", "beta"), [(-1.2, 10), (1.2, -10), (1.2, 256), (21, 0), (float("nan"), 0)])
def test_brightening_refuses_what_would_be_mirrored(alpha: float, beta: float) -> None:
    with pytest.raises(ValueError, match="expected"):
        brightening(alpha, beta)


@pytest.mark.parametrize(
    ("amount", "around", "middle", "expected_middle", "expected_side"),
    [(1, 10, 20, 100, 0), (0.5, 10, 20, 60, 5), (1, 100, 200, 255, 0), (1, 20, 10, 0, 30), (2, 7, 7, 7, 7)],
)
def test_sharpening_as_the_reference_systems_do(
    amount: float, around: int, middle: int, expected_middle: int, expected_side: int
) -> None:
    """(1 + 8k) * middle - 8k * around; beside it, around + k * (around - middle)."""
    pixels = np.full((5, 5), around, np.uint8)
    pixels[2, 2] = middle
    sharp = Intensity(sharpening=amount).apply(pixels)
    assert sharp[2, 2] == expected_middle
    assert sharp[1, 1] == sharp[2, 3] == expected_side
    assert sharp[0, 0] == sharp[4, 2] == around


@DEPTHS
def test_sharpening_is_a_convolution_with_reflected_edges(dtype: type, top: int) -> None:
    pixels = picture(dtype, (40, 30))
    kernel = np.full((3, 3), -0.25)
    kernel[1, 1] = 3
    expected = ndimage.convolve(pixels.astype(float), kernel, mode="mirror").clip(0, top)
    np.testing.assert_allclose(Intensity(sharpening=0.25).apply(pixels), expected, atol=0.51)


@DEPTHS
@pytest.mark.parametrize("sigma", [0.7, 1.5, 4.0])
def test_blur_is_a_gaussian_of_a_size_relative_to_the_shorter_side(dtype: type, top: int, sigma: float) -> None:
    pixels = picture(dtype, (50, 80))
    expected = ndimage.gaussian_filter(pixels.astype(float), sigma, mode="mirror", radius=int(np.ceil(3 * sigma)))
    np.testing.assert_allclose(Intensity(blur=sigma / 50).apply(pixels), expected, atol=1)


@pytest.mark.parametrize("sigma", [1.0, 2.0, 5.0])
def test_a_point_spreads_by_sigma(sigma: float) -> None:
    """Cut off at 3 sigma, a Gaussian has 0.987 of its standard deviation."""
    point = np.zeros((61, 101), np.uint16)
    point[30, 50] = 65535
    weights = Intensity(blur=sigma / 61).apply(point).astype(float)
    offsets = np.arange(101) - 50
    spread = np.sqrt((weights.sum(0) * offsets**2).sum() / weights.sum())
    assert spread == pytest.approx(sigma, rel=0.03)


@DEPTHS
@pytest.mark.parametrize("keys", [{"blur": 0.01}, {"blur": 0.05}, {"low_resolution": 0.5}, {"low_resolution": 0.23}])
def test_blur_and_low_resolution_keep_the_mean(dtype: type, top: int, keys: dict[str, float]) -> None:
    pixels = picture(dtype, (256, 200, 3))
    changed = Intensity(**keys).apply(pixels)
    assert changed.std() < pixels.std()
    np.testing.assert_allclose(changed.mean((0, 1)) / top, pixels.mean((0, 1)) / top, atol=0.2 / 255)


@DEPTHS
def test_low_resolution_averages_and_interpolates(dtype: type, top: int) -> None:
    level = top // 255
    columns = np.array([40, 60, 150, 150], dtype) * np.array(level, dtype)
    coarse = Intensity(low_resolution=0.5).apply(np.tile(columns, (4, 1)))
    np.testing.assert_array_equal(coarse, np.tile([50 * level, 75 * level, 125 * level, 150 * level], (4, 1)))


def test_low_resolution_hides_fine_structure_without_moire() -> None:
    checkerboard = np.indices((64, 64)).sum(0).astype(np.uint8) % 2 * 200
    coarse = Intensity(low_resolution=0.5).apply(checkerboard)
    np.testing.assert_array_equal(coarse, np.full((64, 64), 100))


@DEPTHS
@pytest.mark.parametrize("sigma", [0.01, 0.05, 0.1])
def test_noise_is_normal_with_the_stated_sigma(dtype: type, top: int, sigma: float) -> None:
    gray = np.full((256, 256, 3), top // 2, dtype)
    noise = (Intensity(noise=sigma, noise_seed=3).apply(gray).astype(float) - top // 2) / top
    count = noise.size
    assert abs(noise.mean()) < 4 * sigma / np.sqrt(count)
    # Rounding adds a variance of 1/12 of a level.
    assert noise.std() == pytest.approx(np.hypot(sigma, np.sqrt(1 / 12) / top), rel=4 / np.sqrt(2 * count))
    assert abs(stats.skew(noise.ravel())) < 4 * np.sqrt(6 / count)
    assert abs(stats.kurtosis(noise.ravel())) < 4 * np.sqrt(24 / count) + 0.002
    if dtype == np.uint16:
        assert stats.kstest(noise.ravel()[::7] / sigma, "norm").pvalue > 0.01


def test_noise_is_independent_between_pixels_channels_and_seeds() -> None:
    gray = np.full((256, 256, 3), 128, np.uint8)
    noise, other = (Intensity(noise=0.1, noise_seed=seed).apply(gray).astype(float) - 128 for seed in (0, 1))
    pairs = [(noise[..., 0], noise[..., 1]), (noise[..., 1], noise[..., 2]), (noise[1:], noise[:-1])]
    pairs += [(noise[:, 1:], noise[:, :-1]), (noise[:, 4:], noise[:, :-4]), (noise, other)]
    for one, two in pairs:
        assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.015


@DEPTHS
@pytest.mark.parametrize("white", [False, True])
def test_noise_on_black_and_white_is_cut_off(dtype: type, top: int, white: bool) -> None:
    """Half of the pixels stay; the mean moves by sigma / sqrt(2 pi)."""
    noise = np.abs(Intensity(noise=0.2).apply(np.full((200, 200), white * top, dtype)) / top - white)
    assert (noise == 0).mean() == pytest.approx(0.5, abs=0.02)
    assert noise.mean() == pytest.approx(0.2 / np.sqrt(2 * np.pi), rel=0.03)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        (np.uint8, [119, 178, 124, 83, 143, 66]),
        (np.uint16, [30598, 45940, 31895, 21577, 36772, 17040]),
    ],
)
def test_noise_is_the_same_on_every_machine(dtype: type, expected: list[int]) -> None:
    """Worked from the raw stream of SFC64, its low 16 bits first, and the quantiles of `statistics.NormalDist`."""
    noisy = Intensity(noise=0.1, noise_seed=7).apply(np.full((2, 3), np.iinfo(dtype).max // 2, dtype))
    assert noisy.ravel().tolist() == expected


def test_clahe_is_that_of_opencv_over_8_x_8_tiles() -> None:
    gray = picture(np.uint8, (96, 128))
    expected = cv2.createCLAHE(2.0, (8, 8)).apply(gray)
    np.testing.assert_array_equal(Intensity(clahe_clip=2.0).apply(gray), expected)


@pytest.mark.parametrize("shape", [(96, 128), (96, 128, 3)])
def test_clahe_at_16_bit_is_that_at_8_bit(shape: tuple[int, ...]) -> None:
    change = Intensity(clahe_clip=4.0)
    expected = 257 * change.apply(picture(np.uint8, shape)).astype(int)
    np.testing.assert_array_equal(change.apply(picture(np.uint16, shape)), expected)


def test_strong_noise_at_16_bit_agrees_with_8_bit_to_a_level() -> None:
    change = Intensity(noise=0.6)
    shallow, deep = (
        change.apply(np.full((200, 200), 100 * level, kind)) for level, kind in ((1, np.uint8), (257, np.uint16))
    )
    assert np.abs(deep / 257 - shallow).max() <= 0.51


@DEPTHS
def test_cut_outs_show_the_mean_colour_and_nothing_else_changes(dtype: type, top: int) -> None:
    pixels = picture(dtype, (40, 100, 3))
    changed = Intensity(cutouts=((0.25, 0.1, 0.5, 0.3), (0.9, 0.95, 0.1, 0.05))).apply(pixels)
    covered = np.zeros((40, 100), bool)
    covered[10:30, 10:40] = True
    covered[36:, 95:] = True
    np.testing.assert_array_equal(changed[~covered], pixels[~covered])
    mean = np.broadcast_to(np.rint(pixels.mean((0, 1))), (covered.sum(), 3))
    np.testing.assert_array_equal(changed[covered], mean)


# --- Parameters -------------------------------------------------------------------------------------------------------

INTENSITIES = st.builds(
    Intensity,
    gamma=st.floats(0.3, 3),
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


def table(probability: float, **changed: float) -> dict[str, Any]:
    ranges = {
        "gamma": {"exponent": (0.7, 1.5)},
        "contrast": {"factor": (0.75, 1.25)},
        "brightness": {"gain": (1.0, 1.0), "offset": (-0.1, 0.1)},
        "clahe": {"clip": (1.5, 4.0)},
        "sharpening": {"amount": (0.1, 1.0)},
        "blur": {"sigma": (0.001, 0.002)},
        "low_resolution": {"scale": (0.5, 0.9)},
        "noise": {"sigma": (0.01, 0.05)},
        "cutout": {"count": 3, "size": (0.05, 0.2)},
    }
    return {name: {"probability": changed.get(name, probability), **keys} for name, keys in ranges.items()}


FIELDS = {"clahe": {"clahe_clip"}, "cutout": {"cutouts"}, "noise": {"noise", "noise_seed"}}


def drawn(seed: int, table: dict[str, Any]) -> Intensity:
    return draw_intensity(np.random.default_rng(seed), table)


@pytest.mark.parametrize("seed", range(5))
def test_with_probability_0_nothing_happens(seed: int) -> None:
    assert drawn(seed, table(0)) == Intensity()


def test_draws_fill_their_ranges_and_nothing_else() -> None:
    draws = [drawn(seed, table(1)) for seed in range(300)]
    for name, keys in table(1).items():
        if name == "cutout":
            continue
        (of_range,) = keys.keys() - {"probability", "gain"}
        least, largest = keys[of_range]
        found = [getattr(draw, "clahe_clip" if name == "clahe" else name) for draw in draws]
        assert stats.kstest(found, "uniform", (least, largest - least)).pvalue > 0.001, name
    assert len({draw.noise_seed for draw in draws}) == len(draws)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(0, 5), st.floats(0, 1), st.floats(0, 1))
def test_cut_outs_lie_within_the_image(seed: int, count: int, least: float, more: float) -> None:
    size = (least, least + more * (1 - least))
    keys = {**table(0), "cutout": {"probability": 1, "count": count, "size": size}}
    cutouts = drawn(seed, keys).cutouts
    assert len(cutouts) == count
    for top, left, height, width in cutouts:
        assert size[0] <= height <= size[1]
        assert size[0] <= width <= size[1]
        assert 0 <= top <= 1 - height + 1e-12
        assert 0 <= left <= 1 - width + 1e-12


def test_cut_outs_are_anywhere() -> None:
    found = np.array([rectangle for seed in range(200) for rectangle in drawn(seed, table(1)).cutouts])
    room = 1 - found[:, 2:]
    for axis in (0, 1):
        assert stats.kstest(found[:, axis] / room[:, axis], "uniform").pvalue > 0.001
        assert stats.kstest(found[:, axis + 2], "uniform", (0.05, 0.15)).pvalue > 0.001
    assert abs(np.corrcoef(found.T)[0, 1]) < 0.15


@pytest.mark.parametrize("name", table(0))
def test_a_changed_probability_leaves_the_other_draws_as_they_were(name: str) -> None:
    own = FIELDS.get(name, {name})
    neutral = {field.name: field.default for field in fields(Intensity) if field.name in own}
    for seed in range(5):
        assert drawn(seed, table(1, **{name: 0})) == replace(drawn(seed, table(1)), **neutral)


def test_the_gain_of_a_brightness_comes_and_goes_with_it() -> None:
    joint = {"probability": 0.5, "gain": (2.0, 2.0), "offset": (0.1, 0.1)}
    for contrast in (0, 1):
        draws = [drawn(seed, {**table(0, contrast=contrast), "brightness": joint}) for seed in range(60)]
        alone = [drawn(seed, table(0, contrast=contrast)) for seed in range(60)]
        assert {draw.brightness for draw in draws} == {0.0, 0.1}
        for draw, before in zip(draws, alone, strict=True):
            assert draw.contrast == pytest.approx(before.contrast * (2 if draw.brightness else 1))


def test_a_changed_count_of_cut_outs_leaves_the_other_draws_as_they_were() -> None:
    more = {**table(1), "cutout": {**table(1)["cutout"], "count": 7}}
    assert replace(drawn(3, more), cutouts=()) == replace(drawn(3, table(1)), cutouts=())


def test_probabilities_are_frequencies() -> None:
    draws = [drawn(seed, table(0.3)) for seed in range(1000)]
    for field in fields(Intensity):
        happened = np.mean([getattr(draw, field.name) != field.default for draw in draws])
        assert happened == pytest.approx(0.3, abs=0.06), field.name


def test_the_same_random_numbers_draw_the_same() -> None:
    assert drawn(8, table(0.5)) == drawn(8, table(0.5))
    assert drawn(8, table(1)) != drawn(9, table(1))
