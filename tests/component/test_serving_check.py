"""ServingCheck on real and on broken models."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.util import model_utils
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils

from components.artifact_types import Engines
from components.artifacts import Checks, Verdict
from components.imaging.files.codecs import as_float, encode_png
from components.inference.engines.engine import Asked
from components.inference.engines.frozen import frozen
from components.inference.engines.offered import form_folder, keep_verdict
from components.inference.engines.registry import FORMS, engine_module
from components.inference.operating_point import OWN, OperatingPoint
from components.inference.stored import stored_point
from components.records.settings import Derivation
from components.serving_check.cases import Tried, tried_cases
from components.serving_check.core import check_model
from components.serving_check.executor import Executor as ServingCheck
from components.serving_dir import content_sha256
from components.serving_graph.export import Windows, export_model
from components.task import Task
from components.trainer.segmenter import build_segmenter
from pipeline.config.root import Config

Make = Callable[..., Artifact]
SIGNATURES = {"serving_default", "serve_image_bytes", "serve_tensor", OWN}
ENGINES = ["openvino-float32", "openvino-int8", "onnx-float32"]

pytestmark = pytest.mark.usefixtures("warm_children")


@pytest.fixture(scope="module")
def folder(model: Artifact) -> Path:
    return Path(path_utils.serving_model_path(model.uri))


@pytest.fixture(scope="module")
def point(folder: Path) -> OperatingPoint:
    return stored_point(folder, "")


@pytest.fixture(scope="module")
def cases(examples: Artifact, evaluation: Artifact) -> list[Tried]:
    return tried_cases(examples.uri, Path(evaluation.uri))


@pytest.fixture(scope="module")
def faster(folder: Path, cases: list[Tried], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with engines in its folder, all of them offered."""
    made = tmp_path_factory.mktemp("faster") / "model"
    shutil.copytree(folder, made)
    for form in ENGINES:
        add_engine(made, form, folder, cases)
    return made


def add_engine(model: Path, form: str, made_of: Path, cases: list[Tried]) -> None:
    engine, precision = FORMS[form]
    samples = [Asked(as_float(case.source.image)[None], np.zeros((1, 2), np.float32)) for case in cases]
    place = form_folder(model, form)
    shutil.rmtree(place, ignore_errors=True)
    engine_module(engine, converts=True).convert(frozen(made_of), place, precision, samples)
    told = {"engine": engine, "precision": precision, "offered": True, "reason": "", "processor_time": 0.5}
    keep_verdict(model, form, Verdict(**told, sha256=content_sha256(place), measured={}))


@pytest.fixture
def failures(config: Config, point: OperatingPoint, cases: list[Tried]) -> Callable[..., dict[str, str]]:
    """What is said of the checks that a model fails, by name."""

    def run(model: Path, **changed: Any) -> dict[str, str]:
        given = {"cases": cases, "point": point, "settings": config.serving_check, **changed}
        found = check_model(model, **given)
        failed = {check["name"]: check["detail"] for check in found["checks"] if not check["passed"]}
        assert found["passed"] == (not failed)
        return failed

    return run


class TestExecutor:
    @pytest.fixture(scope="class")
    def do(
        self,
        run_executor: Callable,
        artifact: Make,
        config: Config,
        examples: Artifact,
        evaluation: Artifact,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Callable[..., tuple[bool, Checks]]:
        """Runs the executor; whether the stock Pusher takes its answer for a blessing, and `checks.json`."""

        def run(model: Artifact, **engines: Artifact) -> tuple[bool, Checks]:
            blessing = artifact(standard_artifacts.InfraBlessing, tmp_path_factory.mktemp("blessing"))
            inputs = {"examples": examples, "model": model, "evaluation": evaluation, **engines}
            run_executor(ServingCheck, inputs, {"blessing": blessing}, settings=config.serving_check)
            folder = Path(blessing.uri)
            blessed = model_utils.is_infra_validated(blessing)
            assert (folder / ("INFRA_BLESSED" if blessed else "INFRA_NOT_BLESSED")).is_file()
            return blessed, json.loads((folder / "checks.json").read_text())

        return run

    def test_a_good_model_passes_with_its_engines(
        self, do: Callable[..., tuple[bool, Checks]], model: Artifact, faster: Path, artifact: Make, tmp_path: Path
    ) -> None:
        engines, before = artifact(Engines, tmp_path / "engines"), content_sha256(Path(model.uri))
        shutil.copytree(faster / "assets.extra/engines", tmp_path / "engines/engines")
        shutil.copy(faster / "assets.extra/engines.json", tmp_path / "engines")
        blessed, result = do(model, engines=engines)
        assert [check for check in result["checks"] if not check["passed"]] == []
        assert blessed
        assert result["passed"]
        names = {check["name"] for check in result["checks"]}
        assert {f"{way} gives the evaluated masks" for way in SIGNATURES | {*ENGINES}} <= names
        assert {f"{way} answers alike twice" for way in SIGNATURES | {*ENGINES}} <= names
        assert set(result["cost"]) == SIGNATURES | {*ENGINES}
        for cost in result["cost"].values():
            assert 0 < cost["p50_ms"] <= cost["p95_ms"]
            assert cost["requests"] >= 5
            assert 50 < cost["peak_mib"] < 10_000
        # What is measured of a model is no part of it.
        assert content_sha256(Path(model.uri)) == before

    def test_a_saved_model_cut_short_fails_with_the_reason(
        self, do: Callable[..., tuple[bool, Checks]], model: Artifact, artifact: Make, tmp_path: Path
    ) -> None:
        broken = artifact(standard_artifacts.Model, tmp_path / "model")
        shutil.copytree(model.uri, broken.uri, dirs_exist_ok=True)
        graph = Path(path_utils.serving_model_path(broken.uri)) / "saved_model.pb"
        graph.write_bytes(graph.read_bytes()[:1000])
        blessed, result = do(broken)
        assert not blessed
        [check] = result["checks"]
        assert not check["passed"]
        assert "saved_model.pb" in check["detail"]


@pytest.mark.slow
class TestEngines:
    """Planted faults of what the exporter has offered."""

    def test_one_of_other_weights_does_not_give_the_evaluated_masks(
        self,
        failures: Callable[..., dict[str, str]],
        faster: Path,
        config: Config,
        derivation: Derivation,
        cases: list[Tried],
        point: OperatingPoint,
        tmp_path: Path,
    ) -> None:
        """Its hash is that of its verdict, as if it had been exported so."""
        network = build_segmenter(1, config.model, Task())
        export_model(network, tmp_path / "other", Task(), point=point, derivation=derivation)
        shutil.copytree(faster, tmp_path / "model")
        for form in ("openvino-int8", "onnx-float32"):
            add_engine(tmp_path / "model", form, tmp_path / "other", cases)
        found = failures(tmp_path / "model")
        assert set(found) == {f"{form} gives the evaluated masks" for form in ("openvino-int8", "onnx-float32")}
        assert re.fullmatch(
            r"\d+ pixels differ that are further than 0.005 from the decision, allowed 0 of \d+ in the foreground",
            found["onnx-float32 gives the evaluated masks"],
        )

    def test_one_whose_files_were_changed_is_not_asked(
        self, failures: Callable[..., dict[str, str]], faster: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(faster, tmp_path / "model")
        weights = form_folder(tmp_path / "model", "openvino-float32") / "model.bin"
        weights.write_bytes(bytes(len(weights.read_bytes())))
        [(name, detail)] = failures(tmp_path / "model").items()
        assert name == "openvino-float32 answers"
        assert "openvino-float32: is not what was converted and measured" in detail


class TestPoint:
    def test_a_graph_of_another_threshold_does_not_give_the_evaluated_masks(
        self,
        failures: Callable[..., dict[str, str]],
        folder: Path,
        own: Artifact,
        point: OperatingPoint,
        derivation: Derivation,
        tmp_path: Path,
    ) -> None:
        """Though the papers of the model have the one that was evaluated."""
        other = point.model_copy(update={"threshold": 0.97})
        windows = Windows(Path(path_utils.serving_model_path(own.uri)))
        export_model(windows, tmp_path / "model", Task(), other, derivation)
        shutil.copytree(folder / "assets.extra", tmp_path / "model/assets.extra")
        found = failures(tmp_path / "model")
        assert set(found) == {
            "serving_default makes masks by the evaluated operating point",
            "serve_tensor makes masks by the evaluated operating point",
            "serve_image_bytes gives the evaluated masks",
        }
        assert "are of another class than their probability makes them" in next(iter(found.values()))

    def test_papers_of_another_point_are_named(
        self, failures: Callable[..., dict[str, str]], folder: Path, point: OperatingPoint
    ) -> None:
        """And masks are made as those papers say, by whoever asks faster engines."""
        found = failures(folder, point=point.model_copy(update={"least_region": 7}))
        assert "least_region 0, largest False, evaluated was" in found["operating point"]
        assert "least_region 7, largest False" in found["operating point"]

    def test_masks_of_another_model_are_not_the_evaluated_ones(
        self, failures: Callable[..., dict[str, str]], folder: Path, cases: list[Tried]
    ) -> None:
        changed = [replace(case, mask=np.roll(case.mask, 3, axis=1)) for case in cases]
        found = failures(folder, cases=changed)
        assert set(found) == {f"{way} gives the evaluated masks" for way in SIGNATURES - {"serve_image_bytes"}}


class TestSignatures:
    @pytest.mark.slow
    def test_probabilities_that_are_no_numbers_fail(
        self,
        config: Config,
        derivation: Derivation,
        failures: Callable[..., dict[str, str]],
        folder: Path,
        tmp_path: Path,
    ) -> None:
        network = build_segmenter(1, config.model, Task())
        network.set_weights([np.full_like(weights, np.nan) for weights in network.get_weights()])
        export_model(network, tmp_path / "model", Task(), point=OperatingPoint(), derivation=derivation)
        shutil.copytree(folder / "assets.extra", tmp_path / "model/assets.extra")
        assert failures(tmp_path / "model")["probabilities"] == "nan to nan, expected 0 to 1"

    def test_what_has_no_request_to_warm_up_is_named(
        self, failures: Callable[..., dict[str, str]], folder: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(folder, tmp_path / "model")
        (tmp_path / "model/assets.extra/tf_serving_warmup_requests").unlink()
        assert failures(tmp_path / "model") == {
            "warm-up requests": "none for serving_default, serve_image_bytes, serve_tensor, answer_windows"
        }

    @pytest.mark.parametrize(
        ("planted", "failed", "detail"),
        [
            ("no serve_tensor", "signatures", "missing: serve_tensor"),
            pytest.param(
                "other tensor answer",
                "serve_tensor agrees with serving_default",
                "largest difference 0.2",
                marks=pytest.mark.slow,
            ),
            pytest.param(
                "other bytes answer",
                "serve_image_bytes agrees with serve_tensor",
                "largest difference 0.",
                marks=pytest.mark.slow,
            ),
            pytest.param("percent", "probabilities", "expected 0 to 1", marks=pytest.mark.slow),
            pytest.param(
                "size of the network",
                "PNG and JPG of 39 x 48 pixels come back at their size",
                "(32, 32)",
                marks=pytest.mark.slow,
            ),
            pytest.param("raises", "loads and answers", "planted fault", marks=pytest.mark.slow),
            ("another each time", "answer_windows answers alike twice", "two answers to the same request"),
            ("other own answer", "answer_windows gives the evaluated masks", "allowed 0 of"),
        ],
    )
    def test_a_planted_fault_fails_by_name(
        self,
        planted: str,
        failed: str,
        detail: str,
        folder: Path,
        failures: Callable[..., dict[str, str]],
        tmp_path: Path,
    ) -> None:
        plant(planted, str(folder), tmp_path / "model")
        shutil.copytree(folder / "assets.extra", tmp_path / "model/assets.extra")
        assert detail in failures(tmp_path / "model")[failed]


def plant(fault: str, source: str, target: Path) -> None:
    """Saves a copy of a model with one fault in its signatures."""
    module = tf.Module()
    module.good = tf.saved_model.load(source)
    signatures = module.good.signatures
    strings = tf.TensorSpec([None], tf.string)

    @tf.function(input_signature=[tf.TensorSpec(strings.shape, tf.string, name="examples")])
    def records(examples: tf.Tensor) -> Mapping[str, tf.Tensor]:
        answer = signatures["serving_default"](examples=examples)
        if fault == "raises":
            with tf.control_dependencies([tf.debugging.Assert(False, ["planted fault"])]):
                return {name: tf.identity(value) for name, value in answer.items()}
        factor = 100.0 if fault == "percent" else 1.0
        return {"probability": factor * answer["probability"], "mask": answer["mask"]}

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 1], tf.float32, name="images")])
    def tensors(images: tf.Tensor) -> Mapping[str, tf.Tensor]:
        answer = signatures["serve_tensor"](images=images)
        shift = 0.2 if fault == "other tensor answer" else 0.0
        return {"probability": answer["probability"] + shift, "mask": answer["mask"]}

    @tf.function(input_signature=[tf.TensorSpec(strings.shape, tf.string, name="images")])
    def files(images: tf.Tensor) -> Mapping[str, tf.Tensor]:
        answer = signatures["serve_image_bytes"](images=images)
        if fault == "other bytes answer":

            def shifted(png: tf.Tensor) -> tf.Tensor:
                values = tf.cast(tf.io.decode_png(png, dtype=tf.uint16), tf.int32) + 13107
                return tf.io.encode_png(tf.cast(values, tf.uint16))

            return {"mask": answer["mask"], "probability": tf.map_fn(shifted, answer["probability"])}
        if fault == "size of the network":
            small = tf.constant(encode_png(np.zeros((32, 32), np.uint8)))
            return {"mask": tf.fill(tf.shape(images), small), "probability": answer["probability"]}
        return {name: tf.identity(value) for name, value in answer.items()}

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 1], tf.float32, name="images")])
    def own(images: tf.Tensor) -> Mapping[str, tf.Tensor]:
        probability = signatures[OWN](images=images)["probability"]
        if fault == "another each time":
            # Far from any decision, so that no mask tells.
            return {"probability": probability * tf.random.uniform([], 0.999, 1.0)}
        return {"probability": 1 - probability if fault == "other own answer" else tf.identity(probability)}

    offered = {"serving_default": records, "serve_tensor": tensors, "serve_image_bytes": files, OWN: own}
    if fault == "no serve_tensor":
        del offered["serve_tensor"]
    tf.saved_model.save(module, str(target), signatures=offered)
