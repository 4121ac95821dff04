"""ServingCheck on real and on broken models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tfx.components.util import model_utils
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils

from components.imaging.files.codecs import encode_png
from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation
from components.records.tfexample import read_split
from components.serving_check.core import check_model
from components.serving_check.executor import Executor as ServingCheck
from components.serving_graph.export import export_model
from components.task import Task
from components.trainer.segmenter import build_segmenter
from pipeline.config.root import Config

Make = Callable[..., Artifact]

pytestmark = pytest.mark.usefixtures("warm_children")


class TestServingCheck:
    @pytest.fixture(scope="class")
    def do(
        self,
        run_executor: Callable,
        artifact: Make,
        config: Config,
        examples: Artifact,
        tmp_path_factory: pytest.TempPathFactory,
    ) -> Callable[[Artifact], tuple[bool, dict]]:
        """Runs the executor; whether the stock Pusher takes its answer for a blessing, and `checks.json`."""

        def run(model: Artifact) -> tuple[bool, dict]:
            blessing = artifact(standard_artifacts.InfraBlessing, tmp_path_factory.mktemp("blessing"))
            inputs = {"examples": examples, "model": model}
            run_executor(ServingCheck, inputs, {"blessing": blessing}, settings=config.serving_check)
            folder = Path(blessing.uri)
            blessed = model_utils.is_infra_validated(blessing)
            assert (folder / ("INFRA_BLESSED" if blessed else "INFRA_NOT_BLESSED")).is_file()
            return blessed, json.loads((folder / "checks.json").read_text())

        return run

    @pytest.fixture(scope="class")
    def records(self, examples: Artifact) -> list[bytes]:
        return list(islice(read_split(examples.uri, "eval"), 3))

    def test_a_good_model_passes(self, do: Callable[[Artifact], tuple[bool, dict]], model: Artifact) -> None:
        blessed, result = do(model)
        assert blessed
        assert result["passed"]
        assert len(result["checks"]) == 9
        assert all(check["passed"] for check in result["checks"])

    def test_a_saved_model_cut_short_fails_with_the_reason(
        self, do: Callable[[Artifact], tuple[bool, dict]], model: Artifact, artifact: Make, tmp_path: Path
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

    def test_probabilities_that_are_no_numbers_fail(
        self, config: Config, derivation: Derivation, records: list[bytes], tmp_path: Path
    ) -> None:
        network = build_segmenter(1, config.model, Task())
        network.set_weights([np.full_like(weights, np.nan) for weights in network.get_weights()])
        export_model(network, tmp_path / "model", Task(), point=OperatingPoint(), derivation=derivation)
        checks = check_model(str(tmp_path / "model"), records, config.serving_check)
        failed = {check["name"]: check["detail"] for check in checks}
        assert failed["probabilities"] == "nan to nan, expected 0 to 1"

    @pytest.mark.parametrize(
        ("planted", "failed", "detail"),
        [
            ("no serve_tensor", "signatures", "missing: serve_tensor"),
            ("other tensor answer", "serve_tensor agrees with serving_default", "largest difference 0.2"),
            ("other bytes answer", "serve_image_bytes agrees with serve_tensor", "largest difference 0."),
            ("percent", "probabilities", "expected 0 to 1"),
            ("size of the network", "PNG and JPG of 39 x 48 pixels come back at their size", "(32, 32)"),
            ("raises", "loads and answers", "planted fault"),
        ],
    )
    def test_a_planted_fault_fails_by_name(
        self,
        planted: str,
        failed: str,
        detail: str,
        model: Artifact,
        config: Config,
        records: list[bytes],
        tmp_path: Path,
    ) -> None:
        plant(planted, path_utils.serving_model_path(model.uri), tmp_path / "model")
        checks = check_model(str(tmp_path / "model"), records, config.serving_check)
        failures = {check["name"]: check["detail"] for check in checks if not check["passed"]}
        assert detail in failures[failed]
        # Records and files are compared with the answer to tensors, so a wrong one fails twice.
        assert len(failures) == 1 or planted in ("percent", "other tensor answer")


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

    offered = {"serving_default": records, "serve_tensor": tensors, "serve_image_bytes": files}
    if fault == "no serve_tensor":
        del offered["serve_tensor"]
    tf.saved_model.save(module, str(target), signatures=offered)
