"""Random displacement fields: their size, smoothness and limit, and how they match those of older systems."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, map_coordinates

from components.imaging.augmentation.fields import (
    MAX_SLOPE,
    Field,
    displacement,
    distortion_from_fraction_blur,
    elastic_from_alpha_sigma,
    mesh_nodes,
    mesh_step,
    upsampled,
)

SIZES = [(64, 64), (65, 97), (200, 131), (512, 512), (300, 1000), (9, 7), (1, 1), (1, 40)]


def in_pixels(mesh: np.ndarray, step: int, height: int, width: int) -> np.ndarray:
    planes = np.full((2, height, width), np.nan, np.float32)
    for rows, *strips in upsampled(mesh, step, height, width):
        planes[:, rows] = strips
    return planes


def field_in_pixels(field: Field, height: int, width: int) -> np.ndarray:
    step = mesh_step([field], height, width)
    return in_pixels(displacement([field], height, width, step), step, height, width)


def rms(displacements: np.ndarray) -> float:
    """Root mean square length of `(2, H, W)`."""
    return float(np.sqrt(np.square(displacements).sum(0).mean()))


def roughness(displacements: np.ndarray) -> float:
    """Root mean square slope over root mean square displacement, per pixel, away from the borders."""
    inner = displacements[:, 64:-64, 64:-64]
    return float(np.sqrt(np.mean(np.square(np.diff(inner, axis=2))) / np.mean(np.square(inner))))


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("step", [1, 2, 3, 8, 13, 100])
def test_linear_functions_are_reproduced_at_every_pixel(height: int, width: int, step: int) -> None:
    rows, columns = np.meshgrid(mesh_nodes(height, step), mesh_nodes(width, step), indexing="ij")
    found = in_pixels(np.stack((0.7 * columns - 0.2 * rows + 3, 0.5 * rows + columns)), step, height, width)
    rows, columns = np.indices((height, width))
    np.testing.assert_allclose(found, (0.7 * columns - 0.2 * rows + 3, 0.5 * rows + columns), atol=2e-4)


@pytest.mark.parametrize(("height", "width"), [(512, 512), (300, 400)])
def test_a_field_is_the_b_spline_surface_of_its_controls(height: int, width: int) -> None:
    grid, short = 6, min(height, width)
    step = mesh_step([Field(0.01, grid, 5)], height, width)
    found = displacement([Field(0.01, grid, 5)], height, width, step)
    count = (2, *(math.ceil(grid * side / short) + 4 for side in (height, width)))
    controls = np.random.default_rng(5).uniform(-1, 1, count)
    # Without its prefilter SciPy takes the values for B-spline controls; the first control lies outside the image.
    nodes = np.meshgrid(mesh_nodes(height, step), mesh_nodes(width, step), indexing="ij")
    places = 1 + (np.array(nodes, float) + 0.5) * grid / short
    expected = np.stack([map_coordinates(plane, places, order=3, prefilter=False) for plane in controls])
    expected *= 0.01 * short / rms(expected)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(512, 512), (200, 300), (300, 200), (64, 64)])
@pytest.mark.parametrize("gradient", [False, True])
def test_the_amplitude_is_the_rms_length_over_the_shorter_side(height: int, width: int, gradient: bool) -> None:
    found = field_in_pixels(Field(0.01, 5, 3, gradient), height, width)
    assert rms(found) == pytest.approx(0.01 * min(height, width), rel=0.05)


@pytest.mark.parametrize("gradient", [False, True])
def test_a_field_means_the_same_at_every_size(gradient: bool) -> None:
    field = Field(0.01, 8, 3, gradient)
    large, small = field_in_pixels(field, 512, 768), field_in_pixels(field, 256, 384)
    large = large.reshape(2, 256, 2, 384, 2).mean((2, 4))
    np.testing.assert_allclose(large / 2, small, atol=0.03 * np.abs(small).max())


def test_a_gradient_has_no_curl() -> None:
    def curl(values: np.ndarray) -> float:
        down, across = (np.gradient(values, axis=axis) for axis in (1, 2))
        return float(np.std(across[1] - down[0]) / np.std(across[0] + down[1]))

    assert curl(field_in_pixels(Field(0.01, 4, 3, gradient=True), 512, 512)) < 0.02
    assert curl(field_in_pixels(Field(0.01, 4, 3), 512, 512)) > 0.3


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    fields=st.lists(
        st.builds(Field, st.floats(0.001, 0.9), st.integers(1, 40), st.integers(0, 2**32), st.booleans()),
        min_size=1,
        max_size=2,
    ),
)
def test_no_field_folds(height: int, width: int, fields: list[Field]) -> None:
    """A bilinear cell keeps its orientation if and only if its four corners do."""
    step = mesh_step(fields, height, width)
    places = np.stack(np.meshgrid(mesh_nodes(width, step), mesh_nodes(height, step)))
    mesh = places + displacement(fields, height, width, step)
    across, down = np.diff(mesh, axis=2) / step, np.diff(mesh, axis=1) / step
    for upper in (across[:, :-1], across[:, 1:]):
        for left in (down[:, :, :-1], down[:, :, 1:]):
            assert (upper[0] * left[1] - upper[1] * left[0]).min() > (1 - MAX_SLOPE) ** 2 - 1e-3
            slopes = np.square(upper - [[[1]], [[0]]]) + np.square(left - [[[0]], [[1]]])
            assert np.sqrt(slopes.sum(0)).max() < MAX_SLOPE + 1e-3


def test_only_a_field_that_could_fold_is_reduced_and_no_further_than_it_must() -> None:
    step = mesh_step([Field(0.01, 8, 1)], 256, 256)
    gentle, strong, stronger = (displacement([Field(size, 8, 1)], 256, 256, step) for size in (0.01, 0.1, 0.5))
    np.testing.assert_allclose(displacement([Field(0.005, 8, 1)], 256, 256, step) * 2, gentle, rtol=1e-5)
    np.testing.assert_allclose(strong, stronger, rtol=1e-5)
    across, down = np.diff(strong, axis=2)[:, :-1] / step, np.diff(strong, axis=1)[:, :, :-1] / step
    assert 0.8 < np.sqrt((np.square(across) + np.square(down)).sum(0)).max() <= MAX_SLOPE + 1e-5


def test_two_fields_add_up() -> None:
    fields = [Field(0.005, 8, 1), Field(0.005, 4, 2, gradient=True)]
    both = displacement(fields, 256, 256, 4)
    np.testing.assert_allclose(both, sum(displacement([field], 256, 256, 4) for field in fields), atol=1e-5)


def test_a_field_is_drawn_from_its_seed_alone() -> None:
    first, again, other = (displacement([Field(0.01, 8, seed)], 100, 120, 4) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.corrcoef(first.ravel(), other.ravel())[0, 1] < 0.3


@pytest.mark.parametrize("numbers", [(-0.1, 8, 0), (1.0, 8, 0), (math.nan, 8, 0), (0.1, 0, 0), (0.1, 8, -1)])
def test_a_senseless_field_is_refused(numbers: tuple[float, int, int]) -> None:
    with pytest.raises(ValueError, match="expected an amplitude"):
        Field(*numbers)


@pytest.mark.parametrize(("sigma", "expected"), [(8, 3.2), (10, 2.1)])
def test_elastic_has_the_amplitude_and_smoothness_of_alpha_and_sigma(sigma: float, expected: float) -> None:
    """Simard's field as it is usually written: the blur runs over the channels, too."""
    rng = np.random.default_rng(137)
    noise = rng.uniform(-1, 1, (2, 512, 512, 3))
    fields = [1300 * gaussian_filter(axis, sigma, mode="constant", cval=0) for axis in noise]
    reference = np.stack(fields)[..., 1]
    ours = replace(elastic_from_alpha_sigma(1300, sigma, 512), seed=1)
    found = field_in_pixels(ours, 512, 512)
    assert ours.amplitude * 512 == pytest.approx(expected, abs=0.06)
    assert ours.amplitude * 512 == pytest.approx(rms(np.stack(fields)[:, 32:-32, 32:-32]), rel=0.05)
    # Where it would fold, it is reduced a little.
    assert rms(found) == pytest.approx(expected, rel=0.1)
    assert roughness(found) == pytest.approx(roughness(reference), rel=0.1)


def distorted(fraction: float, blur: float, size: int, seed: int) -> np.ndarray:
    """The gradient of blurred noise, each axis scaled by its own highest peak."""
    noise = np.random.default_rng(seed).normal(size=(size, size))
    slopes = [gaussian_filter(noise, blur, order=order) for order in ((0, 1), (1, 0))]
    return np.stack([slope * int(size * fraction) / slope.max() for slope in slopes])


@pytest.mark.parametrize("blur", [5, 10])
def test_distortion_has_the_amplitude_of_fraction_and_blur(blur: float) -> None:
    """128 / 10 is 512 / 40. Peaks differ from draw to draw: what is met is the mean of many."""
    reference = np.mean([rms(distorted(0.1, blur, 128, seed)) for seed in range(80)])
    ours = distortion_from_fraction_blur(0.1, blur, 128)
    assert ours.amplitude * 128 == pytest.approx(reference, rel=0.08)
    assert distortion_from_fraction_blur(0.109, blur, 128).amplitude == pytest.approx(13 / 12 * ours.amplitude)


def test_distortion_has_the_smoothness_of_its_blur() -> None:
    found = field_in_pixels(replace(distortion_from_fraction_blur(0.02, 20), seed=1), 512, 512)
    assert roughness(found) == pytest.approx(roughness(distorted(0.02, 20, 512, 1)), rel=0.1)
