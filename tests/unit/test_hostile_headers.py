"""A header that takes long is read apart, and as long as its image may take, whoever asks for what it tells."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile.images import HEADERS

from components.imaging.files.codecs import LIMITS, Limits, UnreadableImage, decode_image, read_content, with_header
from components.imaging.files.header import Header
from components.imaging.slides.opened import is_slide
from components.imaging.truth.mask_files import read_mask, read_region
from components.imaging.truth.settings import Mask
from pipeline.runs.init.looks import look_at_masks, segment_names

SHORT = Limits(seconds=0.2)
HERE = 0.2
"""Seconds of this process, for what takes more than a second in all."""


def _sparse(path: Path) -> Path:
    os.truncate(path, 65 * 2**20)
    return path


@pytest.fixture(params=HEADERS, ids=lambda make: make.__name__)
def slow(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return request.param(tmp_path)


@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_content(_sparse(path), SHORT),
        lambda path: with_header(decode_image, path.read_bytes(), SHORT),
        lambda path: read_mask(path, Mask(), (), SHORT),
        lambda path: read_region(path, SHORT),
    ],
    ids=["size", "image", "mask", "region"],
)
def test_it_is_refused_by_its_time(slow: Path, read: Callable[[Path], object]) -> None:
    before = time.process_time()
    with pytest.raises(UnreadableImage, match=r"takes more than 0.2 seconds to decode"):
        read(slow)
    assert time.process_time() - before < HERE


def test_one_that_is_allowed_keeps_nobody_waiting(slow: Path) -> None:
    before = time.process_time()
    pixels, header = with_header(decode_image, read_content(slow), LIMITS)
    assert (pixels.shape, header) == ((10, 10), Header(lossy=slow.suffix == ".jpg"))
    assert not is_slide(slow)
    assert segment_names([slow]) == []
    assert [look.lossy for look in look_at_masks([slow])[0]] == [header.lossy]
    assert time.process_time() - before < HERE
