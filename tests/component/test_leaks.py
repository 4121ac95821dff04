"""Planted leaks and drift, from image files through ImageMaskExampleGen to the verdict of DataGate."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations, count
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf
from ingest import Made, box, film, ingest, save
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.types import Artifact, standard_artifacts

from components.artifact_types import SplitReport
from components.champion_resolver.executor import Executor as ChampionResolver
from components.data_gate.executor import Executor as DataGate
from components.data_gate.settings import GateSettings
from components.errors import DataRefused
from components.records.splits import SPLITS
from components.records.tfexample import read_split
from components.serving_push import push
from pipeline.config.root import Config
from pipeline.runs.phantoms.sets import write_phantoms
from pipeline.schedule.policy import decide, gather

FOLDERS = {"train": 12, "valid": 4, "test": 4}
HEIGHT, WIDTH = 96, 128
MASK = 255 * box(30, 30, 60, 70, size=(HEIGHT, WIDTH))
DATA = {"layout": "presplit", "height": 48, "width": 64}


def put(root: Path, folder: str, name: str, image: np.ndarray, mask: np.ndarray = MASK, kind: str = "png") -> None:
    save(root / folder / "images" / f"{name}.{kind}", image)
    save(root / folder / "masks" / f"{name}.png", mask)


def image_of(root: Path, folder: str, name: str) -> np.ndarray:
    return cv2.imread(str(root / folder / "images" / f"{name}.png"), cv2.IMREAD_UNCHANGED)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twenty patients with one image each, three to one in the split folders."""
    seeds = count(100)
    for folder, size in FOLDERS.items():
        for number in range(size):
            put(tmp_path / "data", folder, f"{folder}{number:02d}", film(next(seeds), HEIGHT, WIDTH))
    return tmp_path / "data"


@pytest.fixture
def gate(run_executor: Callable, artifact: Callable, nobody: Artifact, tmp_path: Path) -> Callable[..., dict]:
    """`(made, champion=None, **validation)`: the split report of an ingestion without anomalies."""

    def run(made: Made, champion: Artifact = nobody, **validation: object) -> dict:
        anomalies = artifact(standard_artifacts.ExampleAnomalies, tmp_path / "anomalies")
        for split in SPLITS:
            (tmp_path / f"anomalies/Split-{split}").mkdir(exist_ok=True)
            none = anomalies_pb2.Anomalies().SerializeToString()
            (tmp_path / f"anomalies/Split-{split}/SchemaDiff.pb").write_bytes(none)
        report = artifact(SplitReport, tmp_path / "report")
        inputs = {"examples": made.examples, "anomalies": anomalies, "champion": champion}
        settings = GateSettings(**validation, warm_start=False)
        run_executor(DataGate, inputs, {"split_report": report}, settings=settings, data=made.data)
        return json.loads((tmp_path / "report/split_report.json").read_text())

    return run


def refusal(gate: Callable[..., dict], made: Made, *champion: Artifact, **validation: object) -> dict:
    """The report with which the gate refuses."""
    with pytest.raises(DataRefused) as refused:
        gate(made, *champion, **validation)
    assert refused.value.reasons == [problem["message"] for problem in refused.value.report["problems"]]
    return refused.value.report


def kinds(findings: list[dict]) -> dict[str, int]:
    return {item["kind"]: item["count"] for item in findings}


def test_clean_splits_pass(root: Path, gate: Callable[..., dict], tmp_path: Path) -> None:
    made = ingest(root, tmp_path / "out", **DATA)
    report = gate(made)
    assert report["problems"] == []
    assert kinds(report["notes"]) == {"one image per group": 20}
    assert {row["id"]: row["split"] for row in report["records"]} == made.splits


def test_unrelated_films_of_the_demo_are_no_copies_of_one_another(gate: Callable[..., dict], tmp_path: Path) -> None:
    write_phantoms(tmp_path / "films", women=40, size=256, seed=7)
    report = gate(ingest(tmp_path / "films", tmp_path / "out", layout="mias", height=64, width=64))
    assert report["problems"] == []
    assert kinds(report["notes"]).keys() <= {"empty masks"}


def test_a_group_in_two_splits(root: Path, gate: Callable[..., dict], tmp_path: Path) -> None:
    put(root, "test", "train03", film(7, HEIGHT, WIDTH))
    report = refusal(gate, ingest(root, tmp_path / "out", **DATA))
    assert kinds(report["problems"]) == {"group overlap": 1}
    [example] = report["problems"][0]["examples"]
    assert example == "train/images/train03.png (train) and test/images/train03.png (test)"


@pytest.mark.parametrize("kind", ["tif", "bmp", "pgm"])
def test_identical_pixels_in_another_format(root: Path, gate: Callable[..., dict], tmp_path: Path, kind: str) -> None:
    put(root, "valid", "stranger", image_of(root, "train", "train05"), kind=kind)
    report = refusal(gate, ingest(root, tmp_path / "out", **DATA))
    assert kinds(report["problems"]) == {"identical pixels": 1}
    [example] = report["problems"][0]["examples"]
    assert "train/images/train05.png (train)" in example
    assert f"valid/images/stranger.{kind} (eval)" in example


def warped(image: np.ndarray) -> np.ndarray:
    """Shifted by up to a hundredth of the width, elsewhere by less."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    shift = 0.01 * image.shape[1] * np.sin(rows / 15) * np.cos(columns / 20)
    return cv2.remap(image, columns + shift, rows + shift, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


CHANGES = {
    "flipped": lambda image: image[:, ::-1],
    "turned": np.rot90,
    "upside down": lambda image: image[::-1],
    "half as large": lambda image: cv2.resize(image, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA),
    "warped": warped,
    "darker": lambda image: image // 2,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_copy_that_was_changed_and_encoded_anew(
    root: Path, gate: Callable[..., dict], tmp_path: Path, change: str
) -> None:
    copy = np.ascontiguousarray(CHANGES[change](image_of(root, "train", "train05")))
    put(root, "test", "stranger", copy, np.ascontiguousarray(cv2.resize(MASK, copy.shape[::-1])) // 255, "jpg")
    report = refusal(gate, ingest(root, tmp_path / "out", **DATA, mask={"threshold": 1}))
    assert kinds(report["problems"]) == {"near duplicates": 1}
    [example] = report["problems"][0]["examples"]
    assert "train/images/train05.png (train)" in example
    assert "test/images/stranger.jpg (test)" in example
    assert float(re.findall(r"similarity ([\d.]+)", example)[0]) > 0.6


class TestReferenceProtocol:
    """Augmented copies first, then a random split of the files: what the reference systems did."""

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        rng = np.random.default_rng(0)
        for seed in range(16):
            image = film(seed, HEIGHT, WIDTH)
            copies = {"": image, "_1": image[:, ::-1], "_2": image[::-1], "_3": warped(image), "_4": image[::-1, ::-1]}
            for suffix, copy in copies.items():
                folder = rng.choice(["train", "valid", "test"], p=[0.7, 0.15, 0.15])
                put(tmp_path / "data", folder, f"case{seed:02d}{suffix}", np.ascontiguousarray(copy))
        return tmp_path / "data"

    def torn(self, made: Made) -> set[frozenset[str]]:
        """The pairs of files of one original that stand in two splits."""
        family = defaultdict(list)
        for record in made.records.values():
            family[Path(record.source).stem[:6]].append(record)
        return {
            frozenset((one.source, other.source))
            for members in family.values()
            for one, other in combinations(members, 2)
            if made.splits[one.id] != made.splits[other.id]
        }

    def test_the_pairs_are_named_and_no_others(self, root: Path, gate: Callable[..., dict], tmp_path: Path) -> None:
        made = ingest(root, tmp_path / "out", **DATA)
        torn = self.torn(made)
        assert len(torn) > 30
        report = refusal(gate, made)
        assert kinds(report["problems"]) == {"near duplicates": len(torn)}
        named = {frozenset(re.findall(r"\S+\.png", text)) for text in report["problems"][0]["examples"]}
        assert named == torn

    def test_with_the_group_rule_each_torn_original_is_named(
        self, root: Path, gate: Callable[..., dict], tmp_path: Path
    ) -> None:
        made = ingest(root, tmp_path / "out", **DATA, groups={"by": "pattern", "pattern": r"(case\d+)"})
        originals = {re.findall(r"case\d+", source)[0] for pair in self.torn(made) for source in pair}
        report = refusal(gate, made)
        assert kinds(report["problems"]) == {"group overlap": len(originals)}
        for original in originals:
            assert sum(f"group {original})" in text for text in report["problems"][0]["examples"]) == 1


class TestTilesCutBeforehand:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """Tiles that share half of their pixels, dealt out over the splits."""
        rng = np.random.default_rng(1)
        for seed in range(8):
            slide = film(seed, 192, 192)
            for row in range(3):
                for column in range(3):
                    tile = slide[48 * row : 48 * row + 96, 48 * column : 48 * column + 96]
                    folder = rng.choice(["train", "valid", "test"], p=[0.6, 0.2, 0.2])
                    mask = 255 * box(30, 30, 60, 70, size=(96, 96))
                    put(tmp_path / "data", folder, f"slide{seed}_{row}x{column}", tile, mask)
        return tmp_path / "data"

    def test_with_the_rule_for_tiles_every_torn_slide_is_named(
        self, root: Path, gate: Callable[..., dict], tmp_path: Path
    ) -> None:
        report = refusal(gate, ingest(root, tmp_path / "out", **DATA, groups={"by": "tile"}))
        assert kinds(report["problems"])["group overlap"] == 8

    def test_without_it_the_names_give_them_away(self, root: Path, gate: Callable[..., dict], tmp_path: Path) -> None:
        report = refusal(gate, ingest(root, tmp_path / "out", **DATA))
        assert kinds(report["problems"]) == {"tiles of one image": 8}
        assert '[data.groups] by = "tile"' in report["problems"][0]["advice"]
        # Who says that the names mean something else is believed.
        own = ingest(root, tmp_path / "own", **DATA, groups={"by": "name"})
        assert kinds(gate(own)["problems"]) == {}

    def test_drawn_splits_keep_the_tiles_of_a_slide_together(
        self, root: Path, gate: Callable[..., dict], tmp_path: Path
    ) -> None:
        together = tmp_path / "together"
        for path in root.rglob("*.png"):
            save(together / path.parent.name / path.name, cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        splits = {"train": 2, "eval": 1, "test": 1}
        data = {**DATA, "layout": "folders", "groups": {"by": "tile"}, "splits": splits}
        report = gate(ingest(together, tmp_path / "out", **data), min_groups=1)
        assert report["problems"] == []
        assert {row["group"] for row in report["records"]} == {f"slide{seed}" for seed in range(8)}


def test_our_own_overlapping_tiles_stay_in_one_split(root: Path, gate: Callable[..., dict], tmp_path: Path) -> None:
    made = ingest(root, tmp_path / "out", **DATA, tiles={"overlap": 16, "keep_empty": 1.0, "reduced_copy": True})
    assert len(made.records) == 20 * 9 + FOLDERS["train"]
    report = gate(made)
    assert report["problems"] == []


def test_a_tile_that_got_into_another_split_is_named(root: Path, gate: Callable[..., dict], tmp_path: Path) -> None:
    made = ingest(root, tmp_path / "out", **DATA, tiles={"overlap": 16, "keep_empty": 1.0})
    with tf.io.TFRecordWriter(f"{made.examples.uri}/Split-eval/more") as writer:
        writer.write(next(read_split(made.examples.uri, "test")))
    report = refusal(gate, made)
    assert {"group overlap", "overlapping tiles", "derived records"} <= kinds(report["problems"]).keys()
    [overlap] = [problem for problem in report["problems"] if problem["kind"] == "overlapping tiles"]
    assert "test/images/test00.png (test)" in overlap["examples"][0]
    assert "test/images/test00.png (eval)" in overlap["examples"][0]


class TestDrift:
    @pytest.fixture
    def champion(
        self, root: Path, gate: Callable[..., dict], served: Callable[..., Artifact], tmp_path: Path
    ) -> Artifact:
        """A champion that has learnt from the clean set."""
        made = ingest(root, tmp_path / "first", **DATA)
        gate(made)
        return served(made, tmp_path / "report/split_report.json")

    @pytest.fixture
    def served(self, run_executor: Callable, artifact: Callable, tmp_path: Path) -> Callable[..., Artifact]:
        """Pushes a version with these papers and resolves it, as the graph does."""

        def run(made: Made, *papers: Path) -> Artifact:
            (tmp_path / "model").mkdir()
            (tmp_path / "serving").mkdir()
            manifest = {"config": {"data": made.data.model_dump(mode="json")}}
            version = push(tmp_path / "model", tmp_path / "serving", manifest, *papers)
            champion = artifact(standard_artifacts.Model, tmp_path / "champion")
            parameters = {"serving_dir": str(tmp_path / "serving"), "champion_version": version}
            run_executor(ChampionResolver, {}, {"champion": champion}, **parameters)
            return champion

        return run

    def test_the_same_data_have_not_drifted(
        self, root: Path, gate: Callable[..., dict], champion: Artifact, tmp_path: Path
    ) -> None:
        report = gate(ingest(root, tmp_path / "out", **DATA), champion)
        assert report["problems"] == []
        assert report["drift"]["champion"] == champion.get_string_custom_property("version")
        assert {feature["verdict"] for feature in report["drift"]["features"]} == {"no drift"}
        assert {feature["statistic"] for feature in report["drift"]["features"]} == {0}

    def test_another_exposure_is_refused_with_its_numbers_and_can_be_allowed(
        self, root: Path, gate: Callable[..., dict], champion: Artifact, tmp_path: Path
    ) -> None:
        for path in root.glob("*/images/*.png"):
            save(path, cv2.imread(str(path), cv2.IMREAD_UNCHANGED) // 2)
        made = ingest(root, tmp_path / "out", **DATA)
        report = refusal(gate, made, champion)
        assert kinds(report["problems"]) == {"drift": 2}
        features = {feature["name"]: feature for feature in report["drift"]["features"]}
        verdicts = {name: feature["verdict"] for name, feature in features.items()}
        drifted = {name for name, verdict in verdicts.items() if verdict == "drift"}
        assert drifted == {"intensity mean", "intensity spread"}
        mean = features["intensity mean"]
        assert mean["median"] == pytest.approx(mean["champion_median"] / 2, rel=0.05)
        assert mean["statistic"] == 1
        assert "raise [validation] max_drift" in report["problems"][0]["message"]
        assert gate(made, champion, max_drift=1.0)["problems"] == []

    @pytest.mark.parametrize(("darker", "starts", "passes"), [(6, False, True), (14, True, True), (20, True, False)])
    def test_drift_starts_a_run_that_the_gate_passes(
        self,
        root: Path,
        gate: Callable[..., dict],
        champion: Artifact,
        tmp_path: Path,
        darker: int,
        starts: bool,
        passes: bool,
    ) -> None:
        """As many of twenty patients as are darker, so far are the two distributions apart."""
        for path in sorted(root.glob("*/images/*.png"))[:darker]:
            save(path, cv2.imread(str(path), cv2.IMREAD_UNCHANGED) // 3)
        config = Config.model_validate(
            {
                "data": DATA,
                "training": {"epochs": 1},
                "schedule": {"min_new_cases": 1, "drift": 0.5},
                "validation": {"max_drift": 0.9},
            }
        )
        decision = decide(gather(config, root, tmp_path / "serving", []), config.schedule)
        assert decision.run is starts
        assert decision.reason.startswith("drift: intensity mean" if starts else "0 new cases")
        made = ingest(root, tmp_path / "out", **DATA)
        if not passes:
            assert kinds(refusal(gate, made, champion, max_drift=0.9)["problems"]).keys() == {"drift"}
            return
        report = gate(made, champion, max_drift=0.9)
        assert report["problems"] == []
        mean = next(feature for feature in report["drift"]["features"] if feature["name"] == "intensity mean")
        assert mean["statistic"] == pytest.approx(darker / 20)

    def test_other_sizes_and_empty_masks_are_drift_too(
        self, root: Path, gate: Callable[..., dict], champion: Artifact, tmp_path: Path
    ) -> None:
        for path in root.glob("*/images/*.png"):
            image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            save(path, cv2.resize(image, (2 * WIDTH, 2 * HEIGHT)))
            mask = Path(str(path).replace("images", "masks"))
            empty = np.zeros((2 * HEIGHT, 2 * WIDTH), np.uint8)
            save(mask, empty if path.stem[-1] in "123456789" else cv2.resize(MASK, (2 * WIDTH, 2 * HEIGHT)))
        report = refusal(gate, ingest(root, tmp_path / "out", **DATA), champion)
        verdicts = {feature["name"]: feature["verdict"] for feature in report["drift"]["features"]}
        assert verdicts == {
            **{"intensity mean": "no drift", "intensity spread": "no drift"},
            **{"source height": "drift", "source width": "drift"},
            **{"foreground share": "too few to tell", "empty masks": "drift"},
        }

    def test_what_the_recipe_changes_is_not_called_drift(
        self, root: Path, gate: Callable[..., dict], champion: Artifact, tmp_path: Path
    ) -> None:
        made = ingest(root, tmp_path / "out", **DATA, adjust={"invert": True}, tiles={"keep_empty": 1.0})
        report = gate(made, champion)
        assert report["problems"] == []
        verdicts = {feature["name"]: feature["verdict"] for feature in report["drift"]["features"]}
        sizes = {"source height": "no drift", "source width": "no drift"}
        assert verdicts == dict.fromkeys(verdicts, "other recipe") | sizes

    def test_a_champion_without_a_report_tells_nothing_of_drift(
        self, root: Path, gate: Callable[..., dict], served: Callable[..., Artifact], tmp_path: Path
    ) -> None:
        made = ingest(root, tmp_path / "out", **DATA)
        report = gate(made, served(made))
        assert report["problems"] == []
        assert {feature["verdict"] for feature in report["drift"]["features"]} == {"too few to tell"}
