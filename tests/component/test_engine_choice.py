"""Which engine answers, on what, and what is said of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import tensorflow as tf
from predicting import predict
from small_network import drawn, network, save
from typer.testing import CliRunner
from warm import warm_python

from components.artifacts import Verdict
from components.errors import UsageError
from components.files import write_json
from components.imaging.files.codecs import encode_png
from components.inference.devices import in_use
from components.inference.engines.frozen import frozen
from components.inference.engines.offered import chosen, form_folder, keep_verdict
from components.inference.engines.registry import FORMS, engine_module
from components.inference.model import load_model
from components.serving_dir import content_sha256
from pipeline.cli.app import app


def offer(model: Path, form: str, time: float, offered: bool = True) -> None:
    """As if it had been converted and measured."""
    engine, precision = FORMS[form]
    told = Verdict(engine=engine, precision=precision, offered=offered, reason="too few", processor_time=time)
    keep_verdict(model, form, {**told, "sha256": "", "measured": {}})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """One that offers a form that is faster, and one that is not."""
    folder = tmp_path / "7"
    (folder / "assets.extra").mkdir(parents=True)
    offer(folder, "openvino-bfloat16", 0.5)
    offer(folder, "onnx-float32", 1.2)
    offer(folder, "openvino-int8", 0.3, offered=False)
    return folder


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version that offers ONNX, for which any processor will do."""
    folder = save(network(), tmp_path_factory.mktemp("serving") / "7")
    write_json(folder / "MANIFEST.json", {"version": folder.name})
    made = form_folder(folder, "onnx-float32")
    engine_module("onnx", converts=True).convert(frozen(folder), made, "float32", [])
    offer(folder, "onnx-float32", 0.9)
    kept = json.loads((folder / "assets.extra/engines.json").read_text())["engines"]["onnx-float32"]
    keep_verdict(folder, "onnx-float32", {**kept, "sha256": content_sha256(made)})
    return folder


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    path.write_bytes(encode_png(drawn(0)[0]))
    return path


def test_auto_is_the_fastest_for_the_processor_and_tensorflow_on_a_gpu(model: Path) -> None:
    for precision, device, expected in [
        (None, "cpu", "openvino-bfloat16"),
        ("bfloat16", "cpu", "openvino-bfloat16"),
        ("float32", "cpu", "tensorflow"),
        (None, "gpu", "tensorflow"),
        ("float32", "gpu", "tensorflow"),
    ]:
        assert chosen(model, "auto", precision, device) == expected
    # Forms are of the processor, whatever else is there.
    assert chosen(model, "onnx", None, "gpu") == "onnx-float32"
    with pytest.raises(UsageError, match=r"on a GPU the engine auto is TensorFlow in float32.*--device cpu"):
        chosen(model, "auto", "bfloat16", "gpu")


def test_auto_in_a_precision_that_nothing_offers_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(model, "auto", "int8", "cpu")
    assert str(caught.value) == (
        f"{model}: offers nothing in int8 that is faster than TensorFlow: openvino-int8 was refused: too few. "
        "Leave the precision, or make one: maskline convert MODEL --to openvino-int8 --data RUN --out DIR, or "
        '[serving] engines in its recipe: "openvino-int8"'
    )
    (tmp_path / "none/assets.extra").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"in bfloat16 that is faster than TensorFlow. Leave the precision, or "):
        chosen(tmp_path / "none", "auto", "bfloat16", "cpu")
    offer(tmp_path / "none", "openvino-bfloat16", 1.01)
    with pytest.raises(UsageError, match=r"openvino-bfloat16 took 1.01 of its processor time. Leave"):
        chosen(tmp_path / "none", "auto", "bfloat16", "cpu")


def test_a_face_on_a_gpu_is_answered_by_tensorflow(converted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_model(converted, engine="auto").engine == "onnx-float32"
    # No GPU can be made up for TensorFlow to compute on.
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: [kind])
    assert in_use() == "gpu"
    assert load_model(converted, engine="auto").engine == "tensorflow"


def test_what_answers_is_said_with_what_it_is_computed_on(converted: Path, image: Path, tmp_path: Path) -> None:
    for options, form, said in [
        ((), "tensorflow", "by tensorflow in float32 on the cpu"),
        (("--engine", "auto"), "onnx-float32", "by onnx in float32 on the cpu"),
        (("--engine", "auto", "--precision", "float32"), "onnx-float32", "by onnx in float32 on the cpu"),
    ]:
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        result, told = predict(converted, image, "--out", out, *options)
        assert (result.exit_code, told["engine"], told["device"]) == (0, form, "cpu")
        asked = ["predict", *map(str, (converted, image, "--out", out, "--resume", *options))]
        assert f": model 7 {said}\n" in CliRunner().invoke(app, asked).stdout


def test_what_does_not_go_together_is_refused(converted: Path, image: Path, tmp_path: Path) -> None:
    for options, named in [
        (
            ("--engine", "openvino", "--device", "gpu"),
            "--device gpu: openvino computes on the processor. Leave --device",
        ),
        (("--engine", "onnx", "--device", "gpu"), "--device gpu: onnx computes on the processor"),
        (
            ("--precision", "bfloat16", "--device", "gpu"),
            "--device gpu: tensorflow in bfloat16 computes on the processor",
        ),
        (("--engine", "auto", "--precision", "int8"), "offers nothing in int8 that is faster than TensorFlow"),
    ]:
        result, told = predict(converted, image, "--out", tmp_path / "out", *options)
        assert (result.exit_code, named in told["error"]) == (2, True), told
    assert not (tmp_path / "out").exists()


PINNED = """
import sys
from pathlib import Path

import tensorflow as tf

[processor] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)

from components.engine_export.measured import Served
from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation
from components.task import Task

given = Path(sys.argv[1])
with tf.device("CPU:1"):
    served = Served(given, Task(), Derivation(height=16, width=16), OperatingPoint())
    pinned, free = served.opened("tensorflow"), tf.saved_model.load(str(given))
    for signature in (pinned.signature, free.signatures["answer_windows"]):
        print({each.device for each in signature.variables})
"""


def test_forms_are_measured_on_the_processor_whatever_else_there_is(converted: Path) -> None:
    """A second logical processor stands for what TensorFlow would take, a GPU."""
    found = subprocess.run([warm_python(), "-c", PINNED, str(converted)], capture_output=True, text=True, check=True)
    pinned, free = found.stdout.splitlines()
    assert ("CPU:0" in pinned, "CPU:1" in pinned) == (True, False)
    assert "CPU:1" in free
