"""Bands of an answer that were kept come back as they were, or are named."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from components.imaging.slides.plane import TILE
from components.predictions.parts import MASK, Parts
from components.state import BrokenState

VALUES = np.arange((TILE + 3) * 5, dtype=np.uint16).reshape(-1, 5)


@pytest.fixture
def kept(tmp_path: Path) -> Parts:
    parts = Parts(tmp_path, *VALUES.shape)
    for number, band in enumerate((VALUES[:TILE], VALUES[TILE:])):
        parts.keep(number, {"p0": band, MASK: band.astype(np.uint8)})
    return parts


def test_what_is_kept_comes_back(kept: Parts) -> None:
    assert kept.done == 2
    np.testing.assert_array_equal(kept.plane("p0", np.uint16).whole(), VALUES)


@pytest.mark.parametrize(
    "content",
    [b"", b"no bytes of zlib", zlib.compress(bytes(29)), zlib.compress(bytes(10**6)), zlib.compress(bytes(30))[:-1]],
)
def test_what_is_damaged_is_named_and_not_unpacked_further(kept: Parts, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p0.00001").write_bytes(content)
    with pytest.raises(BrokenState, match=r"p0.00001: .*\. Choose another folder: --out DIR"):
        kept.plane("p0", np.uint16).whole()
    (tmp_path / "p0.00001").unlink()
    with pytest.raises(BrokenState, match=r"p0.00001: cannot be read"):
        kept.plane("p0", np.uint16).whole()
