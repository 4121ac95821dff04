"""Records from real files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from raw_images import pgm, png, write

from components.example_gen.core import Unusable, derive, shard_count
from components.example_gen.mias import list_mias
from components.example_gen.samples import Lesion, Sample

HEIGHT, WIDTH = 48, 64
DATA: dict[str, Any] = {"height": HEIGHT, "width": WIDTH, "channels": 1, "mask_threshold": None}
PAIR = Sample(id="a", group="p1", image="images/a.png", mask="masks/a.png")
NOISE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
SQUARE = np.zeros((HEIGHT, WIDTH), np.uint8)
SQUARE[5:15, 30:50] = 255


def write_pair(root: Path, image: np.ndarray, mask: np.ndarray) -> None:
    write(root / "images" / "a.png", png(image))
    write(root / "masks" / "a.png", png(mask))


def film_with_lesion(x: int, y: int, radius: int) -> np.ndarray:
    """A black film with a bright disc, drawn row by row from the bottom, as the table counts."""
    from_the_bottom = [
        [200 if (column - x) ** 2 + (row - y) ** 2 <= radius**2 else 0 for column in range(WIDTH)]
        for row in range(HEIGHT)
    ]
    return np.array(from_the_bottom[::-1], np.uint8)


def test_record_of_a_pair(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    record = derive(tmp_path, PAIR, DATA)
    np.testing.assert_array_equal(record.image, NOISE)
    np.testing.assert_array_equal(record.mask, SQUARE // 255)
    assert record.mask.dtype == np.uint8
    assert (record.id, record.group, record.source, record.label, record.derived_from) == (
        "a",
        "p1",
        "images/a.png",
        "",
        "",
    )
    assert record.source_sha256 == hashlib.sha256(b"(48, 64) uint8 " + NOISE.tobytes()).digest()
    assert record.transform == {
        "kind": "letterbox",
        "source_height": HEIGHT,
        "source_width": WIDTH,
        "height": HEIGHT,
        "width": WIDTH,
    }


def test_record_has_the_size_of_the_config(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    record = derive(tmp_path, PAIR, {**DATA, "height": 32, "width": 32})
    # Half the size: 24 rows of content from row 4 on; pixel i takes source pixel 2 i + 1, of rows 5 to 14 and
    # columns 30 to 49.
    expected = np.zeros((32, 32), np.uint8)
    expected[4 + 2 : 4 + 7, 15:25] = 1
    np.testing.assert_array_equal(record.mask, expected)
    halves = NOISE.reshape(24, 2, 32, 2).mean((1, 3))
    np.testing.assert_allclose(record.image[4:28], halves, atol=0.51)
    assert record.transform["source_width"] == WIDTH


def test_hash_is_of_the_source_not_of_the_record(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    sizes = ({**DATA, "height": 16, "width": 16}, DATA, {**DATA, "channels": 3})
    assert len({derive(tmp_path, PAIR, data).source_sha256 for data in sizes}) == 1


def test_sixteen_bits_stay(tmp_path: Path) -> None:
    deep = NOISE.astype(np.uint16) * 16
    write(tmp_path / "images" / "a.png", pgm(deep, 4095))
    write(tmp_path / "masks" / "a.png", png(SQUARE))
    record = derive(tmp_path, PAIR, DATA)
    assert record.image.dtype == np.uint16
    np.testing.assert_array_equal(record.image, deep)


def test_rgb_becomes_gray_and_gray_rgb(tmp_path: Path) -> None:
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:, :20, 0], rgb[:, 20:40, 1], rgb[:, 40:, 2] = 255, 255, 255
    write_pair(tmp_path, rgb, SQUARE)
    # 255 x 0.299, 0.587 and 0.114
    np.testing.assert_array_equal(derive(tmp_path, PAIR, DATA).image[0], [76] * 20 + [150] * 20 + [29] * 24)
    np.testing.assert_array_equal(derive(tmp_path, PAIR, {**DATA, "channels": 3}).image, rgb)
    write_pair(tmp_path, NOISE, SQUARE)
    np.testing.assert_array_equal(derive(tmp_path, PAIR, {**DATA, "channels": 3}).image, np.dstack([NOISE] * 3))


def test_sizes_that_differ(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE[:30])
    with pytest.raises(Unusable, match=r"the image is 64 x 48 pixels, its mask masks/a\.png 64 x 30"):
        derive(tmp_path, PAIR, DATA)


def test_a_transposed_mask(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE.T)
    with pytest.raises(Unusable, match=r"the image is 64 x 48 pixels, its mask masks/a\.png 48 x 64"):
        derive(tmp_path, PAIR, DATA)


@pytest.mark.parametrize("folder", ["images", "masks"])
@pytest.mark.parametrize("content", [b"", b"text", png(NOISE)[:100]])
def test_an_unreadable_file_is_named(tmp_path: Path, folder: str, content: bytes) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    write(tmp_path / folder / "a.png", content)
    with pytest.raises(Unusable, match=r"a\.png: (the file is empty|not a whole)"):
        derive(tmp_path, PAIR, DATA)


def test_an_unclear_mask_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, NOISE)
    with pytest.raises(Unusable, match=r"masks/a\.png: the mask has \d+ grey values"):
        derive(tmp_path, PAIR, DATA)


def test_a_jpeg_mask_needs_a_threshold(tmp_path: Path) -> None:
    write(tmp_path / "images" / "a.png", png(NOISE))
    _, jpg = cv2.imencode(".jpg", SQUARE)
    write(tmp_path / "masks" / "a.jpg", jpg.tobytes())
    sample = Sample(id="a", group="a", image="images/a.png", mask="masks/a.jpg")
    with pytest.raises(Unusable, match=r"masks/a\.jpg: a JPEG mask has no sharp classes"):
        derive(tmp_path, sample, DATA)
    np.testing.assert_array_equal(derive(tmp_path, sample, {**DATA, "mask_threshold": 128}).mask, SQUARE // 255)


def test_truth_counts_from_the_bottom_of_the_film(tmp_path: Path) -> None:
    """Read from the top, the disc would lie on the black mirror image of the lesion."""
    film = film_with_lesion(x=20, y=9, radius=6)
    write(tmp_path / "mdb001.pgm", pgm(film))
    write(tmp_path / "Info.txt", b"mdb001 G CIRC B 20 9 6\r\n")
    [sample] = list_mias(tmp_path, "Info.txt").samples
    record = derive(tmp_path, sample, DATA)
    np.testing.assert_array_equal(record.mask, film > 0)
    assert record.mask[HEIGHT - 1 - 9, 20] == 1
    assert record.label == "benign"


def test_all_lesions_of_a_film_and_none_of_a_normal_one(tmp_path: Path) -> None:
    film = np.maximum(film_with_lesion(10, 8, 4), film_with_lesion(50, 30, 7))
    write(tmp_path / "film.pgm", pgm(film))
    lesions = (Lesion(10, 8, 4), Lesion(50, 30, 7))
    both = derive(tmp_path, Sample("f", "g", "film.pgm", lesions=lesions), DATA)
    np.testing.assert_array_equal(both.mask, film > 0)
    assert not derive(tmp_path, Sample("f", "g", "film.pgm"), DATA).mask.any()


def test_a_disc_may_reach_over_the_edge(tmp_path: Path) -> None:
    write(tmp_path / "film.pgm", pgm(SQUARE))
    record = derive(tmp_path, Sample("f", "g", "film.pgm", lesions=(Lesion(0, 0, 2),)), DATA)
    # A quarter of a disc of radius 2, in the bottom-left corner.
    np.testing.assert_array_equal(record.mask[-3:, :3], [[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    assert record.mask.sum() == 6


@pytest.mark.parametrize(("x", "y"), [(WIDTH, 10), (10, HEIGHT), (535, 425)])
def test_a_disc_outside_the_film(tmp_path: Path, x: int, y: int) -> None:
    write(tmp_path / "film.pgm", pgm(SQUARE))
    with pytest.raises(Unusable, match=f"the lesion at x {x}, y {y} lies outside the film of 64 x 48 pixels"):
        derive(tmp_path, Sample("f", "g", "film.pgm", lesions=(Lesion(x, y, 20),)), DATA)


@pytest.mark.parametrize(
    ("records", "size", "channels", "shards"),
    [
        (0, 256, 1, 1),
        (31, 256, 1, 1),
        (32, 256, 1, 2),
        (500, 256, 1, 8),
        # 1024 x 1024 x 3 bytes are 3 MiB: 3000 MiB in shards of 128
        (1000, 1024, 1, 24),
        # 7 MiB: 700 MiB in shards of 128 and at least 100 // 16 shards
        (100, 1024, 3, 6),
    ],
)
def test_shard_count(records: int, size: int, channels: int, shards: int) -> None:
    assert shard_count(records, {"height": size, "width": size, "channels": channels}) == shards


def test_an_image_that_shows_nothing(tmp_path: Path) -> None:
    write_pair(tmp_path, np.full_like(NOISE, 9), SQUARE)
    with pytest.raises(Unusable, match="the image shows nothing: all its values are 9"):
        derive(tmp_path, PAIR, DATA)


def test_a_mask_without_background(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, np.full_like(SQUARE, 255))
    with pytest.raises(Unusable, match="foreground everywhere"):
        derive(tmp_path, PAIR, DATA)


def test_foreground_that_is_lost_at_the_size_of_the_record(tmp_path: Path) -> None:
    # At an eighth of the size, centres of record pixels fall on source rows 3.5, 11.5, ...: not on row 8.
    dot = np.zeros_like(SQUARE)
    dot[8, 8] = 255
    write_pair(tmp_path, NOISE, dot)
    assert derive(tmp_path, PAIR, DATA).mask.sum() == 1
    with pytest.raises(Unusable, match="its foreground is lost at 8 x 6 pixels: raise"):
        derive(tmp_path, PAIR, {**DATA, "height": 6, "width": 8})


@pytest.mark.parametrize(("radius", "lost"), [(5, True), (6, False)])
def test_one_of_two_lesions_that_is_lost(tmp_path: Path, radius: int, lost: bool) -> None:
    # A radius of 6 is 0.75 pixels at an eighth of the size, more than half a pixel's diagonal of 0.71.
    write(tmp_path / "mdb001.pgm", pgm(NOISE))
    film = Sample("mdb001", "pair001", "mdb001.pgm", lesions=(Lesion(40, 20, 15), Lesion(9, 40, radius)))
    small = {**DATA, "height": 6, "width": 8}
    if lost:
        with pytest.raises(Unusable, match=f"a lesion of radius {radius} is lost at 8 x 6 pixels"):
            derive(tmp_path, film, small)
    else:
        assert derive(tmp_path, film, small).mask[0, 0:3].any()


def test_a_header_that_claims_too_many_pixels(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    write(tmp_path / "images" / "a.pgm", b"P5\n100000 100000\n255\n")
    with pytest.raises(Unusable, match=r"a\.pgm: OpenCV refuses it"):
        derive(tmp_path, Sample(id="a", group="a", image="images/a.pgm", mask="masks/a.png"), DATA)


def test_a_threshold_out_of_reach(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    with pytest.raises(Unusable, match="mask_threshold 300 is out of reach of its uint8 values"):
        derive(tmp_path, PAIR, {**DATA, "mask_threshold": 300})
