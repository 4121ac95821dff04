"""Large planes as pyramids that other programs read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from slide_files import tissue

from components.imaging.slides.plane import plane_of
from components.imaging.slides.pyramid import mean, nearest, write_pyramid


def halved(values: np.ndarray) -> np.ndarray:
    """The mean of each square of 2 x 2, halves up, of an even array."""
    height, width = values.shape
    return np.floor(values.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)) + 0.5).astype(values.dtype)


def test_others_read_all_levels_at_the_size_of_their_pixels(tmp_path: Path) -> None:
    tiffslide = pytest.importorskip("tiffslide")
    steps = tissue(1500, 2056, 1, np.uint16)
    classes = (steps > 30000).astype(np.uint8) * 3
    for name, values, half in (("p", steps, mean), ("m", classes, nearest)):
        path = tmp_path / f"{name}.ome.tif"
        for _ in range(2):
            before = path.read_bytes() if path.exists() else None
            with path.open("wb") as file:
                write_pyramid(file, plane_of(values), half, (0.0005, 0.00025))
        assert before == path.read_bytes()
        with tifffile.TiffFile(path) as file:
            levels = file.series[0].levels
            assert (file.is_ome, [level.shape for level in levels]) == (
                True,
                [(1500, 2056), (750, 1028), (375, 514), (188, 257)],
            )
            first, second, third, last = (level.asarray() for level in levels)
            np.testing.assert_array_equal(first, values)
            if half is mean:
                np.testing.assert_array_equal(second, halved(values))
            else:
                np.testing.assert_array_equal(third, values[::4, ::4])
                assert set(np.unique(last)) <= {0, 3}
        with tiffslide.TiffSlide(path) as slide:
            assert slide.level_dimensions == ((2056, 1500), (1028, 750), (514, 375), (257, 188))
            assert [slide.properties[f"tiffslide.mpp-{axis}"] for axis in "xy"] == pytest.approx([0.25, 0.5])
            np.testing.assert_array_equal(
                np.asarray(slide.read_region((400, 800), 1, (64, 64), as_array=True))[..., 0], second[400:464, 200:264]
            )
        openslide = pytest.importorskip("openslide")
        with openslide.OpenSlide(path) as slide:  # which sees no sub-resolutions
            assert slide.dimensions == (2056, 1500)


def test_a_small_plane_is_one_level_and_samples_are_of_the_whole(tmp_path: Path) -> None:
    values = tissue(1300, 700, 1)
    plane = plane_of(values)
    np.testing.assert_array_equal(plane.whole(), values)
    np.testing.assert_array_equal(plane.every(3), values[np.r_[1:1300:3, 1299]][:, np.r_[1:700:3, 699]])
    with (tmp_path / "a.ome.tif").open("wb") as file:
        write_pyramid(file, plane_of(values[:300, :200]), nearest)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.ome.tif"), values[:300, :200])
