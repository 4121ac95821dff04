"""Each photometric change against worked values, definitions and SciPy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats
from value_changes import DEPTHS, picture

from components.imaging.augmentation.intensity import Intensity, brightening

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
