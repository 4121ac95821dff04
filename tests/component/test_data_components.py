"""The nodes up to the trainer, each executor on real artifacts: ImageMaskExampleGen, DataGate, Augmentor."""

from __future__ import annotations

import json
import shutil
import struct
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf
from ingest import Made, ingest
from scipy import ndimage
from tensorflow_data_validation import StatsOptions
from tfx.components.example_validator.executor import Executor as ExampleValidator
from tfx.components.statistics_gen.executor import Executor as StatisticsGen
from tfx.types import Artifact, standard_artifacts

from components.artifacts import SplitReport
from components.augmentor.executor import Executor as Augmentor
from components.data_gate.executor import Executor as DataGate
from components.errors import DataRefused
from components.imaging.codecs import decode_image, encode_png, pixel_sha256, read_image
from components.imaging.geometry import letterbox
from components.imaging.signature import signature
from components.record import Record
from components.splits import SPLITS
from components.tfexample import parse, read_split, serialize, shard_name, split_files
from pipeline.config.data import Adjust
from pipeline.config.model import Config
from pipeline.graph import SCHEMA
from pipeline.phantoms import write_mias_phantoms

Make = Callable[..., Artifact]

REQUIRED = {
    *("image/encoded", "image/format", "image/height", "image/width", "image/channels", "image/bit_depth"),
    *("image/mean", "image/std", "image/sha256", "image/signature"),
    *("mask/encoded", "mask/foreground_fraction", "mask/components", "mask/labels"),
    *("sample/id", "sample/group", "sample/source", "sample/transform"),
}
"""Features of every record; `sample/label` and `sample/derived_from` are there where they apply."""


def records(examples: Artifact) -> dict[str, list[Record]]:
    return {split: [parse(item) for item in read_split(examples.uri, split)] for split in SPLITS}


def account(examples: Artifact) -> dict:
    return json.loads((Path(examples.uri) / "account.json").read_text())


def framed(file: Path) -> Iterator[bytes]:
    """The records of an uncompressed TFRecord file: length, checksum, data, checksum."""
    content = file.read_bytes()
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        yield content[12 : 12 + length]
        content = content[16 + length :]


def write_split(folder: Path, split: str, items: list[bytes], shards: int = 1) -> None:
    (folder / f"Split-{split}").mkdir(parents=True)
    for index in range(shards):
        with tf.io.TFRecordWriter(str(folder / f"Split-{split}" / shard_name(index, shards))) as writer:
            for item in items[index::shards]:
                writer.write(item)


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
                    "adjust": Adjust().model_dump(),
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
        write_mias_phantoms(tmp_path / "films", women=9, size=64, seed=1)
        made = ingest(tmp_path / "films", tmp_path / "out", layout="mias", height=32, width=32)
        found = made.records
        assert made.account["sources"] == 18 == len(found) + len(made.account["rejects"])
        rows: dict[str, list[list[str]]] = defaultdict(list)
        for line in (tmp_path / "films" / "Info.txt").read_text().splitlines():
            if line.startswith("mdb"):
                rows[line.split()[0]].append(line.split())
        for film, record in found.items():
            assert record.group == f"pair{(int(film[3:]) + 1) // 2:03d}"
            severities = {row[3] for row in rows[film] if len(row) > 3}
            assert record.label == ("malignant" if "M" in severities else "benign" if severities else "normal")
            lesions = [[int(number) for number in row[4:]] for row in rows[film] if len(row) == 7]
            assert bool(lesions) == bool(record.mask.any())
            for x, y, _ in lesions:
                # The table's origin is the bottom-left corner of a film of 1024 pixels; a record has 32.
                assert record.mask[(1023 - y) // 32, x // 32] == 1


class TestAugmentor:
    def test_the_test_split_stays_behind_and_eval_is_untouched(self, examples: Artifact, augmented: Artifact) -> None:
        assert json.loads(augmented.split_names) == ["train", "eval"]
        assert {path.name for path in Path(augmented.uri).iterdir()} == {"Split-train", "Split-eval"}
        pairs = zip(split_files(examples.uri, "eval"), split_files(augmented.uri, "eval"), strict=True)
        assert all(Path(one).read_bytes() == Path(other).read_bytes() for one, other in pairs)

    def test_every_train_record_and_two_copies_of_it(self, examples: Artifact, augmented: Artifact) -> None:
        originals = {record.id: record for record in records(examples)["train"]}
        found = {record.id: record for record in (parse(item) for item in read_split(augmented.uri, "train"))}
        assert set(found) == {f"{id}{copy}" for id in originals for copy in ("", "+1", "+2")}
        assert set(read_split(examples.uri, "train")) <= set(read_split(augmented.uri, "train"))
        for id, record in found.items():
            original = originals[id.partition("+")[0]]
            assert record.derived_from == ("" if id in originals else original.id)
            assert (record.group, record.source, record.source_sha256, record.label) == (
                *(original.group, original.source),
                *(original.source_sha256, original.label),
            )

    def test_copies_are_changed_and_their_masks_go_along(self, augmented: Artifact) -> None:
        found = {record.id: record for record in (parse(item) for item in read_split(augmented.uri, "train"))}
        copies = [record for record in found.values() if record.derived_from and record.mask.any()]
        assert len(copies) > 10
        assert not any(np.array_equal(copy.image, found[copy.derived_from].image) for copy in copies)
        for copy in copies:
            bright, truth = cv2.medianBlur(copy.image, 3) > 115, copy.mask > 0
            assert 2 * (bright & truth).sum() / (bright.sum() + truth.sum()) > 0.85

    def test_two_runs_are_identical_and_shards_change_nothing(
        self, config: Config, examples: Artifact, run_executor: Callable, artifact: Make, tmp_path: Path
    ) -> None:
        items = list(read_split(examples.uri, "train"))
        made = {}
        for name, shards, order in [("one", 1, 1), ("same", 1, 1), ("three", 3, -1)]:
            folder = tmp_path / name
            write_split(folder / "in", "train", items[::order], shards)
            shutil.copytree(f"{examples.uri}/Split-eval", folder / "in" / "Split-eval")
            source = artifact(standard_artifacts.Examples, folder / "in")
            made[name] = artifact(standard_artifacts.Examples, folder / "out")
            settings = config.augmentation.model_dump()
            run_executor(Augmentor, {"examples": source}, {"augmented_examples": made[name]}, settings=settings)
        [one], [same] = (split_files(made[name].uri, "train") for name in ("one", "same"))
        assert Path(one).read_bytes() == Path(same).read_bytes()
        assert len(split_files(made["three"].uri, "train")) == 3
        assert sorted(read_split(made["three"].uri, "train")) == sorted(read_split(made["one"].uri, "train"))


class TestDataGate:
    @pytest.fixture(scope="class")
    def validate(self, run_executor: Callable, artifact: Make) -> Callable[[Artifact, Path], Artifact]:
        """The anomalies that TFX finds in records against our schema."""

        def run(examples: Artifact, folder: Path) -> Artifact:
            schema = artifact(standard_artifacts.Schema, folder / "schema")
            statistics = artifact(standard_artifacts.ExampleStatistics, folder / "statistics")
            anomalies = artifact(standard_artifacts.ExampleAnomalies, folder / "anomalies")
            shutil.copy(SCHEMA, schema.uri)
            options = StatsOptions(experimental_filter_read_paths=True).to_json()
            sources = {"examples": examples, "schema": schema}
            run_executor(StatisticsGen, sources, {"statistics": statistics}, stats_options_json=options)
            measured = {"statistics": statistics, "schema": schema}
            run_executor(ExampleValidator, measured, {"anomalies": anomalies})
            return anomalies

        return run

    @pytest.fixture(scope="class")
    def no_anomalies(
        self, validate: Callable, examples: Artifact, tmp_path_factory: pytest.TempPathFactory
    ) -> Artifact:
        return validate(examples, tmp_path_factory.mktemp("validated"))

    @pytest.fixture
    def check(
        self,
        run_executor: Callable,
        artifact: Make,
        config: Config,
        no_anomalies: Artifact,
        nobody: Artifact,
        folder: Path,
    ) -> Callable[..., dict]:
        """Runs the gate over the examples in `folder` and returns the split report."""

        def run(anomalies: Artifact = no_anomalies, champion: Artifact | None = None) -> dict:
            inputs = {
                "examples": artifact(standard_artifacts.Examples, folder / "examples"),
                "anomalies": anomalies,
                "champion": champion or nobody,
            }
            report = artifact(SplitReport, folder / "report")
            run_executor(DataGate, inputs, {"split_report": report}, settings=config.validation.model_dump())
            return json.loads((folder / "report" / "split_report.json").read_text())

        return run

    @pytest.fixture
    def folder(self, examples: Artifact, tmp_path: Path) -> Path:
        shutil.copytree(examples.uri, tmp_path / "examples")
        return tmp_path

    def add(self, folder: Path, split: str, record: Record) -> None:
        items = [*read_split(str(folder / "examples"), split), serialize(record)]
        shutil.rmtree(folder / "examples" / f"Split-{split}")
        write_split(folder / "examples", split, items)

    def test_clean_data_pass_with_the_proof(self, check: Callable[..., dict], folder: Path, examples: Artifact) -> None:
        report = check()
        assert report["problems"] == []
        assert report["drift"] is None
        assert [note["kind"] for note in report["notes"]] == ["empty masks"]
        expected = {
            (record.source, record.group, record.source_sha256.hex(), split)
            for split, members in records(examples).items()
            for record in members
        }
        proof = report["records"]
        assert {(row["source"], row["group"], row["sha256"], row["split"]) for row in proof} == expected
        assert {split: row["records"] for split, row in report["splits"].items()} == account(examples)["records"]

    def test_identical_pixels_in_two_splits(self, check: Callable[..., dict], folder: Path, examples: Artifact) -> None:
        leaked = records(examples)["train"][0]
        self.add(folder, "eval", replace(leaked, id="copy", group="stranger", source="images/copy.png"))
        with pytest.raises(DataRefused) as refusal:
            check()
        [reason] = refusal.value.reasons
        assert f"{leaked.source} (train, group {leaked.group})" in reason
        assert "images/copy.png (eval, group stranger)" in reason
        assert reason.startswith("identical pixels (1): ")
        assert refusal.value.exit_code == 4
        assert [problem["kind"] for problem in refusal.value.report["problems"]] == ["identical pixels"]
        assert len(refusal.value.report["records"]) == sum(account(examples)["records"].values()) + 1
        assert not (folder / "report" / "split_report.json").exists()

    def test_a_patient_in_two_splits(self, check: Callable[..., dict], folder: Path, examples: Artifact) -> None:
        patient, other = records(examples)["train"][0], records(examples)["test"][0]
        view = replace(other, id="view", group=patient.group, source="images/view.png", source_sha256=b"\1" * 32)
        self.add(folder, "test", view)
        with pytest.raises(DataRefused) as refusal:
            check()
        [reason] = refusal.value.reasons
        assert reason.startswith("group overlap (1): ")
        assert patient.source in reason
        assert "images/view.png" in reason
        assert [problem["kind"] for problem in refusal.value.report["problems"]] == ["group overlap"]

    def test_a_mask_value_that_is_no_class_is_an_anomaly(
        self, check: Callable[..., dict], validate: Callable, artifact: Make, folder: Path, examples: Artifact
    ) -> None:
        record = records(examples)["train"][0]
        ignored = replace(record, id="ignored", mask=record.mask * np.uint8(255), source_sha256=b"\2" * 32)
        self.add(folder, "train", ignored)
        anomalies = validate(artifact(standard_artifacts.Examples, folder / "examples", SPLITS), folder)
        with pytest.raises(DataRefused, match=r"anomaly \(1\): .*split train: mask/labels: .*255"):
            check(anomalies)

    def test_an_empty_split(self, check: Callable[..., dict], folder: Path) -> None:
        shutil.rmtree(folder / "examples" / "Split-eval")
        write_split(folder / "examples", "eval", [])
        with pytest.raises(DataRefused, match="split eval has no record"):
            check()

    def test_too_many_rejects(self, check: Callable[..., dict], folder: Path) -> None:
        path = folder / "examples" / "account.json"
        faults = [{"source": f"images/bad{i}.png", "kind": "unreadable", "reason": "cut short"} for i in range(5)]
        path.write_text(json.dumps({**json.loads(path.read_text()), "rejects": faults}))
        expected = r"\Arejects \(5\): 5 of 48 sources are unusable.*images/bad0\.png: cut short.*and 2 more"
        with pytest.raises(DataRefused, match=expected):
            check()
