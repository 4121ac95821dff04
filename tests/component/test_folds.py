"""Two folds from files to their ensemble: each executor on what the ones before it have left."""

from __future__ import annotations

import csv
import json
import logging
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from judged import judged_by
from splits_on_disk import write_split
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils

from components.artifact_types import SplitReport
from components.augmentor.executor import Executor as Augmentor
from components.augmentor.settings import FoldTraining
from components.bulk_inferrer.executor import Executor as BulkInferrer
from components.calibrator.executor import Executor as Calibrator
from components.data_gate.executor import Executor as DataGate
from components.ensemble.executor import Executor as Ensemble
from components.errors import DataRefused
from components.evaluator.executor import Executor as Evaluator
from components.example_gen.executor import Executor as ImageMaskExampleGen
from components.imaging.augmentation.settings import Augmentation
from components.imaging.files.codecs import as_float, read_image
from components.inference.stored import stored_point
from components.out_of_fold.executor import Executor as OutOfFold
from components.records.record import Record
from components.records.split_settings import Folds
from components.records.tfexample import parse, read_split
from components.serving_check.core import check_model
from components.trainer.fold import FoldFailed, run_fn
from pipeline.config.root import Config

K = 2
FOLDS = ("fold-1", "fold-2")
Make = Callable[..., Artifact]

pytestmark = pytest.mark.usefixtures("warm_children")


def stored(examples: Artifact, split: str) -> list[Record]:
    return [parse(item) for item in read_split(examples.uri, split)]


@pytest.fixture(scope="module")
def folded(config: Config) -> Config:
    return config.model_copy(
        update={"folds": Folds(k=K), "training": config.training.model_copy(update={"epochs": 12})}
    )


@pytest.fixture(scope="module")
def examples(
    folded: Config, source: Path, artifact: Make, run_executor: Callable, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    made = artifact(standard_artifacts.Examples, tmp_path_factory.mktemp("examples"))
    parameters = {"input_base": str(source), "held_out": "null", "settings": folded.records}
    run_executor(ImageMaskExampleGen, {}, {"examples": made}, **parameters)
    return made


@pytest.fixture(scope="module")
def augmented(
    folded: Config, examples: Artifact, artifact: Make, run_executor: Callable, tmp_path_factory: pytest.TempPathFactory
) -> Artifact:
    made = artifact(standard_artifacts.Examples, tmp_path_factory.mktemp("augmented"))
    settings = {"settings": folded.augmentation, "folds": folded.fold_training}
    run_executor(Augmentor, {"examples": examples}, {"augmented_examples": made}, **settings)
    return made


def arguments(config: Config, augmented: Artifact, number: int, folder: Path) -> FnArgs:
    return FnArgs(
        train_files=[f"{augmented.uri}/Split-fold-{other}-training/*" for other in range(1, K + 1) if other != number],
        eval_files=[f"{augmented.uri}/Split-fold-{number}/*"],
        serving_model_dir=path_utils.serving_model_dir(str(folder / "model")),
        model_run_dir=str(folder / "model_run" / "1"),
        custom_config={
            "fold": f"Trainer-fold-{number} (fold {number} of {K})",
            "settings": config.trainer_of_fold(number).model_dump(mode="json"),
            "code_version": "tests",
        },
    )


@dataclass
class Found:
    """What the nodes of the folds and their ensemble have left."""

    models: list[Artifact]
    evaluations: list[Artifact]
    ensemble: Artifact
    served: Artifact
    model_run: Path
    out_of_fold: Path
    progress: list[dict[str, Any]]

    @property
    def metrics(self) -> dict[str, Any]:
        return json.loads((self.out_of_fold / "metrics.json").read_text())


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.progress: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.progress.append(record.__dict__["progress"])


@pytest.fixture(scope="module")
def found(
    folded: Config,
    examples: Artifact,
    augmented: Artifact,
    artifact: Make,
    run_executor: Callable,
    tmp_path_factory: pytest.TempPathFactory,
) -> Found:
    folder, kept, logger = tmp_path_factory.mktemp("folds"), _Kept(), logging.getLogger("maskline.progress")
    inputs: dict[str, Artifact] = {}
    inferences: list[Artifact] = []
    level = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    for number in (1, 2):
        given = arguments(folded, augmented, number, folder / str(number))
        run_fn(given)
        model = artifact(standard_artifacts.Model, folder / str(number) / "model")
        run = artifact(standard_artifacts.ModelRun, folder / str(number) / "model_run" / "1")
        evaluation = artifact(standard_artifacts.ModelEvaluation, folder / str(number) / "evaluation")
        split = f"fold-{number}"
        inference = artifact(standard_artifacts.InferenceResult, folder / str(number) / "inference")
        asked = folded.inferrer_on(split)
        run_executor(BulkInferrer, {"examples": examples, "model": model}, {"inference": inference}, settings=asked)
        inferences.append(inference)
        told, settings = {"examples": examples, "inference": inference}, folded.evaluator_on(split)
        run_executor(Evaluator, told, {"evaluation": evaluation}, settings=settings)
        inputs |= {f"model_{number}": model, f"model_run_{number}": run, f"evaluation_{number}": evaluation}
    logger.removeHandler(kept)
    logger.setLevel(level)
    outputs = {
        "model": artifact(standard_artifacts.Model, folder / "ensemble"),
        "model_run": artifact(standard_artifacts.ModelRun, folder / "ensemble_run"),
    }
    run_executor(Ensemble, inputs, outputs, settings=folded.data.derivation, code_version="tests")
    pooled = {"out_of_fold": artifact(standard_artifacts.ModelEvaluation, folder / "out_of_fold")}
    run_executor(OutOfFold, inputs, pooled, settings=folded.evaluator_on("out-of-fold"))
    served = artifact(standard_artifacts.Model, folder / "served")
    given = {
        "examples": examples,
        "model": outputs["model"],
        "inference_1": inferences[0],
        "inference_2": inferences[1],
    }
    run_executor(Calibrator, given, {"calibrated": served}, settings=folded.calibrator_on(*FOLDS))
    return Found(
        [inputs[f"model_{number}"] for number in (1, 2)],
        [inputs[f"evaluation_{number}"] for number in (1, 2)],
        outputs["model"],
        served,
        folder / "ensemble_run",
        folder / "out_of_fold",
        kept.progress,
    )


class TestRecords:
    def test_the_folds_are_all_that_is_not_test_with_their_groups_whole(self, examples: Artifact) -> None:
        assert json.loads(examples.split_names) == [*FOLDS, "test"]
        groups = {split: {record.group for record in stored(examples, split)} for split in (*FOLDS, "test")}
        # 24 patients; a quarter is test.
        assert {split: len(members) for split, members in groups.items()} == {"fold-1": 9, "fold-2": 9, "test": 6}
        assert len(set().union(*groups.values())) == 24
        account = json.loads((Path(examples.uri) / "account.json").read_text())
        assert account["records"] == {"fold-1": 18, "fold-2": 18, "test": 12}

    def test_a_leak_between_folds_is_one_between_splits(
        self,
        folded: Config,
        examples: Artifact,
        artifact: Make,
        run_executor: Callable,
        nobody: Artifact,
        tmp_path: Path,
    ) -> None:
        def gate(folder: Path) -> dict[str, Any]:
            anomalies = artifact(standard_artifacts.ExampleAnomalies, tmp_path / "anomalies")
            for split in (*FOLDS, "test"):
                (tmp_path / f"anomalies/Split-{split}").mkdir(exist_ok=True)
                (tmp_path / f"anomalies/Split-{split}/SchemaDiff.pb").write_bytes(b"")
            report = artifact(SplitReport, tmp_path / "report")
            inputs = {"examples": artifact(standard_artifacts.Examples, folder), "anomalies": anomalies}
            settings = {"settings": folded.gate, "data": folded.records}
            run_executor(DataGate, {**inputs, "champion": nobody}, {"split_report": report}, **settings)
            return json.loads((tmp_path / "report/split_report.json").read_text())

        assert gate(Path(examples.uri))["splits"].keys() == {*FOLDS, "test"}
        leaky = tmp_path / "leaky"
        shutil.copytree(examples.uri, leaky)
        shutil.rmtree(leaky / "Split-fold-2")
        [leaked, *_] = read_split(examples.uri, "fold-1")
        write_split(leaky, "fold-2", [*read_split(examples.uri, "fold-2"), leaked])
        with pytest.raises(DataRefused, match=r"group overlap \(1\).*fold-1.*fold-2"):
            gate(leaky)

    def test_what_is_learnt_from_a_fold_has_copies_and_what_is_measured_none(
        self, examples: Artifact, augmented: Artifact
    ) -> None:
        names = json.loads(augmented.split_names)
        assert sorted(names) == ["fold-1", "fold-1-training", "fold-2", "fold-2-training"]
        for split in FOLDS:
            assert list(read_split(augmented.uri, split)) == list(read_split(examples.uri, split))
            origins = Counter(record.derived_from or record.id for record in stored(augmented, f"{split}-training"))
            assert origins == {record.id: 3 for record in stored(examples, split)}

    def test_of_what_has_no_foreground_the_share_that_is_kept_is_learnt(
        self, examples: Artifact, artifact: Make, run_executor: Callable, tmp_path: Path
    ) -> None:
        made = artifact(standard_artifacts.Examples, tmp_path)
        folds = FoldTraining(k=K, keep_empty=0.0, salt="")
        run_executor(
            Augmentor, {"examples": examples}, {"augmented_examples": made}, settings=Augmentation(), folds=folds
        )
        for split in FOLDS:
            learnt = {record.id for record in stored(made, f"{split}-training")}
            assert learnt == {record.id for record in stored(examples, split) if record.foreground}
            assert len(stored(made, split)) == 18 > len(learnt) > 0


def test_the_pooled_measures_are_those_of_the_predictions(found: Found, examples: Artifact) -> None:
    dice: dict[str, float] = {}
    for split, evaluation in zip(FOLDS, found.evaluations, strict=True):
        rows = list(csv.DictReader((Path(evaluation.uri) / "per_case.csv").read_text().splitlines()))
        truth = {record.id: record.mask for record in stored(examples, split)}
        assert {row["id"] for row in rows} == set(truth)
        for row in rows:
            predicted, true = read_image(Path(evaluation.uri) / row["prediction"]) == 1, truth[row["id"]] == 1
            if true.any():
                dice[row["id"]] = 2 * (predicted & true).sum() / (predicted.sum() + true.sum())
    metrics = found.metrics
    assert metrics["dice"]["n"] == len(dice) == metrics["cases_with_foreground"]
    assert metrics["dice"]["mean"] == pytest.approx(np.mean(list(dice.values())))
    rows = list(csv.DictReader((found.out_of_fold / "per_case.csv").read_text().splitlines()))
    assert Counter(row["fold"] for row in rows) == {"fold-1": 18, "fold-2": 18}
    assert {row["id"]: float(row["dice"]) for row in rows if row["dice"]} == pytest.approx(dice)
    by_fold = defaultdict(list)
    for row in rows:
        by_fold[row["fold"]].extend([dice[row["id"]]] if row["id"] in dice else [])
    for row in metrics["folds"]:
        assert row["measures"]["dice"]["mean"] == pytest.approx(np.mean(by_fold[f"fold-{row['fold']}"]))
    assert metrics["reasons"] == []


def test_the_ensembles_probabilities_are_the_mean_of_its_members(found: Found, examples: Artifact) -> None:
    records = stored(examples, "test")
    images = tf.constant(np.stack([as_float(record.image) for record in records])[..., None].reshape(-1, 32, 32, 1))

    def probability(model: Artifact) -> np.ndarray:
        loaded = tf.saved_model.load(path_utils.serving_model_path(model.uri))
        return loaded.signatures["serve_tensor"](images=images)["probability"].numpy()

    one, other = map(probability, found.models)
    assert np.abs(one - other).max() > 0.01
    np.testing.assert_allclose(probability(found.ensemble), (one + other) / 2, atol=1e-6)


def test_the_ensemble_is_served_as_any_model(found: Found, folded: Config, examples: Artifact) -> None:
    model, settings = Path(path_utils.serving_model_path(found.served.uri)), folded.serving_check
    point = stored_point(model, "")
    cases = judged_by(model, examples.uri, "test", settings, point)
    checks = check_model(model, cases, point, settings)["checks"]
    assert len(checks) > 15
    assert [check for check in checks if not check["passed"]] == []


def test_the_ensemble_tells_of_its_members(found: Found) -> None:
    training = json.loads((found.model_run / "training.json").read_text())
    assert [row["fold"] for row in training["folds"]] == [1, 2]
    for number, model in enumerate(found.models, 1):
        own = json.loads((Path(path_utils.serving_model_path(model.uri)) / "assets.extra/training.json").read_text())
        assert own["config"]["training"]["seed"] == 7 + number
        assert training["folds"][number - 1]["best_epoch"] == own["best_epoch"]
        rows = list(csv.DictReader((found.model_run / f"fold-{number}/history.csv").read_text().splitlines()))
        assert len(rows) == own["epochs_run"]
    extra = Path(path_utils.serving_model_path(found.ensemble.uri)) / "assets.extra"
    told = json.loads((extra / "training.json").read_text())
    assert [member["training"]["seed"] for member in told["config"]["members"]] == [8, 9]
    assert not (extra / "model.keras").exists()


def test_the_progress_of_a_process_of_its_own_is_told_here(found: Found) -> None:
    last = [told for told in found.progress if told["epoch"] == told["epochs"] and told["step"] == told["steps"]]
    assert len(last) >= 2
    assert all("val_dice" in told for told in found.progress if told["epoch"] > 1)


def test_a_fold_whose_training_is_no_number_fails_with_its_name(
    found: Found, folded: Config, augmented: Artifact, tmp_path: Path
) -> None:
    broken = tmp_path / "champion"
    shutil.copytree(path_utils.serving_model_path(found.models[0].uri), broken)
    (broken / "MANIFEST.json").write_text('{"version": "1"}')
    path = broken / "assets.extra/model.keras"
    model = keras.saving.load_model(path)
    model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
    model.save(path)
    given = arguments(folded, augmented, 2, tmp_path)
    given.base_model = str(broken)
    with pytest.raises(FoldFailed) as caught:
        run_fn(given)
    assert str(caught.value).startswith("Trainer-fold-2 (fold 2 of 2): training: the loss is nan in epoch 1, step 1. ")
    assert caught.value.exit_code == 1
    assert not Path(given.serving_model_dir).exists()


def trainings() -> list[str]:
    """The command lines of the trainings that this process has started, and that have not ended."""
    own = [child for task in Path("/proc/self/task").glob("*/children") for child in task.read_text().split()]
    found = [Path(f"/proc/{child}/cmdline").read_bytes().decode() for child in own]
    return [line for line in found if "components.trainer.fold" in line]


class _Interrupt(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        assert trainings()
        raise KeyboardInterrupt


def test_a_training_ends_with_whoever_waits_for_it(folded: Config, augmented: Artifact, tmp_path: Path) -> None:
    handler, logger = _Interrupt(), logging.getLogger("maskline.progress")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_fn(arguments(folded, augmented, 1, tmp_path))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
    assert trainings() == []
    assert not (tmp_path / "model").exists()
