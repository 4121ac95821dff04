"""Derivation through the component: fits, adjustments and tiles; and the account of what became of every source."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from ingest import SIZE, Made, box, film, ingest, save

from components.imaging.adjust import Adjust
from components.imaging.fingerprint import signature
from components.imaging.geometry.transform import to_source

LESION = box(4, 4, 20, 12)
FOLDERS = {"train": "train", "valid": "eval", "test": "test"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two images per split; the second of each shows no lesion."""
    root = tmp_path_factory.mktemp("source") / "data"
    for seed, folder in enumerate(FOLDERS):
        for number, mask in enumerate([LESION, 0 * LESION]):
            save(root / f"{folder}/images/{folder}{number}.png", film(2 * seed + number))
            save(root / f"{folder}/masks/{folder}{number}.png", 255 * mask)
    return root


def pixels(root: Path, name: str) -> np.ndarray:
    """The image of a record."""
    folder, stem = name.split("/")
    return cv2.imread(str(root / folder / "images" / f"{stem}.png"), cv2.IMREAD_UNCHANGED)


def adds_up(made: Made, made_of_each: int) -> None:
    """Records in the files are those of the account, and with what was dropped those that the sources give."""
    counts = Counter(made.splits.values())
    assert made.account["records"] == {split: counts[split] for split in ("train", "eval", "test")}
    used = made.account["sources"] - len(made.account["rejects"]) - len(made.account["left_out"])
    assert counts.total() + made.account["empty_tiles_dropped"] == used * made_of_each


class TestFits:
    def test_crop_is_the_centre_at_its_own_scale(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", layout="presplit", fit="crop", height=32, width=80)
        record = made.records["train/train0"]
        np.testing.assert_array_equal(record.image[:, 8:72], pixels(root, "train/train0")[8:40])
        np.testing.assert_array_equal(record.mask[:, 8:72], LESION[8:40])
        assert not record.image[:, :8].any()
        assert not record.image[:, 72:].any()
        adds_up(made, 1)

    def test_stretch_fills_the_record(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", layout="presplit", fit="stretch", height=24, width=32)
        record = made.records["train/train0"]
        means = pixels(root, "train/train0").reshape(24, 2, 32, 2).mean((1, 3))
        np.testing.assert_allclose(record.image, means, atol=0.51)
        np.testing.assert_array_equal(record.mask, LESION[::2, ::2])

    def test_letterbox_keeps_the_shape_between_black_borders(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", layout="presplit", height=32, width=32)
        record = made.records["train/train0"]
        means = pixels(root, "train/train0").reshape(24, 2, 32, 2).mean((1, 3))
        np.testing.assert_allclose(record.image[4:28], means, atol=0.51)
        np.testing.assert_array_equal(record.mask[4:28], LESION[::2, ::2])
        assert not record.image[:4].any()
        assert not record.image[28:].any()

    @pytest.mark.parametrize("fit", ["letterbox", "stretch", "crop"])
    def test_the_transform_leads_back_to_the_source(self, root: Path, tmp_path: Path, fit: str) -> None:
        made = ingest(root, tmp_path / "out", layout="presplit", fit=fit, height=36, width=60)
        for record in made.records.values():
            found = np.nonzero(record.mask)
            rows, columns = to_source(record.transform, *found)
            assert LESION[np.rint(rows).astype(int), np.rint(columns).astype(int)].all()
            assert bool(len(rows)) == record.id.endswith("0")

    def test_a_lesion_that_a_crop_loses_is_counted(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", layout="presplit", fit="crop", height=16, width=16)
        assert made.account["lesions_lost"] == {f"{name}/images/{name}0.png": 1 for name in FOLDERS}
        assert not any(mask.any() for mask in made.masks.values())

    def test_a_lesion_that_the_scale_loses_is_a_reject(self, tmp_path: Path) -> None:
        save(tmp_path / "data/images/a.png", film(0, 400, 400))
        save(tmp_path / "data/masks/a.png", 255 * box(101, 101, 103, 103, size=(400, 400)))
        made = ingest(tmp_path / "data", tmp_path / "out", layout="folders", height=16, width=16)
        [(kind, reason)] = made.rejects.values()
        assert kind == "lesion lost"
        assert "raise [data] height and width" in reason


class TestAdjust:
    def test_the_image_is_adjusted_and_the_mask_is_not(self, root: Path, tmp_path: Path) -> None:
        settings = {"gamma": 2.0, "invert": True, "contrast": 0.5, "brightness": 0.25}
        made = ingest(root, tmp_path / "out", layout="presplit", adjust=settings)
        for name, record in made.records.items():
            value = pixels(root, name) / 255
            np.testing.assert_allclose(record.image / 255, 0.5 * (1 - value**2) + 0.25, atol=0.51 / 255)
            assert record.transform["adjust"] == {**Adjust().model_dump(), **settings}
            np.testing.assert_array_equal(record.mask, LESION if name.endswith("0") else 0 * LESION)

    def test_equalisation_is_that_of_opencv_and_precedes_the_scale(self, root: Path, tmp_path: Path) -> None:
        adjust = {"clahe_clip": 3.0, "clahe_grid": 4}
        made = ingest(root, tmp_path / "out", layout="presplit", adjust=adjust, fit="stretch", height=24, width=32)
        equalised = cv2.createCLAHE(3.0, (4, 4)).apply(pixels(root, "test/test1"))
        means = equalised.reshape(24, 2, 32, 2).mean((1, 3))
        np.testing.assert_allclose(made.records["test/test1"].image, means, atol=0.51)

    def test_the_hash_of_the_source_stays(self, root: Path, tmp_path: Path) -> None:
        plain = ingest(root, tmp_path / "plain", layout="presplit")
        changed = ingest(root, tmp_path / "changed", layout="presplit", adjust={"invert": True})
        for name, record in plain.records.items():
            assert record.source_sha256 == changed.records[name].source_sha256
            np.testing.assert_array_equal(255 - record.image, changed.records[name].image)


class TestTiles:
    CUT: ClassVar = {"layout": "presplit", "height": 16, "width": 16}

    def test_tiles_put_together_are_the_image(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", **self.CUT, tiles={"keep_empty": 1.0})
        assert len(made.records) == 6 * 12
        adds_up(made, 12)
        for name in ("train/train0", "valid/valid1"):
            tiles = [[made.records[f"{name}_{row}x{column}"] for column in range(4)] for row in range(3)]
            np.testing.assert_array_equal(np.block([[tile.image for tile in row] for row in tiles]), pixels(root, name))
            mask = np.block([[tile.mask for tile in row] for row in tiles])
            np.testing.assert_array_equal(mask, LESION if name.endswith("0") else 0 * LESION)
            assert {tile.derived_from for row in tiles for tile in row} == {name}
            assert len({tile.group for row in tiles for tile in row}) == 1
            # Copies are found by the source, however they are cut.
            assert {tile.signature for row in tiles for tile in row} == {signature(pixels(root, name))}

    @pytest.mark.parametrize(
        ("edge", "overlap", "rows", "columns"),
        [
            # 48 rows and 64 columns; tiles of 20, of which all but the last begin at even numbers.
            ("overlap", 0, [0, 14, 28], [0, 16, 30, 44]),
            ("overlap", 8, [0, 10, 20, 28], [0, 12, 22, 34, 44]),
            ("pad", 0, [0, 20, 40], [0, 20, 40, 60]),
            ("pad", 8, [0, 12, 24, 36], [0, 12, 24, 36, 48]),
        ],
    )
    def test_tiles_lie_where_their_transform_says(
        self, root: Path, tmp_path: Path, edge: str, overlap: int, rows: list[int], columns: list[int]
    ) -> None:
        tiles = {"overlap": overlap, "edge": edge, "keep_empty": 1.0}
        made = ingest(root, tmp_path / "out", layout="presplit", height=20, width=20, tiles=tiles)
        adds_up(made, len(rows) * len(columns))
        canvas = np.pad(pixels(root, "test/test0"), ((0, 20), (0, 20)))
        truth = np.pad(LESION, ((0, 20), (0, 20)))
        for row, top in enumerate(rows):
            for column, left in enumerate(columns):
                tile = made.records[f"test/test0_{row}x{column}"]
                np.testing.assert_array_equal(tile.image, canvas[top : top + 20, left : left + 20])
                np.testing.assert_array_equal(tile.mask, truth[top : top + 20, left : left + 20])
                assert to_source(tile.transform, np.array([3]), np.array([7])) == ([top + 3], [left + 7])

    def test_stretched_tiles_put_together_are_the_image_at_the_next_size_that_they_fill(
        self, root: Path, tmp_path: Path
    ) -> None:
        tiles = {"edge": "stretch", "keep_empty": 1.0}
        made = ingest(root, tmp_path / "out", layout="presplit", height=20, width=20, tiles=tiles)
        adds_up(made, 3 * 4)
        found = [[made.records[f"test/test0_{row}x{column}"].image for column in range(4)] for row in range(3)]
        np.testing.assert_array_equal(np.block(found), cv2.resize(pixels(root, "test/test0"), (80, 60)))

    def test_empty_tiles_are_dropped_from_training_alone(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", **self.CUT, tiles={"keep_empty": 0.0})
        adds_up(made, 12)
        # The lesion lies in the first two tiles of the first column.
        assert {name for name, split in made.splits.items() if split == "train"} == {
            "train/train0_0x0",
            "train/train0_1x0",
        }
        assert made.account["records"] == {"train": 2, "eval": 24, "test": 24}
        assert made.account["empty_tiles_dropped"] == 22

    def test_the_share_that_is_kept_hangs_on_the_names_alone(self, tmp_path: Path) -> None:
        root = tmp_path / "data"
        for number in range(30):
            save(root / f"train/images/{number}.png", film(number))
            save(root / f"train/masks/{number}.png", 0 * LESION)
        for folder in ("valid", "test"):
            save(root / f"{folder}/images/{folder}.png", film(99))
            save(root / f"{folder}/masks/{folder}.png", 255 * LESION)
        first = ingest(root, tmp_path / "first", **self.CUT, tiles={"keep_empty": 0.25})
        adds_up(first, 12)
        # 360 empty tiles: four standard deviations are 33.
        assert abs(first.account["records"]["train"] - 90) < 33
        again = ingest(root, tmp_path / "again", **self.CUT, tiles={"keep_empty": 0.25})
        assert again.splits == first.splits
        save(root / "train/images/more.png", film(100))
        save(root / "train/masks/more.png", 0 * LESION)
        grown = ingest(root, tmp_path / "grown", **self.CUT, tiles={"keep_empty": 0.25})
        assert {name for name in grown.splits if "more" not in name} == set(first.splits)

    def test_a_reduced_copy_stands_beside_the_tiles_of_training(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", **self.CUT, tiles={"keep_empty": 0.0, "reduced_copy": True})
        # What is measured on are tiles alone.
        assert {name for name in made.records if "reduced" in name} == {"train/train0_reduced", "train/train1_reduced"}
        # An empty copy of the whole is no empty tile.
        copy = made.records["train/train1_reduced"]
        assert made.splits["train/train1_reduced"] == "train"
        assert copy.derived_from == "train/train1"
        means = pixels(root, "train/train1").reshape(12, 4, 16, 4).mean((1, 3))
        np.testing.assert_allclose(copy.image[2:14], means, atol=0.51)
        assert not copy.image[:2].any()

    def test_an_unusable_image_gives_no_tile_and_one_reject(self, root: Path, tmp_path: Path) -> None:
        for path in root.rglob("*.png"):
            save(tmp_path / "data" / path.relative_to(root), cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        (tmp_path / "data/train/images/train0.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        made = ingest(tmp_path / "data", tmp_path / "out", **self.CUT, tiles={"keep_empty": 1.0})
        assert list(made.rejects) == ["train/images/train0.png"]
        assert made.account["records"] == {"train": 12, "eval": 24, "test": 24}
        adds_up(made, 12)

    def test_a_record_knows_its_size_and_what_it_shows(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", **self.CUT, tiles={"overlap": 4, "keep_empty": 1.0})
        for record in made.records.values():
            assert record.image.shape == record.mask.shape == (16, 16)
            assert (record.transform["source_height"], record.transform["source_width"]) == SIZE
            json.dumps(record.transform)
