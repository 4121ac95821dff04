"""Augmented copies: what they depend on, what they keep and what they change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.augmentor.core import draw_affine, generator, with_copies
from components.imaging.geometry import Affine
from components.record import Record

SETTINGS: dict[str, Any] = {
    "copies": 3,
    "horizontal_flip": 0.5,
    "vertical_flip": 0.5,
    "right_angle": 0.5,
    "max_rotation_degrees": 20.0,
    "seed": 1,
}
NEVER = {"horizontal_flip": 0.0, "vertical_flip": 0.0, "right_angle": 0.0, "max_rotation_degrees": 0.0}
IDS = [f"case{number}" for number in range(300)]


def record(id: str = "case", shape: tuple[int, int] = (40, 40)) -> Record:
    rng = np.random.default_rng(0)
    return Record(
        image=rng.integers(0, 65536, shape, np.uint16),
        mask=rng.choice(np.array([0, 1, 4], np.uint8), shape),
        id=id,
        group="patient",
        source="images/case.png",
        source_sha256=b"hash",
        transform={"kind": "letterbox"},
        label="benign",
    )


def draws(settings: dict[str, Any], shape: tuple[int, int] = (40, 40)) -> list[Affine]:
    return [draw_affine(generator(settings["seed"], id, 1), settings, shape) for id in IDS]


def test_draws_do_not_depend_on_the_order() -> None:
    forwards = {id: list(with_copies(record(id), SETTINGS)) for id in IDS[:20]}
    backwards = {id: list(with_copies(record(id), SETTINGS)) for id in reversed(IDS[:20])}
    for id in forwards:
        for one, other in zip(forwards[id], backwards[id], strict=True):
            assert (one.id, one.transform) == (other.id, other.transform)
            np.testing.assert_array_equal(one.image, other.image)
            np.testing.assert_array_equal(one.mask, other.mask)


def test_more_copies_leave_the_first_as_they_were() -> None:
    few = [copy.transform for copy in with_copies(record(), {**SETTINGS, "copies": 2})]
    more = [copy.transform for copy in with_copies(record(), {**SETTINGS, "copies": 5})]
    assert few == more[: len(few)]


@pytest.mark.parametrize("other", [(2, "case", 1), (1, "case", 2), (1, "case2", 1)], ids=["seed", "copy", "id"])
def test_another_seed_copy_or_id_draws_anew(other: tuple[int, str, int]) -> None:
    assert generator(*other).random() != generator(1, "case", 1).random()


def test_a_golden_draw() -> None:
    """A changed rule would silently change every augmented data set of the same seed."""
    # First number of numpy's default generator, seeded with the SHA-256 of "1/1/case".
    digest = "21aa4b192079de3eea655eef306084bec3ad76c3029bf4b099401f82dac16ffb"
    expected = np.random.default_rng(int(digest, 16)).random()
    assert generator(1, "case", 1).random() == expected == pytest.approx(0.614897, abs=1e-6)


def test_probability_0_changes_nothing() -> None:
    assert set(draws({**SETTINGS, **NEVER})) == {Affine()}


def test_probability_1_changes_everything() -> None:
    always = {"horizontal_flip": 1.0, "vertical_flip": 1.0, "right_angle": 1.0}
    drawn = draws({**SETTINGS, **always})
    assert all(affine.flip_rows and affine.flip_columns for affine in drawn)
    assert {affine.quarter_turns for affine in drawn} == {1, 2, 3}


def test_probabilities_and_angles_are_those_of_the_settings() -> None:
    drawn = draws({**SETTINGS, "horizontal_flip": 0.2, "vertical_flip": 0.7, "right_angle": 0.4})
    shares = [
        np.mean([affine.flip_columns for affine in drawn]),
        np.mean([affine.flip_rows for affine in drawn]),
        np.mean([affine.quarter_turns > 0 for affine in drawn]),
    ]
    # Four standard deviations of a share of 300 draws are at most 4 x 0.5 / sqrt(300) = 0.115.
    np.testing.assert_allclose(shares, [0.2, 0.7, 0.4], atol=0.115)
    degrees = [affine.degrees for affine in drawn]
    assert -20 <= min(degrees) < -18
    assert 18 < max(degrees) <= 20


@pytest.mark.parametrize("name", ["horizontal_flip", "vertical_flip", "right_angle"])
def test_one_probability_leaves_the_other_draws(name: str) -> None:
    fields = {"horizontal_flip": "flip_columns", "vertical_flip": "flip_rows", "right_angle": "quarter_turns"}
    before, after = draws({**SETTINGS, name: 0.0}), draws({**SETTINGS, name: 1.0})
    for field in ({*fields.values()} - {fields[name]}) | {"degrees"}:
        assert [getattr(affine, field) for affine in before] == [getattr(affine, field) for affine in after]


@pytest.mark.parametrize("shape", [(40, 60), (60, 40)])
def test_images_that_are_not_square_turn_by_180_degrees_only(shape: tuple[int, int]) -> None:
    assert {affine.quarter_turns for affine in draws({**SETTINGS, "right_angle": 1.0}, shape)} == {2}
    for copy in with_copies(record(shape=shape), {**SETTINGS, "right_angle": 1.0}):
        assert copy.image.shape == copy.mask.shape == shape


def test_the_record_itself_comes_first_and_unchanged() -> None:
    original = record()
    copies = list(with_copies(original, SETTINGS))
    assert copies[0] is original
    assert [copy.id for copy in copies] == ["case", "case+1", "case+2", "case+3"]
    assert list(with_copies(original, {**SETTINGS, "copies": 0})) == [original]


def test_copies_name_their_origin_and_map() -> None:
    original = record()
    for number, copy in enumerate(list(with_copies(original, SETTINGS))[1:], start=1):
        affine = draw_affine(generator(1, "case", number), SETTINGS, (40, 40))
        assert copy.derived_from == "case"
        assert (copy.group, copy.source, copy.source_sha256, copy.label) == (
            "patient",
            "images/case.png",
            b"hash",
            "benign",
        )
        assert copy.transform["kind"] == "chain"
        first, second = copy.transform["steps"]
        assert first == original.transform
        assert second.pop("kind") == "affine"
        assert Affine(**second) == affine
        np.testing.assert_array_equal(copy.image, affine.image(original.image))
        np.testing.assert_array_equal(copy.mask, affine.mask(original.mask))


def test_masks_keep_their_values_and_images_their_depth() -> None:
    for copy in with_copies(record(), {**SETTINGS, "copies": 10}):
        assert copy.image.dtype == np.uint16
        assert copy.mask.dtype == np.uint8
        assert set(np.unique(copy.mask)) == {0, 1, 4}


def test_image_and_mask_move_together() -> None:
    """The image is its own mask: a second field for the mask would show at once."""
    rows, columns = np.ogrid[:64, :64]
    mask = ((rows - 20) ** 2 + (columns - 40) ** 2 <= 12**2).astype(np.uint8)
    original = Record(mask * 200, mask, "case", "patient", "a.png", b"", {})
    for copy in with_copies(original, {**SETTINGS, "copies": 30}):
        bright = copy.image > 100
        assert np.count_nonzero(bright != (copy.mask > 0)) < 0.05 * np.count_nonzero(mask)
