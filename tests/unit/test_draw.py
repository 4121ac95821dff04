"""Random warps: within their ranges, as often as asked, and each draw independent of the other settings."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest

from components.imaging.augmentation.sampling import draw_warp
from components.imaging.augmentation.settings import Augmentation
from components.imaging.augmentation.warp import Warp

OPERATIONS = {
    "rotation": {"degrees": [-20.0, 10.0]},
    "zoom": {"factor": [0.8, 1.3]},
    "shear": {"x": [-0.1, 0.1], "y": [0.2, 0.3]},
    "elastic": {"amplitude": [0.002, 0.01], "grid": 8},
    "distortion": {"amplitude": [0.002, 0.01], "grid": 5},
    "barrel": {"centre": [0.3, 0.7], "radius": [0.2, 0.4], "amount": [0.1, 0.4]},
    "pincushion": {"centre": [0.4, 0.6], "radius": [0.1, 0.3], "amount": [0.2, 0.3]},
}
FLIPS = ("horizontal_flip", "vertical_flip", "right_angle")
STYLE = {"border": "edge", "interpolation": "cubic"}


def augmentation(probability: float, **changed: float) -> Augmentation:
    """All operations with one probability but for those named."""
    flips = {name: changed.get(name, probability) for name in FLIPS}
    operations = {
        name: {"probability": changed.get(name, probability), **ranges} for name, ranges in OPERATIONS.items()
    }
    return Augmentation.model_validate({**flips, **operations, **STYLE})


def drawn(settings: Augmentation, count: int = 1, shape: tuple[int, ...] = (64, 64, 3)) -> list[Warp]:
    return [draw_warp(np.random.default_rng(seed), settings, shape) for seed in range(count)]


def test_without_probabilities_nothing_moves() -> None:
    assert drawn(augmentation(0), 5) == [Warp(**STYLE)] * 5
    assert drawn(Augmentation(fill=0.25), 5) == [Warp(fill=0.25)] * 5


def test_every_number_fills_its_range() -> None:
    warps = drawn(augmentation(1), 400)
    barrels, pincushions = zip(*(warp.lenses for warp in warps), strict=True)
    for values, (low, high) in [
        ([warp.degrees for warp in warps], (-20, 10)),
        ([warp.zoom for warp in warps], (0.8, 1.3)),
        ([warp.shear_x for warp in warps], (-0.1, 0.1)),
        ([warp.shear_y for warp in warps], (0.2, 0.3)),
        ([warp.elastic.amplitude for warp in warps if warp.elastic], (0.002, 0.01)),
        ([warp.distortion.amplitude for warp in warps if warp.distortion], (0.002, 0.01)),
        ([lens.x for lens in barrels], (0.3, 0.7)),
        ([lens.y for lens in barrels], (0.3, 0.7)),
        ([lens.radius for lens in barrels], (0.2, 0.4)),
        ([lens.amount for lens in barrels], (0.1, 0.4)),
        ([lens.x for lens in pincushions], (0.4, 0.6)),
        ([lens.radius for lens in pincushions], (0.1, 0.3)),
        ([lens.amount for lens in pincushions], (-0.3, -0.2)),
    ]:
        assert len(values) == 400
        margin = 0.02 * (high - low)
        assert low <= min(values) < low + margin
        assert high - margin < max(values) <= high
    assert {warp.quarter_turns for warp in warps} == {1, 2, 3}
    assert all(warp.horizontal_flip and warp.vertical_flip for warp in warps)
    assert all((warp.border, warp.fill, warp.interpolation) == ("edge", 0, "cubic") for warp in warps)
    black = augmentation(1).model_copy(update={"border": "constant", "fill": 0.25})
    assert all((warp.border, warp.fill) == ("constant", 0.25) for warp in drawn(black, 5))


def test_fields_are_of_their_kind_and_each_has_its_seed() -> None:
    warps = drawn(augmentation(1), 50)
    elastic, distortion = ([getattr(warp, name) for warp in warps] for name in ("elastic", "distortion"))
    assert {(field.grid, field.gradient) for field in elastic} == {(8, False)}
    assert {(field.grid, field.gradient) for field in distortion} == {(5, True)}
    assert len({field.seed for field in elastic + distortion}) == 100


def test_probabilities_are_kept() -> None:
    warps = drawn(augmentation(0.3), 600)
    for happened in (
        [warp.horizontal_flip for warp in warps],
        [warp.vertical_flip for warp in warps],
        [warp.quarter_turns > 0 for warp in warps],
        [warp.degrees != 0 for warp in warps],
        [warp.zoom != 1 for warp in warps],
        [warp.shear_y != 0 for warp in warps],
        [warp.elastic is not None for warp in warps],
        [warp.distortion is not None for warp in warps],
        [any(lens.amount > 0 for lens in warp.lenses) for warp in warps],
        [any(lens.amount < 0 for lens in warp.lenses) for warp in warps],
    ):
        assert np.mean(happened) == pytest.approx(0.3, abs=0.07)


@pytest.mark.parametrize("name", [*FLIPS, *OPERATIONS])
def test_a_changed_probability_leaves_the_other_draws_as_they_were(name: str) -> None:
    touched = {
        "right_angle": {"quarter_turns"},
        "rotation": {"degrees"},
        "shear": {"shear_x", "shear_y"},
        "barrel": {"lenses"},
        "pincushion": {"lenses"},
    }.get(name, {name})
    for one, other in zip(drawn(augmentation(1), 5), drawn(augmentation(1, **{name: 0}), 5), strict=True):
        before, after = asdict(one), asdict(other)
        assert {key for key in before if before[key] != after[key]} == touched
        assert [lens for lens in one.lenses if lens in other.lenses] == list(other.lenses)


def test_an_image_that_is_not_square_turns_by_180_degrees_only() -> None:
    assert {warp.quarter_turns for warp in drawn(augmentation(1), 30, (64, 80, 3))} == {2}
    # And draws the rest as a square one does.
    for one, other in zip(drawn(augmentation(1), 5), drawn(augmentation(1), 5, (64, 80)), strict=True):
        assert one.degrees == other.degrees
        assert one.elastic == other.elastic
