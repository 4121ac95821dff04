"""Warps of each operation, random ones for property tests, and pictures to warp."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from components.imaging.augmentation.fields import Field
from components.imaging.augmentation.lenses import Lens
from components.imaging.augmentation.warp import Warp


def warps(
    amplitude: float = 0.03,
    grid: int = 16,
    zoom: tuple[float, float] = (0.6, 1.6),
    shear: float = 0.3,
    amounts: tuple[float, float] = (-0.5, 0.5),
    lenses: int = 2,
) -> st.SearchStrategy[Warp]:
    """Of any flips, angle and border; fields up to `amplitude` and `grid`, at most `lenses` lenses."""
    fields = st.none() | st.builds(
        Field, st.floats(0.001, amplitude), st.integers(2, grid), st.integers(0, 2**32), st.booleans()
    )
    lens = st.builds(Lens, st.floats(0.2, 0.8), st.floats(0.2, 0.8), st.floats(0.1, 0.5), st.floats(*amounts))
    return st.builds(
        Warp,
        horizontal_flip=st.booleans(),
        vertical_flip=st.booleans(),
        quarter_turns=st.sampled_from([0, 2]),
        degrees=st.floats(-180, 180),
        zoom=st.floats(*zoom),
        shear_x=st.floats(-shear, shear),
        shear_y=st.floats(-shear, shear),
        elastic=fields,
        distortion=fields,
        lenses=st.lists(lens, max_size=lenses).map(tuple),
        border=st.sampled_from(["constant", "edge", "reflect"]),
    )


ELASTIC = Field(0.01, 8, 3)
DISTORTION = Field(0.01, 5, 4, gradient=True)
OPERATIONS = {
    "horizontal flip": Warp(horizontal_flip=True),
    "vertical flip": Warp(vertical_flip=True),
    "half turn": Warp(quarter_turns=2),
    "rotation": Warp(degrees=17),
    "enlarged": Warp(zoom=1.3),
    "shrunk": Warp(zoom=0.7),
    "shear x": Warp(shear_x=0.2),
    "shear y": Warp(shear_y=-0.2),
    "elastic": Warp(elastic=ELASTIC),
    "distortion": Warp(distortion=DISTORTION),
    "barrel": Warp(lenses=(Lens(0.5, 0.4, 0.3, 0.3),)),
    "pincushion": Warp(lenses=(Lens(0.6, 0.5, 0.3, -0.3),)),
    "shear both": Warp(shear_x=0.3, shear_y=0.3),
    "all": Warp(
        horizontal_flip=True,
        quarter_turns=2,
        degrees=-25,
        zoom=0.9,
        shear_x=0.1,
        shear_y=0.05,
        elastic=ELASTIC,
        distortion=DISTORTION,
        lenses=(Lens(0.3, 0.3, 0.3, 0.3), Lens(0.6, 0.6, 0.3, -0.3)),
    ),
}
EACH = pytest.mark.parametrize("warp", OPERATIONS.values(), ids=OPERATIONS.keys())
WARPS = warps()


def pattern(shape: tuple[int, ...], dtype: type) -> np.ndarray:
    return np.random.default_rng(0).integers(1, np.iinfo(dtype).max, shape, dtype)


def smooth(height: int, width: int) -> np.ndarray:
    noise = gaussian_filter(np.random.default_rng(1).normal(size=(height, width)), 6)
    return np.uint16(30000 + 20000 * noise / np.abs(noise).max())
