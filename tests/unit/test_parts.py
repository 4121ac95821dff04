"""Bands of the answer to a slide: they come back, or what is in their place is named."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from components.imaging.slides.plane import TILE
from components.predictions.parts import Parts
from components.state import BrokenState

HEIGHT, WIDTH = TILE + 3, 5
PLANE = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    found = Parts(tmp_path, HEIGHT, WIDTH)
    for number, band in enumerate((PLANE[:TILE], PLANE[TILE:])):
        found.keep(number, {"p0": band, "mask": band.astype(np.uint8)})
    return found


def test_they_come_back(parts: Parts) -> None:
    assert parts.done == 2
    np.testing.assert_array_equal(parts.plane("p0", np.uint16).whole(), PLANE)


@pytest.mark.parametrize(
    "content",
    [
        zlib.compress(bytes(2**30 // 4)),
        zlib.compress(PLANE[TILE:].tobytes())[:-9],
        zlib.compress(PLANE[TILE:].tobytes() + b"0"),
        b"",
        b"no zlib",
    ],
    ids=["bomb", "cut short", "too long", "empty", "noise"],
)
def test_a_damaged_one_is_named(parts: Parts, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p0.00001").write_bytes(content)
    with pytest.raises(BrokenState, match=r"p0.00001: cannot be read: .*\. Choose another folder: --out DIR"):
        parts.plane("p0", np.uint16).whole()
