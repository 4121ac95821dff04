"""Tiles put together: the image and the truth that they were cut from, with none missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.imaging.geometry.placement import letterbox
from components.imaging.geometry.tiles import tile_ids, tile_placements
from components.records.record import Record
from components.records.sources import assembled, at_source_size, judged_pixel
from components.records.tfexample import read_split, shard_name, shard_writer

IMAGE = np.random.default_rng(0).integers(0, 255, (70, 101), np.uint8)
MASK = np.random.default_rng(1).integers(0, 3, (70, 101), np.uint8)


def tiles(edge: str) -> list[Record]:
    places = tile_placements(*IMAGE.shape, 32, 48, 5, edge)
    whole = Record(IMAGE, MASK, "a", "p", "a.png", b"", {}, derived_from="a", moments=(0.5, 0.2))
    return [
        replace(whole, id=name, image=place.image(IMAGE), mask=place.mask(MASK), transform=place.as_json())
        for name, place in zip(tile_ids("a", places), places, strict=True)
    ]


@pytest.mark.parametrize("edge", ["overlap", "pad", "stretch"])
def test_they_are_the_source(edge: str) -> None:
    found = assembled(tiles(edge))
    assert (found.id, found.derived_from, found.group, found.source) == ("a", "", "p", "a.png")
    if edge != "stretch":
        np.testing.assert_array_equal(found.image, IMAGE)
        np.testing.assert_array_equal(found.mask, MASK)
    probability = np.ones((*found.mask.shape, 3), np.float32)
    truth, resized = at_source_size(found, probability)
    np.testing.assert_array_equal(truth, MASK)
    assert resized.shape == (*MASK.shape, 3)


def test_a_missing_tile_is_told() -> None:
    with pytest.raises(ValueError, match=r"a\.png: 8 tiles show \d+% of it, expected all"):
        assembled(tiles("overlap")[:-1])


def test_a_whole_record_is_itself() -> None:
    record = Record(IMAGE, MASK, "a", "p", "a.png", b"", letterbox(70, 101, 70, 101).as_json())
    assert assembled([record]) is record
    probability = np.ones((70, 101, 1), np.float32)
    truth, same = at_source_size(record, probability)
    assert truth is MASK
    assert same is probability


def test_the_size_of_a_pixel_that_is_judged() -> None:
    tiled = assembled(tiles("stretch"))
    assert (judged_pixel(tiled, "px"), judged_pixel(tiled, "mm")) == ((1, 1), None)
    assert judged_pixel(replace(tiled, spacing=(0.2, 0.1)), "mm") == (0.2, 0.1)
    whole = Record(IMAGE, MASK, "a", "p", "a.png", b"", letterbox(70, 140, 35, 35).as_json())
    assert judged_pixel(whole, "px") == pytest.approx((70 / 18, 4))
    assert judged_pixel(whole, "mm") is None
    assert judged_pixel(replace(whole, spacing=(0.2, 0.1)), "mm") == pytest.approx((14 / 18, 0.4))


def test_brackets_in_a_path_are_no_pattern(tmp_path: Path) -> None:
    examples = tmp_path / "out [1]*"
    examples.mkdir()
    for index, content in enumerate((b"one", b"other")):
        with shard_writer(str(examples), "test", shard_name(index, 2)) as writer:
            writer.write(content)
    assert list(read_split(str(examples), "test")) == [b"one", b"other"]
    assert list(read_split(str(examples), "eval")) == []
