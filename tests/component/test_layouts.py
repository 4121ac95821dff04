"""Each layout from real files to records: masks pixel by pixel, groups, splits, and the account of every source."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ingest import SIZE, box, film, ingest, save, save_text

from components.errors import UsageError
from components.example_gen.listing import fingerprint
from components.imaging.annotations.rle import run_lengths

ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]
NOTHING = np.zeros(SIZE, np.uint8)


def same(masks: dict[str, np.ndarray], truth: dict[str, np.ndarray]) -> None:
    assert masks.keys() == truth.keys()
    for name, mask in masks.items():
        np.testing.assert_array_equal(mask, truth[name], err_msg=name)


def records_in(splits: dict[str, str]) -> dict[str, int]:
    return {name: list(splits.values()).count(name) for name in ("train", "eval", "test")}


def disc(column: float, row: float, radius: float) -> np.ndarray:
    return ((COLUMNS - column) ** 2 + (ROWS - row) ** 2 <= radius**2).astype(np.uint8)


class TestFolders:
    def test_several_masks_of_an_image_are_merged(self, tmp_path: Path) -> None:
        root = tmp_path / "data"
        one, other, alone = box(2, 2, 10, 10), box(30, 40, 40, 60), box(5, 5, 9, 60)
        for seed, name in enumerate(["ann/a", "ann/b", "c"]):
            save(root / f"images/{name}.png", film(seed))
        save(root / "masks/ann/a_1.png", 255 * one)
        save(root / "masks/ann/a_2.png", 255 * other)
        save(root / "masks/ann/b_1.png", 255 * alone)
        save(root / "masks/lost_1.png", 255 * alone)
        save(root / "masks/unnumbered.png", 255 * alone)
        save_text(root / "images/notes.txt", "none")
        made = ingest(root, tmp_path / "out", layout="folders", mask_pattern=r"(?P<name>.+)_\d+")
        same(made.masks, {"ann/a": one | other, "ann/b": alone})
        assert made.groups == {"ann/a": "ann/a", "ann/b": "ann/b"}
        # Of two groups the one with the lower hash is eval, and none is test.
        assert made.splits == {"ann/a": "eval", "ann/b": "train"}
        assert {source: kind for source, (kind, _) in made.rejects.items()} == {
            "images/c.png": "pairing",
            "images/notes.txt": "unknown kind of file",
            "masks/lost_1.png": "pairing",
            "masks/unnumbered.png": "pairing",
        }
        assert made.account["sources"] == 6
        assert made.account["records"] == records_in(made.splits)

    def test_one_mask_per_class(self, tmp_path: Path) -> None:
        root = tmp_path / "data"
        tumour, stroma, next_to_it = box(4, 4, 20, 20), box(30, 30, 44, 60), box(4, 20, 20, 40)
        for seed, name in enumerate("abc"):
            save(root / f"images/{name}.png", film(seed))
        save(root / "masks/a_tumour.png", 255 * tumour)
        save(root / "masks/a_stroma.png", 255 * stroma)
        save(root / "masks/b_stroma.png", 255 * next_to_it)
        save(root / "masks/c_tumour.png", 255 * tumour)
        save(root / "masks/c_muscle.png", 255 * stroma)
        pattern = r"(?P<name>.+)_(?P<class>[a-z]+)"
        made = ingest(root, tmp_path / "out", layout="folders", mask_pattern=pattern, classes=["tumour", "stroma"])
        same(made.masks, {"a": tumour + 2 * stroma, "b": 2 * next_to_it})
        assert made.rejects["images/c.png"][0] == "truth"
        assert "class 'muscle'" in made.rejects["images/c.png"][1]

    def test_groups_of_a_parent_folder_and_a_fixed_test_list(self, tmp_path: Path) -> None:
        root = tmp_path / "data"
        for seed, name in enumerate(["ann/1", "ann/2", "bea/1", "cay/1"]):
            save(root / f"images/{name}.png", film(seed))
            save(root / f"masks/{name}.png", 255 * box(8, 8, 16, 16))
        made = ingest(
            root, tmp_path / "out", layout="folders", groups={"by": "folder"}, splits={"test_groups": ["ann"]}
        )
        assert made.groups == {"ann/1": "ann", "ann/2": "ann", "bea/1": "bea", "cay/1": "cay"}
        assert {name for name, split in made.splits.items() if split == "test"} == {"ann/1", "ann/2"}


class TestPresplit:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for seed, name in enumerate(["train/{}/a", "train/{}/b", "valid/{}/c", "test/{}/d"]):
            save(tmp_path / "data" / f"{name.format('images')}.png", film(seed))
            save(tmp_path / "data" / f"{name.format('masks')}.png", 255 * box(8, 8 + seed, 16, 30))
        return tmp_path / "data"

    def test_the_folders_are_the_splits(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", layout="presplit")
        assert made.splits == {"train/a": "train", "train/b": "train", "valid/c": "eval", "test/d": "test"}
        assert made.groups == {"train/a": "a", "train/b": "b", "valid/c": "c", "test/d": "d"}
        names = ["train/a", "train/b", "valid/c", "test/d"]
        same(made.masks, {name: box(8, 8 + seed, 16, 30) for seed, name in enumerate(names)})
        assert made.account == {
            **{"sources": 4, "records": {"train": 2, "eval": 1, "test": 1}, "rejects": [], "left_out": []},
            **{"data_fingerprint": fingerprint(root, made.data), "without_records": []},
            **{"empty_tiles_dropped": 0, "lossy_masks": None, "stray_pixels": None, "lesions_lost": {}, "cut_off": {}},
            "turns": {},
            "truth": {
                name.format("images"): {
                    "foreground": pytest.approx(8 * (22 - seed) / (48 * 64)),
                    **{"along_borders": False, "background": True, "full": False},
                    **{"rules": {"grey value 255": name.format("masks")}},
                }
                for seed, name in enumerate(f"{name[:-1]}{{}}/{name[-1]}.png" for name in names)
            },
        }

    def test_a_name_in_two_of_them_stays_in_both_for_the_gate_to_find(self, root: Path, tmp_path: Path) -> None:
        save(root / "test/images/a.png", film(9))
        save(root / "test/masks/a.png", 255 * box(8, 8, 16, 16))
        made = ingest(root, tmp_path / "out", layout="presplit")
        assert (made.groups["train/a"], made.groups["test/a"]) == ("a", "a")
        assert (made.splits["train/a"], made.splits["test/a"]) == ("train", "test")


class TestManifest:
    TABLE = (
        "image;mask;group;label;split;site;id\n"
        "scans/1.png;truth/1.png;ann;malignant;train;north;first\n"
        'scans/2.png;"truth/2a.png;truth/2b.png";ann;benign;;north;\n'
        "scans/3.png;;bea;normal;valid;south;\n"
        "scans/4.png;truth/none.png;cay;normal;;;\n"
        "scans/5.png;truth/1.png;cay;normal;holdout;;\n"
    )

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for number in range(1, 6):
            save(tmp_path / "data" / f"scans/{number}.png", film(number))
        save(tmp_path / "data/truth/1.png", 255 * box(2, 2, 12, 12))
        save(tmp_path / "data/truth/2a.png", 255 * box(20, 20, 30, 30))
        save(tmp_path / "data/truth/2b.png", 255 * box(35, 5, 45, 50))
        return tmp_path / "data"

    def test_csv(self, root: Path, tmp_path: Path) -> None:
        save_text(root / "manifest.csv", "\ufeff" + self.TABLE)
        made = ingest(root, tmp_path / "out", layout="manifest")
        same(
            made.masks,
            {
                "first": box(2, 2, 12, 12),
                "scans/2": box(20, 20, 30, 30) | box(35, 5, 45, 50),
                "scans/3": NOTHING,
            },
        )
        assert made.groups == {"first": "ann", "scans/2": "ann", "scans/3": "bea"}
        # The second image of ann goes where the first one is.
        assert made.splits == {"first": "train", "scans/2": "train", "scans/3": "eval"}
        assert {name: record.label for name, record in made.records.items()} == {
            **{"first": "malignant", "scans/2": "benign", "scans/3": "normal"},
        }
        assert {source: kind for source, (kind, _) in made.rejects.items()} == {
            "scans/4.png": "manifest",
            "scans/5.png": "manifest",
        }
        assert "manifest.csv line 5: there is no file 'truth/none.png'" in made.rejects["scans/4.png"][1]
        assert "split is 'holdout'" in made.rejects["scans/5.png"][1]
        assert made.account["sources"] == 5

    def test_toml_with_a_site_left_out(self, root: Path, tmp_path: Path) -> None:
        rows = [("1", '"truth/1.png"', "north"), ("2", '"truth/2a.png"', "north"), ("3", '""', "south")]
        samples = [f'[[sample]]\nimage = "scans/{n}.png"\nmask = {mask}\nsite = "{site}"\n' for n, mask, site in rows]
        save_text(root / "cohort.toml", "\n".join(samples))
        made = ingest(root, tmp_path / "out", layout="manifest", table="cohort.toml", splits={"test_site": "south"})
        same(made.masks, {"scans/1": box(2, 2, 12, 12), "scans/2": box(20, 20, 30, 30), "scans/3": NOTHING})
        assert {name for name, split in made.splits.items() if split == "test"} == {"scans/3"}
        sites = {name: record.site for name, record in made.records.items()}
        assert sites == {"scans/1": "north", "scans/2": "north", "scans/3": "south"}


class TestMias:
    def test_coordinates_of_the_mini_edition_are_those_of_films_of_1024_pixels(self, tmp_path: Path) -> None:
        root = tmp_path / "films"
        table = [
            *("mdb001 G CIRC B 512 424 200", "mdb002 G NORM", "mdb003 D SPIC M 300 700 100"),
            *("mdb003 D CIRC B 700 300 80", "mdb004 D CALC B *NOTE 3*", "mdb005 F CIRC M 9 9 40"),
        ]
        save_text(root / "Info.txt", "REFNUM BG CLASS SEVERITY X Y RADIUS\r\n" + "\r\n".join(table))
        for number in (1, 2, 3, 4, 6):
            save(root / f"mdb{number:03d}.pgm", film(number, 64, 64))
        made = ingest(root, tmp_path / "out", layout="mias", height=64, width=64)

        def on_film(x: float, y: float, radius: float) -> np.ndarray:
            """Of each pixel of a film of 64 the centre, in the table's pixels from the bottom-left corner."""
            rows, columns = np.mgrid[:64, :64] * 16 + 7.5
            return ((columns - x) ** 2 + (1023 - rows - y) ** 2 <= radius**2).astype(np.uint8)

        same(
            made.masks,
            {
                "mdb001": on_film(512, 424, 200),
                "mdb002": np.zeros((64, 64), np.uint8),
                "mdb003": on_film(300, 700, 100) | on_film(700, 300, 80),
            },
        )
        assert made.groups == {"mdb001": "pair001", "mdb002": "pair001", "mdb003": "pair002"}
        assert made.splits == {"mdb001": "eval", "mdb002": "eval", "mdb003": "train"}
        labels = {name: record.label for name, record in made.records.items()}
        assert labels == {"mdb001": "benign", "mdb002": "normal", "mdb003": "malignant"}
        assert {source: kind for source, (kind, _) in made.rejects.items()} == {
            **{"mdb004.pgm": "truth", "mdb005": "pairing", "mdb006.pgm": "pairing"},
        }

    def test_the_full_edition_has_coordinates_of_its_own_pixels(self, tmp_path: Path) -> None:
        root = tmp_path / "films"
        table = "mdb001lm G CIRC B 40 30 9\nmdb002rm G NORM\nmdb003ls D CIRC M 20 12 5\nmdb004 D NORM\n"
        save_text(root / "Info.txt", table)
        for name in ("mdb001lm", "mdb002rm", "mdb003ls", "mdb004"):
            save(root / f"{name}.pgm", film(int(name[3:6])))
        made = ingest(root, tmp_path / "out", layout="mias", edition="full", labels=["malignant", "normal"])
        same(made.masks, {"mdb002rm": NOTHING, "mdb003ls": disc(20, SIZE[0] - 1 - 12, 5)})
        assert [source["source"] for source in made.account["left_out"]] == ["mdb001lm.pgm"]
        assert made.rejects["mdb004.pgm"][0] == "name"
        assert "mini edition" in made.rejects["mdb004.pgm"][1]
        assert made.account["sources"] == 4


def region(group: str, left: float, top: float, right: float, bottom: float) -> dict:
    points = [[left, top, 0], [right, top, 0], [right, bottom, 0], [left, bottom, 0]]
    return {"type": "polyline", "group": group, "points": points}


def test_bcss_regions_lie_in_the_region_of_interest(tmp_path: Path) -> None:
    root, height, width = tmp_path / "data", *SIZE
    roi = {"type": "rectangle", "group": "roi", "rotation": 0, "width": width, "height": height}
    for patient, elements in {
        "A1-0001": [
            {**roi, "center": [1000 + width / 2, 2000 + height / 2, 0]},
            region("mostly_stroma", 1005, 2004, 1045, 2044),
            region("mostly_tumor", 1010, 2010, 1030, 2020),
            region("necrosis", 1000, 2000, 1060, 2040),
        ],
        "B2-0002": [{**roi, "center": [width / 2, height / 2, 0]}, region("mostly_tumor", -50, 40, 500, 400)],
    }.items():
        save_text(root / f"annotations/TCGA-{patient}-DX1.json", json.dumps([{"annotation": {"elements": elements}}]))
    save(root / "images/TCGA-A1-0001-DX1_xmin1000_ymin2000_MPP-0.25.png", np.dstack([film(1), film(2), film(3)]))
    save(root / "images/TCGA-B2-0002-DX1.png", film(4))
    save(root / "images/TCGA-C3-0003-DX1.png", film(5))
    made = ingest(root, tmp_path / "out", layout="bcss", classes=["tumor", "stroma"], channels=3)
    truth = box(4, 5, 44, 45, 2)
    truth[10:20, 10:30] = 1
    same(
        made.masks,
        {"TCGA-A1-0001-DX1_xmin1000_ymin2000_MPP-0.25": truth, "TCGA-B2-0002-DX1": box(40, 0, height, width)},
    )
    assert sorted(made.groups.values()) == ["TCGA-A1-0001", "TCGA-B2-0002"]
    assert {made.groups[name]: split for name, split in made.splits.items()} == {
        **{"TCGA-B2-0002": "eval", "TCGA-A1-0001": "train"},
    }
    assert {source: kind for source, (kind, _) in made.rejects.items()} == {
        "images/TCGA-C3-0003-DX1.png": "pairing",
    }
    assert made.account["sources"] == 3


def test_sipakmed_cells_of_two_categories(tmp_path: Path) -> None:
    root = tmp_path / "data"
    square = "{0},{1}\r\n{2},{1}\r\n{2},{3}\r\n{0},{3}\r\n"
    for folder, name, seed in [("im_Dyskeratotic", "001", 1), ("im_Parabasal/im_Parabasal", "001", 2)]:
        save(root / folder / f"{name}.bmp", np.dstack([film(seed), film(seed + 5), film(seed + 9)]))
    save(root / "im_Parabasal/im_Parabasal/002.bmp", film(3))
    save(root / "im_Koilocytotic/009.bmp", film(4))
    save_text(root / "im_Dyskeratotic/001_cyt01.dat", square.format(10, 8, 30, 20))
    save_text(root / "im_Dyskeratotic/001_cyt02.dat", square.format(40.0, 30.0, 50.0, 40.0))
    save_text(root / "im_Dyskeratotic/001_nuc01.dat", square.format(15, 10, 20, 15))
    save_text(root / "im_Parabasal/im_Parabasal/001_cyt01.dat", square.format(0, 0, 12, 6))
    save_text(root / "im_Koilocytotic/009_cyt01.dat", square.format(0, 0, 12, 6))
    made = ingest(root, tmp_path / "out", layout="sipakmed", classes=["Dyskeratotic", "Parabasal"])
    same(
        made.masks,
        {"Dyskeratotic/001": box(8, 10, 20, 30) | box(30, 40, 40, 50), "Parabasal/001": box(0, 0, 6, 12, 2)},
    )
    assert made.groups == {name: name for name in made.records}
    assert {name: record.label for name, record in made.records.items()} == {
        **{"Dyskeratotic/001": "dyskeratotic", "Parabasal/001": "parabasal"},
    }
    assert list(made.rejects) == ["im_Parabasal/im_Parabasal/002.bmp"]
    assert [source["source"] for source in made.account["left_out"]] == ["im_Koilocytotic/009.bmp"]
    assert made.account["sources"] == 4


def test_via_shapes_of_a_pathology(tmp_path: Path) -> None:
    root = tmp_path / "data"

    def row(name: str, count: int, shape: dict, label: str) -> str:
        cells = [name, 1000, "{}", count, 0, json.dumps(shape), json.dumps({"pathology": label} if label else {})]
        return ",".join('"{}"'.format(str(cell).replace('"', '""')) for cell in cells)

    polygon = {"name": "polygon", "all_points_x": [10, 30, 30, 10], "all_points_y": [5, 5, 25, 25]}
    header = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    rows = [
        row("a.png", 2, {"name": "circle", "cx": 20, "cy": 24, "r": 8}, "Malignant"),
        row("a.png", 2, {"name": "rect", "x": 40, "y": 30, "width": 12, "height": 9}, "benign"),
        row("b.png", 1, {"name": "ellipse", "cx": 30, "cy": 20, "rx": 15, "ry": 6, "theta": 0}, "malignant"),
        row("c.png", 1, polygon, "malignant"),
        row("d.png", 1, polygon, "benign"),
        row("e.png", 0, {}, ""),
        row("gone.png", 1, polygon, "malignant"),
    ]
    save_text(root / "shapes.csv", "\n".join([header, *rows]))
    for seed, name in enumerate("abcdef"):
        save(root / f"images/{name}.png", film(seed))
    made = ingest(root, tmp_path / "out", layout="via", labels=["malignant", "normal"])
    ellipse = (((COLUMNS - 30) / 15) ** 2 + ((ROWS - 20) / 6) ** 2 <= 1).astype(np.uint8)
    same(made.masks, {"a": disc(20, 24, 8), "b": ellipse, "c": box(5, 10, 25, 30), "e": NOTHING})
    assert {name: record.label for name, record in made.records.items()} == {
        **{"a": "malignant", "b": "malignant", "c": "malignant", "e": "normal"},
    }
    assert made.groups == {name: name for name in "abce"}
    assert sorted(made.splits.values()) == ["eval", "test", "train", "train"]
    assert [source["source"] for source in made.account["left_out"]] == ["images/d.png"]
    assert {source: kind for source, (kind, _) in made.rejects.items()} == {
        **{"gone.png": "pairing", "images/f.png": "pairing"},
    }
    assert made.account["sources"] == 7


class TestSpans:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        for span, names in {1: "ab", 2: "bc", 10: "d"}.items():
            for name in names:
                folder = tmp_path / "data" / f"span-{span}"
                save(folder / f"images/{name}.png", film(100 * span + ord(name)))
                save(folder / f"masks/{name}.png", 255 * box(span, span, span + 20, 40))
        save_text(tmp_path / "data/Span_3/note.txt", "misnamed")
        return tmp_path / "data"

    def test_all_of_them(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", layout="folders", spans=0)
        same(
            made.masks,
            {
                f"span-{span}/{name}": box(span, span, span + 20, 40)
                for span, name in [(1, "a"), (1, "b"), (2, "b"), (2, "c"), (10, "d")]
            },
        )
        assert list(made.rejects) == ["Span_3"]
        assert made.account["sources"] == 6
        # Who comes again stays in her split.
        assert made.groups["span-1/b"] == made.groups["span-2/b"] == "b"
        assert made.splits["span-1/b"] == made.splits["span-2/b"]

    def test_the_last_two_by_number(self, root: Path, tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", layout="folders", spans=2)
        assert set(made.records) == {"span-2/b", "span-2/c", "span-10/d"}


def test_a_layout_that_is_not_there_is_a_message(tmp_path: Path) -> None:
    save(tmp_path / "data/images/a.png", film(0))
    with pytest.raises(UsageError, match=r"data: has no folder 'masks'.*another layout"):
        ingest(tmp_path / "data", tmp_path / "out", layout="folders")


class TestAnnotations:
    def test_painted_masks_and_polygons_of_two_classes(self, tmp_path: Path) -> None:
        """The second lies over the first, and reaches beyond the image."""
        root = tmp_path / "data"
        lower, upper = box(4, 4, 20, 20), box(10, 10, 48, 64)
        names = ["a", "b"]
        for seed, name in enumerate(names):
            save(root / f"{name}.png", film(seed))
        pixels = [{"size": [*SIZE], "counts": run_lengths(lower > 0, (0, 0), SIZE).tolist()}, [corners(10, 10, 90, 70)]]
        document = {
            "images": [{"id": n, "file_name": f"{name}.png"} for n, name in enumerate(names)],
            "categories": [{"id": 1, "name": "stroma"}, {"id": 2, "name": "tumour"}],
            "annotations": [
                {"image_id": n, "category_id": which + 1, "segmentation": pixels[which]}
                for n in (0, 1)
                for which in (0, 1)
            ],
        }
        save_text(root / "coco.json", json.dumps(document))
        made = ingest(root, tmp_path / "out", layout="annotations", classes=["tumour", "stroma"])
        same(made.masks, dict.fromkeys(names, np.where(upper, 1, 2 * lower).astype(np.uint8)))
        assert (made.rejects, made.account["cut_off"]) == ({}, {"a.png": 1, "b.png": 1})


def corners(left: int, top: int, right: int, bottom: int) -> list[int]:
    return [left, top, right, top, right, bottom, left, bottom]
