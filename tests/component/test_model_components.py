"""Inferrers and Evaluator on real artifacts."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.util import model_utils
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils

from components.bulk_inferrer.executor import Executor as BulkInferrer
from components.bulk_inferrer.settings import InferrerSettings
from components.champion_inferrer.executor import Executor as ChampionInferrer
from components.errors import UsageError
from components.evaluator.executor import Executor as Evaluator
from components.evaluator.settings import Evaluation as Limits
from components.evaluator.settings import EvaluatorSettings
from components.imaging.files.codecs import as_float, read_image
from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation
from components.records.tfexample import parse, read_split
from components.task import Task
from components.trainer.segmenter import build_segmenter
from pipeline.config.root import Config

Make = Callable[..., Artifact]

pytestmark = pytest.mark.usefixtures("warm_children")


@pytest.fixture
def as_champion(artifact: Make, config: Config, tmp_path: Path) -> Callable[..., Artifact]:
    """`(model, version, **data)`: a copy of the model as it is served, made for records of changed `[data]`."""

    def make(model: Artifact, version: str, **data: object) -> Artifact:
        champion = artifact(standard_artifacts.Model, tmp_path / f"champion-{version}")
        served = Path(path_utils.serving_model_dir(champion.uri))
        shutil.copytree(path_utils.serving_model_path(model.uri), served)
        manifest = {"config": {"data": {**config.data.model_dump(), **data}}}
        (served / "MANIFEST.json").write_text(json.dumps(manifest))
        champion.set_string_custom_property("version", version)
        return champion

    return make


class Evaluation:
    """What an evaluation left behind."""

    def __init__(self, evaluation: Artifact, blessing: Artifact) -> None:
        self.folder = Path(evaluation.uri)
        self.metrics = json.loads((self.folder / "metrics.json").read_text())
        self.cases = list(csv.DictReader((self.folder / "per_case.csv").read_text().splitlines()))
        self.blessed = model_utils.is_model_blessed(blessing)
        self.marks = [path.name for path in Path(blessing.uri).iterdir()]

    def column(self, name: str) -> list[float]:
        return [float(case[name]) for case in self.cases if case[name]]


@pytest.fixture(scope="session")
def evaluate(
    run_executor: Callable,
    artifact: Make,
    config: Config,
    examples: Artifact,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Evaluation]:
    def run(model: Artifact, champion: Artifact, serving_dir: str = "", **settings: object) -> Evaluation:
        folder = tmp_path_factory.mktemp("evaluation")
        evaluation = artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
        blessing = artifact(standard_artifacts.ModelBlessing, folder / "blessing")
        inference = artifact(standard_artifacts.InferenceResult, folder / "inference")
        of_champion = artifact(standard_artifacts.InferenceResult, folder / "champion")
        run_executor(
            BulkInferrer,
            {"examples": examples, "model": model},
            {"inference": inference},
            settings=config.inferrer_on("test").model_copy(update={"mirror": False}),
        )
        asked = {"examples": examples, "champion": champion}
        run_executor(ChampionInferrer, asked, {"inference": of_champion}, settings=config.champion)
        run_executor(
            Evaluator,
            {"examples": examples, "model": model, "inference": inference, "champion_inference": of_champion},
            {"evaluation": evaluation, "blessing": blessing},
            serving_dir=serving_dir,
            settings=config.evaluator.model_copy(update={"evaluation": config.evaluation.model_copy(update=settings)}),
        )
        return Evaluation(evaluation, blessing)

    return run


class TestEvaluator:
    @pytest.fixture(scope="class")
    def first(self, evaluate: Callable[..., Evaluation], model: Artifact, nobody: Artifact) -> Evaluation:
        return evaluate(model, nobody)

    def test_a_good_first_candidate_is_blessed(self, first: Evaluation) -> None:
        assert first.blessed
        assert first.marks == ["BLESSED"]
        assert first.metrics["reasons"] == []
        assert first.metrics["champion"] is None
        assert first.column("champion_dice") == []

    def test_each_row_is_what_its_prediction_says(self, first: Evaluation, examples: Artifact) -> None:
        records = [parse(serialized) for serialized in read_split(examples.uri, "test")]
        assert [case["id"] for case in first.cases] == [record.id for record in records]
        for case, record in zip(first.cases, records, strict=True):
            truth = {tuple(pixel) for pixel in np.argwhere(record.mask)}
            found = {tuple(pixel) for pixel in np.argwhere(read_image(first.folder / case["prediction"]))}
            assert (int(case["truth_pixels"]), int(case["predicted_pixels"])) == (len(truth), len(found))
            counts = (len(truth & found), len(found - truth), len(truth - found), 1024 - len(truth | found))
            assert tuple(int(case[name]) for name in ("tp", "fp", "fn", "tn")) == counts
            if truth:
                both = len(truth) + len(found)
                assert float(case["dice"]) == pytest.approx(2 * len(truth & found) / both)
                assert float(case["iou"]) == pytest.approx(len(truth & found) / len(truth | found))
            else:
                assert case["dice"] == case["iou"] == ""
            assert (case["group"], case["source"]) == (record.group, record.source)

    def test_the_summary_is_that_of_the_rows(self, first: Evaluation) -> None:
        empty = [case for case in first.cases if case["truth_pixels"] == "0"]
        assert empty
        assert first.metrics["cases"] == len(first.cases)
        assert first.metrics["empty_cases"] == len(empty)
        assert first.metrics["empty_cases_with_prediction"] == sum(case["fp"] != "0" for case in empty)
        for name in ("dice", "iou", "ce_dice"):
            values, summary = first.column(name), first.metrics[name]
            assert summary["n"] == len(values) == len(first.cases) - (0 if name == "ce_dice" else len(empty))
            assert summary["mean"] == pytest.approx(np.mean(values))
            assert summary["median"] == pytest.approx(np.median(values))
            assert summary["ci95"] is None
            assert summary["no_ci95"] in ("too few groups to say", "none: values have no bounds")

    def test_loss_is_that_of_the_probabilities(self, first: Evaluation, model: Artifact, examples: Artifact) -> None:
        serialized = list(read_split(examples.uri, "test"))
        served = tf.saved_model.load(path_utils.serving_model_path(model.uri)).signatures["serving_default"]
        p = served(examples=tf.constant(serialized))["probability"].numpy()[..., 0].astype(float)
        y = np.stack([parse(item).mask for item in serialized]).astype(float)
        kept = p.clip(1e-7, 1 - 1e-7)
        entropy = -(y * np.log(kept) + (1 - y) * np.log(1 - kept)).mean(axis=(1, 2))
        dice = (2 * (y * p).sum(axis=(1, 2)) + 1) / ((y + p).sum(axis=(1, 2)) + 1)
        np.testing.assert_allclose(first.column("ce_dice"), (entropy + 1 - dice) / 2, atol=1e-5)

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            ({"min_dice": 0.999}, "is below min_dice 0.999"),
            ({"max_loss": 0.001}, "is above max_loss 0.001"),
            ({"min_cases": 500}, "min_cases asks for 500"),
        ],
    )
    def test_a_limit_that_is_not_met_is_a_reason(
        self, evaluate: Callable[..., Evaluation], model: Artifact, nobody: Artifact, limits: dict, reason: str
    ) -> None:
        refused = evaluate(model, nobody, **limits)
        assert not refused.blessed
        assert refused.marks == ["NOT_BLESSED"]
        assert len(refused.metrics["reasons"]) == 1
        assert reason in refused.metrics["reasons"][0]

    def test_the_champion_is_measured_on_the_same_cases(
        self,
        evaluate: Callable[..., Evaluation],
        as_champion: Callable[..., Artifact],
        first: Evaluation,
        model: Artifact,
        untrained: Artifact,
    ) -> None:
        better = evaluate(model, as_champion(untrained, "7"))
        assert better.blessed
        assert better.metrics["champion"]["version"] == "7"
        changes = np.subtract(better.column("dice"), better.column("champion_dice"))
        assert better.metrics["change"]["dice"]["mean"] == pytest.approx(changes.mean())
        assert better.column("dice") == first.column("dice")
        # The champion finds foreground everywhere: its Dice follows from the true pixels alone.
        pixels = [truth for truth in better.column("truth_pixels") if truth]
        assert better.column("champion_dice") == pytest.approx([2 * truth / (truth + 1024) for truth in pixels])

    def test_a_champion_that_cannot_be_loaded_is_named(
        self, evaluate: Callable[..., Evaluation], as_champion: Callable[..., Artifact], model: Artifact
    ) -> None:
        champion = as_champion(model, "7")
        graph = Path(path_utils.serving_model_path(champion.uri)) / "saved_model.pb"
        graph.write_bytes(graph.read_bytes()[:1000])
        with pytest.raises(UsageError, match=rf"^{graph.parent}: cannot be read: .*--no-cache.*delete CHAMPION.json"):
            evaluate(model, champion)

    def test_a_champion_of_another_input_size_is_compared_all_the_same(
        self,
        evaluate: Callable[..., Evaluation],
        as_champion: Callable[..., Artifact],
        model: Artifact,
        config: Config,
        derivation: Derivation,
        artifact: Make,
        export: Callable[..., None],
        tmp_path: Path,
    ) -> None:
        large = artifact(standard_artifacts.Model, tmp_path / "large")
        network = build_segmenter(1, config.model, Task())
        network.set_weights([np.zeros_like(weights) for weights in network.get_weights()])
        size = derivation.model_copy(update={"height": 48, "width": 64})
        export(network, large, Task(), size)
        evaluation = evaluate(model, as_champion(large, "7", height=48, width=64))
        # Probability 0.5 everywhere reaches the threshold everywhere: Dice follows from the true pixels.
        pixels = [truth for truth in evaluation.column("truth_pixels") if truth]
        assert evaluation.column("champion_dice") == pytest.approx([2 * truth / (truth + 1024) for truth in pixels])

    @pytest.mark.parametrize(
        ("made_for", "changed"),
        [
            ({"fit": "stretch"}, "fit"),
            ({"tiles": {"overlap": 0, "edge": "pad", "keep_empty": 1.0, "reduced_copy": False}}, "tiles"),
            ({"channels": 3}, "channels"),
            ({"adjust": {"gamma": 0.5}}, "adjust"),
            ({"classes": ["lesion", "muscle"]}, "classes"),
        ],
    )
    def test_a_champion_made_for_other_records_is_not_measured_and_the_candidate_waits(
        self,
        evaluate: Callable[..., Evaluation],
        as_champion: Callable[..., Artifact],
        first: Evaluation,
        model: Artifact,
        untrained: Artifact,
        made_for: dict,
        changed: str,
    ) -> None:
        held = evaluate(model, as_champion(untrained, "7", **made_for))
        assert not held.blessed
        [reason] = held.metrics["reasons"]
        assert reason.startswith(f"the champion 7 cannot be compared: [data] {changed} changed.")
        assert held.metrics["champion"] is None
        assert held.column("champion_dice") == []
        assert held.column("dice") == first.column("dice")

    @pytest.mark.parametrize(("space", "compared"), [("rgb", True), ("lab", False)])
    def test_a_champion_of_when_there_were_colour_spaces_is_measured_where_it_had_none(
        self,
        evaluate: Callable[..., Evaluation],
        as_champion: Callable[..., Artifact],
        model: Artifact,
        derivation: Derivation,
        space: str,
        compared: bool,
    ) -> None:
        before = as_champion(model, "7", adjust={**derivation.adjust.model_dump(), "colour_space": space})
        assert (evaluate(model, before).metrics["champion"] is not None) == compared

    def test_a_candidate_worse_than_the_champion_is_refused(
        self,
        evaluate: Callable[..., Evaluation],
        as_champion: Callable[..., Artifact],
        model: Artifact,
        untrained: Artifact,
    ) -> None:
        worse = evaluate(untrained, as_champion(model, "7"), min_dice=0.0)
        assert not worse.blessed
        [reason] = worse.metrics["reasons"]
        assert "against the champion 7, min_dice_change asks for +0" in reason

    def test_its_decisions_are_counted_each_once(
        self, evaluate: Callable[..., Evaluation], as_champion: Callable[..., Artifact], model: Artifact, tmp_path: Path
    ) -> None:
        champion, limits = as_champion(model, "7"), (0.0, 0.1, 0.0)
        found = [evaluate(model, champion, str(tmp_path / "served"), min_dice=lowest).metrics for lowest in limits]
        assert [each["decisions"] for each in found] == [1, 2, 1]

    def test_the_champion_against_itself_changes_nothing(
        self, evaluate: Callable[..., Evaluation], as_champion: Callable[..., Artifact], model: Artifact
    ) -> None:
        same = evaluate(model, as_champion(model, "7"))
        assert same.blessed
        assert same.metrics["change"]["dice"]["mean"] == 0

    def test_probabilities_that_are_no_numbers_are_refused(
        self,
        evaluate: Callable[..., Evaluation],
        config: Config,
        derivation: Derivation,
        nobody: Artifact,
        artifact: Make,
        export: Callable[..., None],
        tmp_path: Path,
    ) -> None:
        broken = artifact(standard_artifacts.Model, tmp_path / "broken")
        network = build_segmenter(1, config.model, Task())
        network.set_weights([np.full_like(weights, np.nan) for weights in network.get_weights()])
        export(network, broken, Task(), derivation)
        refused = evaluate(broken, nobody, min_dice=0.0)
        assert not refused.blessed
        assert refused.metrics["reasons"] == [
            f"the probabilities of {len(refused.cases)} test cases are not finite numbers"
        ]


class TestClasses:
    """Of two classes the records have the first; the model calls bright pixels that, and a strip the other."""

    @pytest.fixture(scope="class")
    def served(self, artifact: Make, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
        module = tf.Module()

        @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 1], tf.float32, name="images")])
        def tensors(images: tf.Tensor) -> Mapping[str, tf.Tensor]:
            strip = tf.one_hot(0, 32)[None, :, None, None] * tf.ones_like(images)
            return {"probability": tf.nn.softmax(tf.concat([1 - images, images, 3 * strip], -1))}

        model = artifact(standard_artifacts.Model, tmp_path_factory.mktemp("classes"))
        folder = path_utils.serving_model_dir(model.uri)
        tf.saved_model.save(module, folder, signatures={"serve_tensor": tensors})
        return model

    @pytest.fixture(scope="class")
    def evaluation(
        self,
        run_executor: Callable,
        artifact: Make,
        config: Config,
        examples: Artifact,
        served: Artifact,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Evaluation:
        folder = tmp_path_factory.mktemp("evaluation")
        evaluation = artifact(standard_artifacts.ModelEvaluation, folder / "evaluation")
        blessing = artifact(standard_artifacts.ModelBlessing, folder / "blessing")
        limits = [{"measure": "dice", "class": "muscle", "at_least": 0.0}]
        settings = EvaluatorSettings(
            evaluation=Limits.model_validate({"limits": limits}),
            task=Task(classes=["lesion", "muscle"]),
            derivation=config.data.derivation,
            loss="ce_dice",
            point=OperatingPoint(),
        )
        inference = artifact(standard_artifacts.InferenceResult, folder / "inference")
        asked = InferrerSettings(task=settings.task, derivation=settings.derivation, splits=["test"], mirror=False)
        run_executor(BulkInferrer, {"examples": examples, "model": served}, {"inference": inference}, settings=asked)
        inputs = {"examples": examples, "inference": inference, "model": served}
        run_executor(Evaluator, inputs, {"evaluation": evaluation, "blessing": blessing}, settings=settings)
        return Evaluation(evaluation, blessing)

    def test_a_row_for_each_class_is_what_the_predicted_indices_say(
        self, evaluation: Evaluation, examples: Artifact
    ) -> None:
        records = [parse(serialized) for serialized in read_split(examples.uri, "test")]
        assert [case["class"] for case in evaluation.cases] == ["lesion", "muscle"] * len(records)
        for number, case in enumerate(evaluation.cases):
            record, index = records[number // 2], 1 + number % 2
            predicted = read_image(evaluation.folder / case["prediction"])
            assert (predicted[0] == 2).all()
            assert int(case["tp"]) == np.sum((record.mask == index) & (predicted == index))
            assert int(case["predicted_pixels"]) == np.sum(predicted == index)
            assert (case["id"], case["dice"] == "") == (record.id, not (record.mask == index).any())

    def test_the_class_that_no_record_has_is_named_and_meets_no_limit(self, evaluation: Evaluation) -> None:
        found = evaluation.metrics
        assert found["dice"] == found["classes"]["lesion"]["dice"]
        assert [note.split(" was")[0] for note in found["notes"]] == ["class 'muscle'"]
        assert found["reasons"] == ["Dice (muscle) is defined for 0 test cases, least_n asks for 1"]

    def test_the_loss_is_that_of_the_probabilities(
        self, evaluation: Evaluation, served: Artifact, examples: Artifact
    ) -> None:
        records = [parse(serialized) for serialized in read_split(examples.uri, "test")]
        images = np.stack([as_float(record.image) for record in records])
        serve = tf.saved_model.load(path_utils.serving_model_path(served.uri)).signatures["serve_tensor"]
        p = serve(images=tf.constant(images))["probability"].numpy().astype(float)
        y = np.eye(3)[np.stack([record.mask for record in records])]
        entropy = -(y * np.log(p)).sum(-1).mean((1, 2))
        dice = (2 * (y * p).sum((1, 2)) + 1) / ((y + p).sum((1, 2)) + 1)
        expected = (entropy + 1 - dice[:, 1:].mean(-1)) / 2
        np.testing.assert_allclose(evaluation.column("ce_dice")[::2], expected, atol=1e-5)
        assert evaluation.column("ce_dice")[::2] == evaluation.column("ce_dice")[1::2]
