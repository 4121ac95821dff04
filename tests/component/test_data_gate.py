"""DataGate between TFX's own nodes: records that pass, and what stops the run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ingest import box, film, ingest, save
from splits_on_disk import Make, account, records, write_split
from tensorflow_data_validation import StatsOptions
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator.executor import Executor as ExampleValidator
from tfx.components.statistics_gen.executor import Executor as StatisticsGen
from tfx.types import Artifact, standard_artifacts

from components.artifact_types import SplitReport
from components.data_gate.entries import entry_of
from components.data_gate.executor import Executor as DataGate
from components.errors import DataRefused
from components.records.record import Record
from components.records.splits import SPLITS
from components.records.tfexample import parse_header, read_split, serialize
from components.seen.prints import SIGNATURES_FILE, read_prints
from pipeline.config.root import Config
from pipeline.graph.pipeline import SCHEMA


@pytest.mark.parametrize("channels", [1, 3])
def test_the_entry_of_a_record_is_the_same_once_it_is_written(channels: int) -> None:
    rng = np.random.default_rng(0)
    placement = {"kind": "placement", "source_height": 8, "source_width": 12, "height": 8, "width": 12}
    placement |= {"content_height": 8, "content_width": 12, "top": 0, "left": 0}
    record = Record(
        image=rng.integers(0, 4000, (8, 12, 3) if channels == 3 else (8, 12), np.uint16),
        mask=rng.integers(0, 3, (8, 12), np.uint8),
        id="a_0x1",
        group="a",
        source="images/ä.png",
        source_sha256=b"\x01\xff",
        transform=placement,
        signature=b"print",
        label="benign",
        derived_from="a",
    )
    own, written = entry_of(record, "eval"), entry_of(parse_header(serialize(record)), "eval")
    assert (own.channels, own.bit_depth) == (channels, 16)
    # A tf.Example has single precision.
    measures = {name: np.float32(getattr(own, name)).item() for name in ("mean", "std", "foreground")}
    assert written == replace(own, **measures)


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
            settings = {"settings": config.gate, "data": config.records}
            run_executor(DataGate, inputs, {"split_report": report}, **settings)
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
        prints = read_prints(folder / "report" / SIGNATURES_FILE, "")
        assert prints.hashes == sorted({row["sha256"] for row in proof})

    def test_masks_that_are_full_in_their_files(self, check: Callable[..., dict], folder: Path) -> None:
        """Whatever records show of them."""
        path = folder / "examples" / "account.json"
        found = json.loads(path.read_text())
        assert 0 < len(found["truth"]) <= found["sources"]
        assert not any(mask["full"] or mask["foreground"] > 0.5 for mask in found["truth"].values())
        for mask in found["truth"].values():
            mask |= {"full": True, "background": False, "foreground": 1.0}
        path.write_text(json.dumps(found))
        with pytest.raises(DataRefused) as refusal:
            check()
        assert refusal.value.exit_code == 4
        assert [problem["kind"] for problem in refusal.value.report["problems"]] == ["masks without background"]

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

    def test_a_mask_value_that_is_no_class_stops_the_run(
        self, check: Callable[..., dict], validate: Callable, artifact: Make, folder: Path, examples: Artifact
    ) -> None:
        record = records(examples)["train"][0]
        ignored = replace(record, id="ignored", mask=record.mask * np.uint8(255), source_sha256=b"\2" * 32)
        self.add(folder, "train", ignored)
        with pytest.raises(DataRefused, match=r"unknown classes \(1\): values of masks that are none of 2 known.*255"):
            check(validate(artifact(standard_artifacts.Examples, folder / "examples", SPLITS), folder))

    def test_flat_tiles_of_deep_colours_and_many_classes_are_no_anomaly(
        self, validate: Callable, artifact: Make, tmp_path: Path
    ) -> None:
        for number, split in enumerate(("train", "valid", "test")):
            image = np.dstack([film(3 * number + channel) for channel in range(3)]).astype(np.uint16) * 257
            image[:16, :16], image[16:32, :16], image[32:, :16] = 0, 65535, (np.arange(16) % 2)[:, None, None] * 65535
            mask = box(0, 16, 48, 64, 254) + box(0, 0, 16, 16, 7)
            save(tmp_path / f"data/{split}/images/{split}.png", image)
            save(tmp_path / f"data/{split}/masks/{split}.png", mask)
        data = {"mask": {"form": "indices"}, "classes": [f"tissue {n}" for n in range(1, 255)], "channels": 3}
        tiles = {"keep_empty": 1.0, "reduced_copy": True}
        made = ingest(tmp_path / "data", tmp_path / "out", layout="presplit", height=16, width=16, tiles=tiles, **data)
        assert made.account["records"] == {"train": 13, "eval": 12, "test": 12}
        anomalies = validate(artifact(standard_artifacts.Examples, tmp_path / "out", SPLITS), tmp_path)
        for split in SPLITS:
            content = (Path(anomalies.uri) / f"Split-{split}" / "SchemaDiff.pb").read_bytes()
            assert not anomalies_pb2.Anomalies.FromString(content).anomaly_info

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
