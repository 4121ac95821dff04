"""Records from real files."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from raw_images import pgm, png, write

from components.example_gen.core import derive, read_source, shard_count, views
from components.example_gen.layouts.mias import list_mias
from components.example_gen.outcome import outcome_of
from components.example_gen.samples import Drawing, MaskFiles, Sample
from components.example_gen.settings import DataSettings
from components.example_gen.unusable import Unusable
from components.imaging.adjust import Adjust, adjust
from components.imaging.fingerprint import signature
from components.imaging.geometry.transform import to_source
from components.imaging.truth.settings import Mask
from components.imaging.truth.shapes import Ellipse, Shape
from components.records.record import Record
from components.records.settings import Tiles

HEIGHT, WIDTH = 48, 64
PAIR = Sample(id="a", group="p1", image="images/a.png", truth=MaskFiles(("masks/a.png",)))
NOISE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
SQUARE = np.zeros((HEIGHT, WIDTH), np.uint8)
SQUARE[5:15, 30:50] = 255


def settings(**changes: Any) -> DataSettings:
    return DataSettings(**{"layout": "folders", "height": HEIGHT, "width": WIDTH, **changes})


def records_of(root: Path, sample: Sample, data: DataSettings, split: str = "test") -> list[Record]:
    source = read_source(root, sample, data)
    return list(derive(source, views(source, data), data, split))


def record_of(root: Path, sample: Sample, **changes: Any) -> Record:
    [record] = records_of(root, sample, settings(**changes))
    return record


def film(*discs: tuple[float, float, float], canvas: tuple[int, int] | None = None) -> Sample:
    """`(x, y, radius)` of each, y counted from the bottom."""
    shapes = tuple(Shape(Ellipse(x, y, radius, radius)) for x, y, radius in discs)
    return Sample("f", "g", "film.pgm", Drawing(shapes, bottom_left=True, canvas=canvas))


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
    record = record_of(tmp_path, PAIR)
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
    assert {key: value for key, value in record.transform.items() if key != "adjust"} == {
        "channels": 1,
        "dicom_window": False,
        "kind": "placement",
        "source_height": HEIGHT,
        "source_width": WIDTH,
        "content_height": HEIGHT,
        "content_width": WIDTH,
        "top": 0,
        "left": 0,
        "height": HEIGHT,
        "width": WIDTH,
    }


def test_record_has_the_size_of_the_config(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    record = record_of(tmp_path, PAIR, height=32, width=32)
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
    derivations: list[dict[str, Any]] = [
        {"height": 16, "width": 16},
        {},
        {"channels": 3},
        {"adjust": Adjust(gamma=2.0)},
    ]
    assert len({record_of(tmp_path, PAIR, **derivation).source_sha256 for derivation in derivations}) == 1


def test_sixteen_bits_stay(tmp_path: Path) -> None:
    deep = NOISE.astype(np.uint16) * 16
    write(tmp_path / "images" / "a.png", pgm(deep, 4095))
    write(tmp_path / "masks" / "a.png", png(SQUARE))
    record = record_of(tmp_path, PAIR)
    assert record.image.dtype == np.uint16
    np.testing.assert_array_equal(record.image, deep)


def test_rgb_becomes_gray_and_gray_rgb(tmp_path: Path) -> None:
    rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rgb[:, :20, 0], rgb[:, 20:40, 1], rgb[:, 40:, 2] = 255, 255, 255
    write_pair(tmp_path, rgb, SQUARE)
    # 255 x 0.299, 0.587 and 0.114
    np.testing.assert_array_equal(record_of(tmp_path, PAIR).image[0], [76] * 20 + [150] * 20 + [29] * 24)
    np.testing.assert_array_equal(record_of(tmp_path, PAIR, channels=3).image, rgb)
    write_pair(tmp_path, NOISE, SQUARE)
    np.testing.assert_array_equal(record_of(tmp_path, PAIR, channels=3).image, np.dstack([NOISE] * 3))


def test_sizes_that_differ(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE[:30])
    with pytest.raises(Unusable, match=r"the image is 64 x 48 pixels, its mask masks/a\.png 64 x 30"):
        record_of(tmp_path, PAIR)


def test_a_transposed_mask(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE.T)
    with pytest.raises(Unusable, match=r"the image is 64 x 48 pixels, its mask masks/a\.png 48 x 64"):
        record_of(tmp_path, PAIR)


@pytest.mark.parametrize("folder", ["images", "masks"])
@pytest.mark.parametrize("content", [b"", b"text", png(NOISE)[:100]])
def test_an_unreadable_file_is_named(tmp_path: Path, folder: str, content: bytes) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    write(tmp_path / folder / "a.png", content)
    with pytest.raises(Unusable, match=r"the file is empty|not a whole"):
        record_of(tmp_path, PAIR)


def test_an_unclear_mask_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, NOISE[::-1].copy())
    with pytest.raises(Unusable, match=r"masks/a\.png: the mask has \d+ grey values"):
        record_of(tmp_path, PAIR)


def test_a_jpeg_mask_needs_a_threshold(tmp_path: Path) -> None:
    write(tmp_path / "images" / "a.png", png(NOISE))
    _, jpg = cv2.imencode(".jpg", SQUARE)
    write(tmp_path / "masks" / "a.jpg", jpg.tobytes())
    sample = Sample(id="a", group="a", image="images/a.png", truth=MaskFiles(("masks/a.jpg",)))
    with pytest.raises(Unusable, match=r"masks/a\.jpg: a JPEG mask has no sharp classes"):
        record_of(tmp_path, sample)
    data = settings(mask=Mask(threshold=128))
    source = read_source(tmp_path, sample, data)
    np.testing.assert_array_equal(source.truth.classes, SQUARE // 255)
    assert source.truth.inflation == pytest.approx(1)
    assert read_source(tmp_path, sample, settings(mask=Mask(threshold=2))).truth.inflation > 1.1


def test_truth_counts_from_the_bottom_of_the_film(tmp_path: Path) -> None:
    """Read from the top, the disc would lie on the black mirror image of the lesion."""
    lesion = film_with_lesion(x=20, y=9, radius=6)
    write(tmp_path / "mdb001lm.pgm", pgm(np.maximum(lesion, NOISE // 8)))
    write(tmp_path / "Info.txt", b"mdb001lm G CIRC B 20 9 6\r\n")
    data = settings(layout="mias", edition="full")
    [sample] = list_mias(tmp_path, data).samples
    [record] = records_of(tmp_path, sample, data)
    np.testing.assert_array_equal(record.mask, lesion > 0)
    assert record.mask[HEIGHT - 1 - 9, 20] == 1
    assert record.label == "benign"


def test_all_lesions_of_a_film_and_none_of_a_normal_one(tmp_path: Path) -> None:
    lesions = np.maximum(film_with_lesion(10, 8, 4), film_with_lesion(50, 30, 7))
    write(tmp_path / "film.pgm", pgm(NOISE))
    both = record_of(tmp_path, film((10, 8, 4), (50, 30, 7)))
    np.testing.assert_array_equal(both.mask, lesions > 0)
    assert not record_of(tmp_path, film()).mask.any()


def test_a_disc_may_reach_over_the_edge(tmp_path: Path) -> None:
    write(tmp_path / "film.pgm", pgm(NOISE))
    record = record_of(tmp_path, film((0, 0, 2)))
    # A quarter of a disc of radius 2, in the bottom-left corner.
    np.testing.assert_array_equal(record.mask[-3:, :3], [[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    assert record.mask.sum() == 6


@pytest.mark.parametrize(("x", "y"), [(WIDTH, 10), (10, HEIGHT), (535, 425)])
def test_a_disc_outside_the_film(tmp_path: Path, x: int, y: int) -> None:
    write(tmp_path / "film.pgm", pgm(NOISE))
    with pytest.raises(Unusable, match=f"at x {x}, y {y} lies outside the image of 64 x 48 pixels") as caught:
        record_of(tmp_path, film((x, y, 20)))
    assert caught.value.kind == "truth"


def test_a_table_of_another_edition(tmp_path: Path) -> None:
    write(tmp_path / "film.pgm", pgm(NOISE))
    with pytest.raises(Unusable, match="no copy of what its shapes were drawn on, 1024 x 1024"):
        record_of(tmp_path, film((10, 10, 5), canvas=(1024, 1024)))


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
    assert shard_count(records, settings(height=size, width=size, channels=channels)) == shards


def test_an_image_that_shows_nothing(tmp_path: Path) -> None:
    write_pair(tmp_path, np.full_like(NOISE, 9), SQUARE)
    with pytest.raises(Unusable, match="the image shows nothing: all its values are 9"):
        record_of(tmp_path, PAIR)


def test_a_mask_without_background_may_be_a_tile_within_a_lesion(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, np.full_like(SQUARE, 255))
    assert record_of(tmp_path, PAIR).mask.all()


def test_the_mask_is_the_image(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, NOISE)
    with pytest.raises(Unusable, match=r"its mask masks/a\.png is the same file") as caught:
        record_of(tmp_path, PAIR, mask=Mask(threshold=128))
    assert caught.value.kind == "mask is the image"


def test_a_jpeg_mask_in_the_place_of_the_image(tmp_path: Path) -> None:
    write(tmp_path / "images" / "a.jpg", cv2.imencode(".jpg", SQUARE)[1].tobytes())
    write(tmp_path / "masks" / "a.png", png(NOISE))
    sample = Sample("a", "a", "images/a.jpg", MaskFiles(("masks/a.png",)))
    with pytest.raises(Unusable, match="are the two swapped"):
        record_of(tmp_path, sample, mask=Mask(threshold=128))


def test_a_few_bright_spots_on_black_are_an_image(tmp_path: Path) -> None:
    spots = np.zeros_like(NOISE)
    spots[::16, ::16] = 255
    spots[1::16, ::16] = 120
    write_pair(tmp_path, spots, SQUARE)
    assert record_of(tmp_path, PAIR).mask.any()


def test_foreground_that_is_lost_at_the_size_of_the_record(tmp_path: Path) -> None:
    # At a quarter of the size, centres of record pixels fall on source rows 2, 6, 10, ...: not on row 8.
    dot = np.zeros_like(SQUARE)
    dot[8, 10] = 255
    write_pair(tmp_path, NOISE, dot)
    assert record_of(tmp_path, PAIR).mask.sum() == 1
    with pytest.raises(Unusable, match="its foreground is lost at 16 x 16 pixels: raise"):
        record_of(tmp_path, PAIR, height=16, width=16)


@pytest.mark.parametrize(("radius", "lost"), [(2.9, True), (3, False)])
def test_one_of_two_lesions_that_is_lost(tmp_path: Path, radius: float, lost: bool) -> None:
    # A radius of 3 is 0.75 pixels at a quarter of the size, more than half a pixel's diagonal of 0.71.
    write(tmp_path / "film.pgm", pgm(NOISE))
    sample = film((40, 20, 15), (9, 40, radius))
    if lost:
        with pytest.raises(Unusable, match=f"a lesion of radius {radius} is lost at 16 x 16 pixels"):
            record_of(tmp_path, sample, height=16, width=16)
    else:
        assert record_of(tmp_path, sample, height=16, width=16).mask[2:6, 0:4].any()


def test_what_a_crop_does_not_show_is_not_lost(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, np.where(np.indices(SQUARE.shape)[0] < 4, 255, 0).astype(np.uint8))
    record = record_of(tmp_path, PAIR, height=16, width=16, fit="crop")
    np.testing.assert_array_equal(record.image, NOISE[16:32, 24:40])
    assert not record.mask.any()


def test_a_header_that_claims_too_many_pixels(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    write(tmp_path / "images" / "a.png", b"P5\n100000 100000\n255\n")
    with pytest.raises(Unusable, match=r"100000 x 100000 .*max_megapixels") as caught:
        record_of(tmp_path, PAIR)
    assert caught.value.kind == "unreadable"


def test_the_limit_of_pixels_is_the_recipes(tmp_path: Path) -> None:
    large = np.tile(NOISE, (25, 16))  # 1200 x 1024: more than a million
    write_pair(tmp_path, large, np.tile(SQUARE, (25, 16)))
    with pytest.raises(Unusable, match="1024 x 1200"):
        record_of(tmp_path, PAIR, max_megapixels=1)
    assert record_of(tmp_path, PAIR, max_megapixels=2).mask.any()


def test_a_threshold_out_of_reach(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    with pytest.raises(Unusable, match="threshold 300 is out of reach of its uint8 values"):
        record_of(tmp_path, PAIR, mask=Mask(threshold=300))


def test_image_and_mask_swapped(tmp_path: Path) -> None:
    write_pair(tmp_path, SQUARE, NOISE)
    with pytest.raises(Unusable, match="two levels only, like a mask") as caught:
        record_of(tmp_path, PAIR, mask=Mask(threshold=128))
    assert caught.value.kind == "image and mask swapped"


def test_masks_of_one_image_are_merged_or_classes(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    write(tmp_path / "masks" / "b.png", png(SQUARE[::-1].copy()))
    paths = ("masks/a.png", "masks/b.png")
    merged = record_of(tmp_path, Sample("a", "a", "images/a.png", MaskFiles(paths)))
    np.testing.assert_array_equal(merged.mask, (SQUARE | SQUARE[::-1]) // 255)
    classes = record_of(tmp_path, Sample("a", "a", "images/a.png", MaskFiles(paths, (1, 2))))
    np.testing.assert_array_equal(classes.mask, SQUARE // 255 + 2 * (SQUARE[::-1] // 255))


def test_images_are_adjusted_before_they_are_scaled(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    own = Adjust(gamma=2.0, invert=True)
    inverted = adjust(NOISE, own)
    record = record_of(tmp_path, PAIR, height=24, width=32, adjust=own)
    np.testing.assert_allclose(record.image, inverted.reshape(24, 2, 32, 2).mean((1, 3)), atol=0.51)
    assert record.transform["adjust"]["gamma"] == 2
    np.testing.assert_array_equal(record.mask, SQUARE[1::2, 1::2] // 255)


TILES = {"height": 16, "width": 32, "tiles": Tiles(overlap=0, edge="pad", keep_empty=0.0)}


def test_tiles_are_pieces_of_the_image_with_their_place(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    tiles = records_of(tmp_path, PAIR, settings(**TILES))
    assert [tile.id for tile in tiles] == ["a_0x0", "a_0x1", "a_1x0", "a_1x1", "a_2x0", "a_2x1"]
    assert {(tile.derived_from, tile.group, tile.source) for tile in tiles} == {("a", "p1", "images/a.png")}
    for number, tile in enumerate(tiles):
        row, column = 16 * (number // 2), 32 * (number % 2)
        np.testing.assert_array_equal(tile.image, NOISE[row : row + 16, column : column + 32])
        np.testing.assert_array_equal(tile.mask, SQUARE[row : row + 16, column : column + 32] // 255)
        rows, columns = to_source(tile.transform, np.array([0.0, 15]), np.array([0.0, 31]))
        np.testing.assert_allclose([rows, columns], [[row, row + 15], [column, column + 31]])
    assert {tile.signature for tile in tiles} == {signature(NOISE)}


def test_only_training_tiles_without_foreground_are_dropped(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    none, some = settings(**TILES), settings(**{**TILES, "tiles": Tiles(edge="pad", keep_empty=0.5)})
    assert [tile.id for tile in records_of(tmp_path, PAIR, none, "train")] == ["a_0x0", "a_0x1"]
    assert len(records_of(tmp_path, PAIR, none, "eval")) == 6
    kept = [tile.id for tile in records_of(tmp_path, PAIR, some, "train")]
    assert 2 <= len(kept) < 6
    assert kept == [tile.id for tile in records_of(tmp_path, PAIR, some, "train")]


def test_a_reduced_copy_stands_beside_its_tiles(tmp_path: Path) -> None:
    write_pair(tmp_path, NOISE, SQUARE)
    data = settings(height=32, width=32, tiles=Tiles(reduced_copy=True, keep_empty=0.0))
    *tiles, reduced = records_of(tmp_path, replace(PAIR, split="train"), data, "train")
    assert tiles
    assert all("reduced" not in record.id for record in records_of(tmp_path, replace(PAIR, split="test"), data))
    assert (reduced.id, reduced.derived_from) == ("a_reduced", "a")
    np.testing.assert_array_equal(reduced.mask, record_of(tmp_path, PAIR, height=32, width=32).mask)


@pytest.mark.parametrize(("fit", "size", "lost"), [("letterbox", 48, 0), ("letterbox", 16, 1), ("crop", 16, 2)])
def test_lesions_that_no_record_shows_are_counted(tmp_path: Path, fit: str, size: int, lost: int) -> None:
    mask = np.zeros_like(SQUARE)
    mask[20:30, 28:36] = mask[40:46, 2:12] = mask[3, 3] = 255
    write_pair(tmp_path, NOISE, mask)
    outcome, _ = outcome_of(PAIR, tmp_path, settings(height=size, width=size, fit=fit), make=lambda record: record)
    assert (outcome.records, outcome.lesions_lost) == (1, lost)


def test_lesions_within_another_class_are_counted_too(tmp_path: Path) -> None:
    mask = np.ones_like(SQUARE)
    mask[3, 3] = mask[20:30, 28:36] = 2
    mask[40, 40] = 9
    write_pair(tmp_path, NOISE, mask)
    data = settings(height=16, width=16, classes=["breast", "lesion"], mask=Mask(form="indices", ignore=9))
    outcome, _ = outcome_of(PAIR, tmp_path, data, make=lambda record: record)
    assert (outcome.records, outcome.lesions_lost) == (1, 1)
