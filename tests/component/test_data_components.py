"""ImageMaskExampleGen: the records of a folder, and the account of what became of each source."""

from __future__ import annotations

import json
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf
from ingest import Made, ingest
from scipy import ndimage
from splits_on_disk import account, records
from tfx.types import Artifact

from components.imaging.adjust import Adjust
from components.imaging.files.codecs import decode_image, encode_png, pixel_sha256, read_image
from components.imaging.fingerprint import signature
from components.imaging.geometry.placement import letterbox
from components.records.splits import SPLITS
from components.records.tfexample import read_split, shard_name, split_files
from pipeline.runs.phantoms.sets import write_phantoms

REQUIRED = {
    *("image/encoded", "image/format", "image/height", "image/width", "image/channels", "image/bit_depth"),
    *("image/mean", "image/std", "image/sha256", "image/signature"),
    *("mask/encoded", "mask/foreground_fraction", "mask/components", "mask/labels"),
    *("sample/id", "sample/group", "sample/source", "sample/transform"),
}
"""Features of every record; `sample/label` and `sample/derived_from` are there where they apply."""


def framed(file: Path) -> Iterator[bytes]:
    """The records of an uncompressed TFRecord file: length, checksum, data, checksum."""
    content = file.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        yield content[12 : 12 + length]
        content = content[16 + length :]


class TestImageMaskExampleGen:
    @pytest.fixture(scope="class")
    def mixed(self, write_pairs: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
        """Eight good patients in several formats, and one of each fault."""
        root = write_pairs(tmp_path_factory.mktemp("mixed") / "set", patients=8)
        images, masks = root / "images", root / "masks"
        gray = read_image(images / "p00_a.png")
        (images / "p00_a.png").write_bytes(encode_png(gray.astype(np.uint16) * 257))
        (images / "p01_a.png").write_bytes(encode_png(np.dstack([gray, gray // 2, gray // 3])))
        (images / "p02_a.png").unlink()
        cv2.imwrite(str(images / "p02_a.jpg"), gray)
        (images / "p03_a.png").unlink()
        cv2.imwrite(str(images / "p03_a.pgm"), gray)

        (masks / "p04_a.png").unlink()
        (images / "p05_a.png").unlink()
        (images / "p06_a.png").write_bytes((images / "p06_a.png").read_bytes()[:200])
        (masks / "p07_a.png").write_bytes(encode_png(np.zeros((41, 48), np.uint8)))
        (masks / "p07_b.png").write_bytes(encode_png((gray // 64).astype(np.uint8)))
        return root

    @pytest.fixture(scope="class")
    def mixed_made(self, mixed: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
        folder = tmp_path_factory.mktemp("mixed_examples")
        groups = {"by": "pattern", "pattern": r"(p\d+)"}
        return ingest(mixed, folder, layout="folders", height=32, width=32, groups=groups)

    @pytest.fixture(scope="class")
    def made(self, mixed_made: Made) -> Artifact:
        return mixed_made.examples

    def test_records_and_rejects_are_the_sources(self, mixed_made: Made) -> None:
        account = mixed_made.account
        counts = Counter(mixed_made.splits.values())
        assert account["sources"] == 16
        assert account["records"] == {split: counts[split] for split in SPLITS}
        assert counts.total() + len(account["rejects"]) == 16
        assert (account["left_out"], account["empty_tiles_dropped"], account["lossy_masks"]) == ([], 0, None)
        assert account["lesions_lost"] == {}

    @pytest.mark.parametrize(
        ("source", "kind", "reason"),
        [
            ("images/p04_a.png", "pairing", "without a mask"),
            ("masks/p05_a.png", "pairing", "without an image"),
            ("images/p06_a.png", "unreadable", "not a whole"),
            ("images/p07_a.png", "sizes differ", "48 x 40 pixels, its mask masks/p07_a.png 48 x 41"),
            ("images/p07_b.png", "unclear mask", "grey values"),
        ],
    )
    def test_each_fault_is_a_reject_by_name(self, mixed_made: Made, source: str, kind: str, reason: str) -> None:
        assert len(mixed_made.rejects) == 5
        found_kind, found_reason = mixed_made.rejects[source]
        assert found_kind == kind
        assert reason in found_reason

    def test_records_are_complete(self, made: Artifact, mixed: Path) -> None:
        for split in SPLITS:
            for serialized in read_split(made.uri, split):
                feature = tf.train.Example.FromString(serialized).features.feature
                assert set(feature) == REQUIRED
                image = decode_image(feature["image/encoded"].bytes_list.value[0])
                mask = decode_image(feature["mask/encoded"].bytes_list.value[0])
                source = feature["sample/source"].bytes_list.value[0].decode()
                original = read_image(mixed / source)
                depth = 16 if source.startswith("images/p00_a") else 8
                integers = ("image/height", "image/width", "image/channels", "image/bit_depth", "mask/components")
                assert [feature[name].int64_list.value[0] for name in integers] == [
                    *(32, 32, 1, depth),
                    ndimage.label(mask, np.ones((3, 3)))[1],
                ]
                assert image.dtype == f"uint{depth}"
                floats = ("image/mean", "image/std", "mask/foreground_fraction")
                assert [feature[name].float_list.value[0] for name in floats] == pytest.approx(
                    [(image / (2**depth - 1)).mean(), (image / (2**depth - 1)).std(), np.mean(mask == 1)], abs=1e-5
                )
                assert set(np.unique(mask)) <= {0, 1}
                assert feature["image/format"].bytes_list.value == [b"png"]
                assert feature["image/sha256"].bytes_list.value == [pixel_sha256(original)]
                assert feature["sample/group"].bytes_list.value == [Path(source).stem[:3].encode()]
                assert feature["image/signature"].bytes_list.value == [signature(original)]
                assert list(feature["mask/labels"].int64_list.value) == sorted(np.unique(mask))
                # 48 columns become 32, so 40 rows become 27, between 2 black rows and 3.
                assert json.loads(feature["sample/transform"].bytes_list.value[0]) == {
                    **{"kind": "placement", "source_height": 40, "source_width": 48},
                    **{"content_height": 27, "content_width": 32, "top": 2, "left": 0, "height": 32, "width": 32},
                    **{"dicom_window": False, "channels": 1, "adjust": Adjust().model_dump()},
                }

    def test_image_and_mask_hold_the_disc_of_the_source(self, made: Artifact, mixed: Path) -> None:
        box = letterbox(40, 48, 32, 32)
        found = [record for members in records(made).values() for record in members]
        for record in found:
            name = Path(record.source).stem
            truth = read_image(mixed / f"masks/{name}.png") > 0
            assert truth.any() == record.mask.any()
            if truth.any():
                rows, columns = box.to_source(*np.nonzero(record.mask))
                assert (rows.mean(), columns.mean()) == pytest.approx(np.argwhere(truth).mean(axis=0), abs=0.5)
                assert record.mask.sum() == pytest.approx(truth.sum() * (27 * 32) / (40 * 48), rel=0.06)
            if truth.any() and name.endswith("_b"):
                assert record.image[record.mask > 0].mean() > record.image[record.mask == 0].mean() + 80

    def test_views_of_a_patient_share_a_split(self, examples: Artifact) -> None:
        splits: dict[str, set[str]] = defaultdict(set)
        for split, members in records(examples).items():
            for record in members:
                splits[record.group].add(split)
        assert len(splits) == 24
        assert all(len(found) == 1 for found in splits.values())
        assert Counter(next(iter(found)) for found in splits.values()).keys() == set(SPLITS)

    def test_shards_are_plain_record_files(self, examples: Artifact) -> None:
        assert json.loads(examples.split_names) == list(SPLITS)
        for split in SPLITS:
            files = [Path(file) for file in split_files(examples.uri, split)]
            assert [file.name for file in files] == [shard_name(i, len(files)) for i in range(len(files))]
            content = [item for file in files for item in framed(file)]
            assert content == list(read_split(examples.uri, split))
            assert len(content) == account(examples)["records"][split]

    def test_a_split_without_groups_is_an_empty_shard(self, write_pairs: Callable, tmp_path: Path) -> None:
        source = write_pairs(tmp_path / "one", patients=1)
        groups = {"by": "pattern", "pattern": r"(p\d+)"}
        made = ingest(source, tmp_path / "examples", layout="folders", height=16, width=16, groups=groups)
        counts = made.account["records"]
        assert sorted(counts.values()) == [0, 0, 2]
        for split, count in counts.items():
            [file] = split_files(made.examples.uri, split)
            assert len(list(framed(Path(file)))) == count

    def test_phantom_films_with_their_discs_and_labels(self, tmp_path: Path) -> None:
        write_phantoms(tmp_path / "films", women=9, size=64, seed=1)
        made = ingest(tmp_path / "films", tmp_path / "out", layout="mias", height=32, width=32)
        found = made.records
        assert made.account["sources"] == 18 == len(found) + len(made.account["rejects"])
        rows: dict[str, list[list[str]]] = defaultdict(list)
        for line in (tmp_path / "films" / "Info.txt").read_text().splitlines():
            if line.startswith("mdb"):
                rows[line.split()[0]].append(line.split())
        for name, record in found.items():
            assert record.group == f"pair{(int(name[3:]) + 1) // 2:03d}"
            severities = {row[3] for row in rows[name] if len(row) > 3}
            assert record.label == ("malignant" if "M" in severities else "benign" if severities else "normal")
            lesions = [[int(number) for number in row[4:]] for row in rows[name] if len(row) == 7]
            assert bool(lesions) == bool(record.mask.any())
            for x, y, _ in lesions:
                # The table's origin is the bottom-left corner of a film of 1024 pixels; a record has 32.
                assert record.mask[(1023 - y) // 32, x // 32] == 1
