"""What the data gate knows of a record: the part of its source that it shows, and its measures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.data_gate.entries import entry_of, window_of
from components.imaging.augmentation.warp import Warp
from components.records.record import Record


def placement(source: tuple[int, int], content: tuple[int, int], at: tuple[int, int], size: int) -> dict[str, Any]:
    return {
        "kind": "placement",
        "source_height": source[0],
        "source_width": source[1],
        "content_height": content[0],
        "content_width": content[1],
        "top": at[0],
        "left": at[1],
        "height": size,
        "width": size,
    }


TURN = Warp(degrees=20.0).as_json()


@pytest.mark.parametrize(
    ("transform", "window"),
    [
        (placement((200, 100), (64, 32), (0, 16), 64), (0, 0, 200, 100)),
        (placement((100, 200), (32, 64), (16, 0), 64), (0, 0, 100, 200)),
        (placement((300, 300), (300, 300), (-64, -128), 64), (64, 128, 128, 192)),
        (placement((300, 300), (300, 300), (-256, -256), 64), (256, 256, 300, 300)),
        (placement((120, 60), (240, 120), (-100, -56), 64), (50, 28, 82, 60)),
        ({"kind": "chain", "steps": [placement((300, 300), (300, 300), (-64, 0), 64), TURN]}, (64, 0, 128, 64)),
        (
            {
                "kind": "chain",
                "steps": [
                    {"kind": "chain", "steps": [placement((200, 100), (100, 50), (0, 0), 100)]},
                    placement((100, 100), (100, 100), (-10, -20), 30),
                ],
            },
            (20, 40, 80, 100),
        ),
        (
            {
                "kind": "chain",
                "steps": [
                    placement((300, 300), (300, 300), (-64, 0), 64),
                    TURN,
                    placement((64, 64), (64, 64), (-10, -10), 20),
                ],
            },
            (64, 0, 128, 64),
        ),
    ],
    ids=[
        "upright letterbox",
        "wide letterbox",
        "tile",
        "padded tile",
        "enlarged",
        "turned tile",
        "tile of a reduced copy",
        "tile of a turned tile",
    ],
)
def test_the_part_of_the_source_that_a_record_shows(
    transform: dict[str, Any], window: tuple[float, float, float, float]
) -> None:
    assert window_of(transform) == pytest.approx(window)


def test_a_transform_without_placement_has_no_window() -> None:
    with pytest.raises(ValueError, match="'warp', expected a placement"):
        window_of({"kind": "chain", "steps": [TURN]})


pixels = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda kind: st.tuples(st.just(kind), st.integers(1, 9), st.integers(1, 9), st.booleans(), st.integers(0, 99))
)


@given(pixels)
def test_the_measures_of_a_record(case: tuple[type, int, int, bool, int]) -> None:
    kind, height, width, colour, seed = case
    rng = np.random.default_rng(seed)
    largest = np.iinfo(kind).max
    image = rng.integers(0, largest, (height, width, *([3] if colour else [])), kind, endpoint=True)
    mask = rng.integers(0, 4, (height, width), np.uint8)
    record = Record(
        image=image,
        mask=mask,
        id="a_0x1",
        group="a",
        source="images/a.png",
        source_sha256=b"\x01\xff",
        transform=placement((40, 30), (40, 30), (0, 0), 9),
        signature=b"print",
        label="benign",
        derived_from="a",
    )
    found = entry_of(record, "eval")
    scaled = image / largest
    assert (found.mean, found.std) == pytest.approx((scaled.mean(), scaled.std()), abs=1e-9)
    assert found.classes == tuple(sorted(set(mask.ravel().tolist())))
    assert found.foreground == pytest.approx((mask > 0).mean())
    assert (found.bit_depth, found.channels) == (8 * np.dtype(kind).itemsize, 3 if colour else 1)
    assert (found.source_height, found.source_width, found.window) == (40, 30, (0, 0, 9, 9))
    assert (found.id, found.group, found.source, found.split) == ("a_0x1", "a", "images/a.png", "eval")
    assert (found.sha256, found.derived_from, found.label) == ("01ff", "a", "benign")
    assert found.signature == b"print"
