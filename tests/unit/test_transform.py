"""The transform of a record, through placements and warps: where its pixels lie in the source."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warps import warps

from components.imaging.augmentation.warp import Warp
from components.imaging.geometry.placement import Placement, crop, letterbox, stretch
from components.imaging.geometry.transform import to_source

BOXES = st.sampled_from(
    [
        letterbox(400, 800, 128, 128),
        letterbox(120, 90, 160, 160),
        stretch(300, 200, 128, 144),
        crop(200, 300, 128, 144),
        Placement(120, 140, 256, 384, -40, -100, 160, 160),
    ]
)
WARPS = warps(amplitude=0.01, grid=8, zoom=(0.8, 1.2), shear=0.2, amounts=(-0.2, 0.3), lenses=1)


def chain(placement: Placement, *warps: Warp) -> dict[str, Any]:
    """As records hold it: a chain of what was there before and the next step."""
    transform = placement.as_json()
    for warp in warps:
        transform = {"kind": "chain", "steps": [transform, warp.as_json()]}
    return json.loads(json.dumps(transform))


@settings(max_examples=60, deadline=None)
@given(BOXES, st.lists(WARPS, max_size=2), st.floats(-0.6, 0.6), st.floats(-0.6, 0.6))
def test_a_disc_is_found_where_the_transform_says(
    box: Placement, warps: list[Warp], down: float, across: float
) -> None:
    """Drawn on the source, carried into the record, and followed back pixel by pixel."""
    reach = min(box.height, box.width, box.content_height, box.content_width) / 2
    row, column = box.to_source((box.height - 1) / 2 + down * reach, (box.width - 1) / 2 + across * reach)
    pixel = max(box.source_height / box.content_height, box.source_width / box.content_width, 1)
    rows, columns = np.ogrid[: box.source_height, : box.source_width]
    distance = np.hypot(rows - row, columns - column)
    mask = np.uint8(distance <= 6 * pixel)
    record = box.mask(mask)
    for warp in warps:
        _, record = warp.apply(record, record)
    back = to_source(chain(box, *warps), *np.indices(record.shape))
    away = np.hypot(back[0] - row, back[1] - column)
    # Each map takes the nearest pixel, so half of one may be lost, as large as it is seen from the source.
    step = max(np.abs(np.diff(axis, axis=along)).max() for axis in back for along in (0, 1))
    lost = pixel + 0.75 * len(warps) * max(step, pixel)
    assert record[away < 6 * pixel - lost].all()
    assert not record[away > 6 * pixel + lost].any()


@pytest.mark.parametrize("shape", [(5, 8), (6, 6)])
def test_right_angles_map_whole_pixels_to_whole_pixels(shape: tuple[int, int]) -> None:
    pixels = np.arange(shape[0] * shape[1], dtype=np.uint16).reshape(shape)
    for number in range(16):
        warp = Warp(bool(number & 1), bool(number & 2), number // 4)
        if shape[0] == shape[1] or warp.quarter_turns % 2 == 0:
            _, turned = warp.apply(pixels, pixels)
            rows, columns = to_source(chain(crop(*shape, *shape), warp), *np.indices(turned.shape))
            np.testing.assert_array_equal(pixels[np.rint(rows).astype(int), np.rint(columns).astype(int)], turned)
            np.testing.assert_allclose((rows, columns), np.rint((rows, columns)), atol=1e-5)


def test_steps_are_followed_back_last_first() -> None:
    """A point right of the centre: the flip takes it to the left of it, the turn below or above."""
    box = crop(101, 101, 101, 101)
    turn, flip = Warp(quarter_turns=1), Warp(horizontal_flip=True)
    # The turn takes what is on the right to the top, and the top stays the top in the flip.
    assert to_source(chain(box, turn, flip), 10, 50) == pytest.approx((50, 90))
    # The flip takes what is on the left to the right, and the turn that to the top.
    assert to_source(chain(box, flip, turn), 10, 50) == pytest.approx((50, 10))


def test_chains_within_chains_are_one_chain() -> None:
    box, warp = letterbox(90, 60, 48, 48), Warp(degrees=20, zoom=1.1)
    nested = {"kind": "chain", "steps": [{"kind": "chain", "steps": [chain(box, warp)]}, warp.as_json()]}
    points = np.array([10, 30]), np.array([20, 25])
    np.testing.assert_array_equal(to_source(nested, *points), to_source(chain(box, warp, warp), *points))


def test_other_facts_of_a_placement_are_no_matter() -> None:
    box = letterbox(90, 60, 48, 48)
    assert to_source({**box.as_json(), "adjust": {"gamma": 2}}, 5, 9) == box.to_source(5, 9)


def test_steps_of_other_kinds_have_no_map() -> None:
    with pytest.raises(ValueError, match="found a step of kind 'warp' in a record's transform, expected 'placement'"):
        to_source({"kind": "warp"}, 0, 0)
    box = letterbox(9, 9, 9, 9).as_json()
    with pytest.raises(ValueError, match="of kind 'placement' in a record's transform, expected 'warp'"):
        to_source({"kind": "chain", "steps": [box, box]}, 0, 0)
