"""Patches: cut from what was augmented, with the values of the whole, around foreground as often as asked."""

from __future__ import annotations

import numpy as np
import pytest
from epochs import ALL, CHANGES_SEED, COUNT, HEIGHT, PATCH, WIDTH, data, picture, taken, write_records
from hypothesis import given
from hypothesis import strategies as st

from components.imaging.augmentation.augment import generator
from components.imaging.truth.classes import IGNORE
from components.serving_graph.preprocessing import Standardize
from components.trainer.augmentation import patch_corner
from components.trainer.sampling import ANY_CLASS
from components.trainer.settings import Patch


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_records(tmp_path_factory.mktemp("records"))


class TestPatches:
    def test_a_patch_has_the_values_of_the_same_pixels_in_the_whole(self, files: list[str]) -> None:
        """Were it standardised by its own moments, it would look brighter or darker than in the whole record."""
        training = data(files, None, PATCH)
        places = set()
        for epoch in range(3):
            patches, masks = zip(*taken(training.epoch(epoch)), strict=True)
            images = np.concatenate([Standardize()(*pair) for pair in patches])
            masks = np.concatenate(masks)
            assert images.shape == (COUNT, 8, 12, 1)
            assert masks.shape == (COUNT, 8, 12, 1)
            found = []
            for number in range(COUNT):
                image, mask = picture(number)
                corner = patch_corner(mask, generator(CHANGES_SEED, f"r{number}", 0, epoch), PATCH)
                whole = Standardize()(image[None, ..., None] / np.float32(255)).numpy()[0]
                window = tuple(slice(begin, begin + side) for begin, side in zip(corner, (8, 12), strict=True))
                (match,) = (i for i in range(COUNT) if np.allclose(images[i], whole[window], atol=1e-5))
                np.testing.assert_array_equal(masks[match, ..., 0], mask[window])
                found.append(match)
                places.add(tuple(corner))
            assert sorted(found) == list(range(COUNT))
        assert len(places) > 2 * COUNT

    def test_patches_are_cut_from_what_was_augmented(self, files: list[str]) -> None:
        whole_size = Patch(height=HEIGHT, width=WIDTH, foreground_share=0.5)
        whole, patches = (taken(data(files, ALL, patch).epoch(1)) for patch in (None, whole_size))
        for (images, masks), (patch, classes) in zip(whole, patches, strict=True):
            np.testing.assert_allclose(Standardize()(*patch), Standardize()(images), atol=1e-4)
            np.testing.assert_array_equal(classes, masks)

    @given(st.integers(0, 31), st.integers(0, 47), st.integers(1, 32), st.integers(1, 48), st.integers(0, 10**6))
    def test_a_window_around_foreground_holds_it(
        self, row: int, column: int, height: int, width: int, seed: int
    ) -> None:
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        mask[row, column] = 2
        patch = Patch(height=height, width=width, foreground_share=1.0)
        top, left = patch_corner(mask, np.random.default_rng(seed), patch)
        assert 0 <= top <= row < top + height <= HEIGHT
        assert 0 <= left <= column < left + width <= WIDTH
        for begin, pixel, side, room in ((top, row, height, HEIGHT - height), (left, column, width, WIDTH - width)):
            assert begin in (0, room) or side // 4 <= pixel - begin < 3 * side / 4

    @pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
    def test_the_share_of_windows_around_foreground_is_the_stated_one(self, share: float) -> None:
        mask = np.zeros((200, 200), np.uint8)
        mask[100, 100] = 1
        patch = Patch(height=16, width=16, foreground_share=share)
        rng = np.random.default_rng(0)
        corners = np.array([patch_corner(mask, rng, patch) for _ in range(2000)])
        around = ((corners <= 100) & (corners + 16 > 100)).all(axis=1).mean()
        # Seven windows of a thousand that lie anywhere hold the pixel too.
        assert around == pytest.approx(share, abs=0.03)

    def test_windows_lie_anywhere_where_nothing_is_foreground(self) -> None:
        rng, patch = np.random.default_rng(0), Patch(height=30, width=47, foreground_share=1.0)
        empty = np.zeros((HEIGHT, WIDTH), np.uint8)
        corners = {tuple(patch_corner(empty, rng, patch).tolist()) for _ in range(200)}
        assert corners == {(row, column) for row in range(3) for column in range(2)}

    @pytest.mark.parametrize(("other", "share"), [(1, 0.25), (2, 0.5)])
    def test_each_class_is_as_likely_as_the_others_and_in_it_each_pixel(self, other: int, share: float) -> None:
        mask = np.full((100, 100), IGNORE, np.uint8)
        mask[20, 20], mask[80, 70:73] = 1, other
        rng, patch = np.random.default_rng(0), Patch(height=10, width=10, foreground_share=1.0)
        at_the_small = np.mean([patch_corner(mask, rng, patch)[0] < 40 for _ in range(2000)])
        assert at_the_small == pytest.approx(share, abs=0.03)

    def test_three_pixels_of_a_class_are_drawn_alike(self) -> None:
        mask = np.zeros((100, 100), np.uint8)
        mask[20, 20], mask[[40, 60, 80], 50] = 1, 2
        rng, patch = np.random.default_rng(0), Patch(height=1, width=1, foreground_share=1.0)
        rows = [patch_corner(mask, rng, patch)[0] for _ in range(4000)]
        shares = [rows.count(row) / len(rows) for row in (20, 40, 60, 80)]
        assert shares == pytest.approx([1 / 2, 1 / 6, 1 / 6, 1 / 6], abs=0.03)

    def test_no_window_lies_where_nothing_is_judged(self) -> None:
        """It would teach nothing. nnU-Net, too, draws around annotated pixels where there is an ignore label."""
        mask = np.full((100, 100), IGNORE, np.uint8)
        mask[90:92, 4:8] = 0
        rng, patch = np.random.default_rng(0), Patch(height=10, width=10, foreground_share=1.0)
        for _ in range(200):
            top, left = patch_corner(mask, rng, patch)
            assert (mask[top : top + 10, left : left + 10] == 0).any()
        mask[:] = IGNORE
        assert len({tuple(patch_corner(mask, rng, patch).tolist()) for _ in range(50)}) > 40

    @pytest.mark.parametrize(("around", "rows"), [(1, {20}), (2, {80}), (ANY_CLASS, {20, 80}), (7, {20, 80})])
    def test_a_window_lies_around_the_class_that_is_asked_for(self, around: int, rows: set[int]) -> None:
        """A class that augmentation has moved out of the record is replaced by any."""
        mask = np.zeros((100, 100), np.uint8)
        mask[20, 20], mask[80, 70:73] = 1, 2
        rng, patch = np.random.default_rng(0), Patch(height=1, width=1, foreground_share=0.0)
        assert {int(patch_corner(mask, rng, patch, around)[0]) for _ in range(50)} == rows
