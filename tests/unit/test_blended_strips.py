"""What is blended row after row of windows is what is blended at once."""

from __future__ import annotations

import numpy as np
import pytest

from components.imaging.geometry.placement import Placement
from components.inference.blending import BLENDS
from components.inference.strips import blended_strips, why_whole
from components.inference.windows import blended, windows_of
from components.records.settings import Derivation, Tiles

HEIGHT, WIDTH = 32, 48


@pytest.mark.parametrize("blend", BLENDS)
@pytest.mark.parametrize("edge", ["overlap", "pad"])
@pytest.mark.parametrize("size", [(20, 31), (90, 101), (200, 300)])
def test_strips_are_the_whole_to_the_last_bit_from_any_row_on(size: tuple[int, int], edge: str, blend: str) -> None:
    rng = np.random.default_rng(0)
    for channels, overlap in ((1, 0), (3, 7), (1, 16)):
        derivation = Derivation(height=HEIGHT, width=WIDTH, tiles=Tiles(overlap=overlap, edge=edge))
        windows = windows_of(*size, (HEIGHT, WIDTH), derivation)
        answers = {window: rng.random((HEIGHT, WIDTH, channels), np.float32) for window in windows}
        expected = blended([answers[window] for window in windows], windows, BLENDS[blend])
        for begin in (0, 5, 64, 150):
            asked: list[Placement] = []

            def answer(row: list[Placement], asked: list[Placement] = asked) -> list[np.ndarray]:
                asked += row
                return [answers[window] for window in row]  # noqa: B023 - called at once

            found = list(blended_strips(answer, windows, BLENDS[blend], begin))
            if begin < size[0]:
                np.testing.assert_array_equal(np.concatenate(found), expected[begin:])
            assert asked == [window for window in windows if min(size[0], window.height - window.top) > begin]


def test_which_models_must_see_an_image_whole() -> None:
    def derived(**keys: object) -> str:
        return why_whole(Derivation(height=64, width=64, **keys))

    assert derived(tiles=Tiles()) == derived(tiles=Tiles(overlap=8, edge="pad"), adjust={"gamma": 2.0}) == ""
    assert 'fit = "crop"' in derived(fit="crop")
    assert 'tiles.edge = "stretch"' in derived(tiles=Tiles(edge="stretch"))
    assert "adjust.clahe_clip" in derived(tiles=Tiles(), adjust={"clahe_clip": 2.0})
