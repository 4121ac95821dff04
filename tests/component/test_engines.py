"""Faster engines: what each answers, which is offered, and that a broken one is refused."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.engine_export.core import Cases, Served, add_form, judge_form
from components.errors import UsageError
from components.imaging.geometry.placement import letterbox
from components.inference.engines.engine import Asked
from components.inference.engines.frozen import frozen
from components.inference.engines.offered import chosen, form_folder, open_form, verdicts
from components.inference.engines.registry import ENGINES, engine_module, form_named
from components.inference.model import load_model
from components.inference.operating_point import OWN, OperatingPoint
from components.measures.agreement import MARGIN
from components.records.record import Record
from components.records.settings import Derivation
from components.records.tfexample import serialize, shard_name, shard_writer
from components.state import BrokenState
from components.task import Task

SIDE, CASES = 16, 900
FORMS = [form_named(engine, precision) for engine, kind in ENGINES.items() for precision in kind.precisions]
DERIVATION = Derivation(height=SIDE, width=SIDE)
SAMPLES = [
    Asked(np.random.default_rng(seed).random((1, SIDE, SIDE, 1), np.float32), np.array([[0.5, 0.3]], np.float32))
    for seed in range(4)
]


def installed(engine: str) -> ModuleType:
    """Its module, or the test is skipped: the extra is no part of what is always installed."""
    try:
        return engine_module(engine, converts=True)
    except UsageError as error:
        pytest.skip(str(error))


def drawn(number: int) -> tuple[np.ndarray, np.ndarray]:
    """An image, a square brighter than its noise, and its truth."""
    rng, truth = np.random.default_rng(number), np.zeros((SIDE, SIDE), np.uint8)
    top, left = rng.integers(1, 7, 2)
    truth[top : top + 8, left : left + 8] = 1
    return (rng.integers(0, 60, (SIDE, SIDE)) + 190 * truth).astype(np.uint8), truth


def network(gain: float = 1.0) -> keras.Model:
    """Three layers that find what is bright; `gain` is that of the last one."""
    keras.utils.set_random_seed(0)
    images = keras.Input((SIDE, SIDE, 1))
    hidden = keras.layers.Conv2D(4, 3, padding="same", activation="relu", kernel_initializer="ones")(images)
    hidden = keras.layers.BatchNormalization(momentum=0.0)(hidden)
    last = keras.layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(gain), bias_initializer="zeros")
    model = keras.Model(images, keras.ops.sigmoid(last(hidden)))
    model(np.stack([drawn(number)[0] for number in range(8)])[..., None] / np.float32(255), training=True)
    return model


def save(model: keras.Model, folder: Path) -> Path:
    """As a SavedModel that has what is asked of one that is served."""
    spec = tf.TensorSpec([None, SIDE, SIDE, 1], tf.float32, name="images")
    answer = tf.function(lambda images: {"probability": model(images)}, input_signature=[spec])
    tf.saved_model.save(model, folder, signatures={"serve_tensor": answer, OWN: answer})
    (folder / "assets.extra").mkdir()
    config = {"derivation": DERIVATION.model_dump(mode="json"), "task": Task().model_dump()}
    (folder / "assets.extra/training.json").write_text(json.dumps({"config": config}))
    return folder


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(network(), tmp_path_factory.mktemp("engines") / "model")


@pytest.fixture
def served(saved: Path, tmp_path: Path) -> Served:
    shutil.copytree(saved, tmp_path / "model")
    return Served(tmp_path / "model", Task(), DERIVATION, OperatingPoint())


@pytest.fixture(scope="module")
def examples_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Cases]:
    """Records of so many groups to judge by, a case each, and of twenty others that were learnt from."""

    def write(count: int) -> Cases:
        examples = str(tmp_path_factory.mktemp("examples"))
        place = letterbox(SIDE, SIDE, SIDE, SIDE).as_json()
        for split, numbers in {"train": range(count, count + 20), "eval": range(count)}.items():
            with shard_writer(examples, split, shard_name(0, 1)) as writer:
                for number in numbers:
                    image, truth = drawn(number)
                    names = (f"c{number}", f"p{number}", f"c{number}.png", number.to_bytes(32, "big"))
                    writer.write(serialize(Record(image, truth, *names, place)))
        return Cases(examples, ["train"], ["eval"], "skip")

    return write


@pytest.fixture(scope="module")
def cases(examples_of: Callable[[int], Cases]) -> Cases:
    """As many groups as ±0.005 takes."""
    return examples_of(CASES)


@pytest.mark.parametrize("form", FORMS)
def test_it_answers_as_tensorflow(form: str, served: Served) -> None:
    engine, precision = form.split("-")
    module, folder = installed(engine), form_folder(served.folder, form)
    module.convert(frozen(served.folder), folder, precision, SAMPLES)
    found, expected = module.open_engine(folder, precision), open_form(served.folder, "tensorflow", own=True)
    assert (found.size, found.channels) == (expected.size, expected.channels) == ((SIDE, SIDE), 1)
    windows = Asked(*map(np.concatenate, zip(*SAMPLES, strict=True)))
    answer = found(windows)
    assert (answer.dtype, answer.shape) == (np.float32, (4, SIDE, SIDE, 1))
    tolerance = {"float32": 1e-4, "bfloat16": 0.03, "int8": 0.2}[precision]
    np.testing.assert_allclose(answer, expected(windows), atol=tolerance)
    # What a window is answered does not depend on those beside it.
    np.testing.assert_allclose(found(SAMPLES[2]), answer[2:3], atol=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_tiles_are_answered_by_the_moments_of_the_whole(engine: str, tmp_path: Path) -> None:
    module, model = installed(engine), tf.Module()
    specs = [tf.TensorSpec([None, SIDE, SIDE, 1], name="images"), tf.TensorSpec([None, 2], name="moments")]

    @tf.function(input_signature=specs)
    def answer(images: tf.Tensor, moments: tf.Tensor) -> dict[str, tf.Tensor]:
        mean, spread = tf.split(moments[:, None, None], 2, axis=-1)
        return {"probability": tf.sigmoid((images - mean) / spread)}

    tf.saved_model.save(model, tmp_path / "model", signatures={OWN: answer})
    module.convert(frozen(tmp_path / "model"), tmp_path / "form", "float32", SAMPLES)
    window = SAMPLES[0]._replace(moments=np.array([[0.2, 0.1]], np.float32))
    expected = 1 / (1 + np.exp(-(window.images - 0.2) / 0.1))
    np.testing.assert_allclose(module.open_engine(tmp_path / "form", "float32")(window), expected, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_what_agrees_is_offered_and_gives_the_same_masks(form: str, served: Served, cases: Cases) -> None:
    engine, precision = form.split("-")
    installed(engine)
    verdict = add_form(served, engine, precision, cases)
    assert verdict["offered"], verdict["reason"]
    assert verdict == verdicts(served.folder)[form]
    measured = verdict["measured"]
    assert (measured["n"], measured["groups"], measured["splits"]) == (CASES, CASES, ["eval"])
    assert measured["made_by"] == {"splits": ["train"], "windows": 20}
    assert chosen(served.folder, engine, None) == form
    images = [drawn(number)[0] for number in range(9)]
    slow, fast = (
        load_model(served.folder, {"mirror": True, "temperature": 2.0}, engine=name) for name in ("tensorflow", engine)
    )
    for one, other in zip(slow.predict(images), fast.predict(images), strict=True):
        assert (one.classes != other.classes).mean() < 0.02
        np.testing.assert_allclose(one.probability, other.probability, atol=0.2)


def test_a_broken_layer_is_refused_with_its_numbers(served: Served, cases: Cases, tmp_path: Path) -> None:
    """Int8 of another model: its last layer has lost its sign, and finds what is dark."""
    module, folder = installed("openvino"), form_folder(served.folder, "openvino-int8")
    broken = save(network(gain=-1.0), tmp_path / "broken")
    module.convert(frozen(broken), folder, "int8", SAMPLES)
    verdict = judge_form(served, "openvino", "int8", cases, SAMPLES, MARGIN)
    assert not verdict["offered"]
    assert verdict["measured"]["mean"] < -0.5
    assert "more than ±0.005" in verdict["reason"]
    assert not folder.exists()
    with pytest.raises(UsageError, match="openvino-int8 was refused: the mean changes by -0"):
        chosen(served.folder, "openvino", "int8")
    assert chosen(served.folder, "auto", None) == "tensorflow"


def test_too_few_groups_are_refused_however_well_it_answers(
    served: Served, examples_of: Callable[[int], Cases]
) -> None:
    installed("openvino")
    verdict = add_form(served, "openvino", "float32", examples_of(24))
    assert not verdict["offered"]
    assert verdict["reason"].startswith("too few groups to say: the mean changes by ")
    assert "takes some 738 groups even where nothing changes" in verdict["reason"]


def test_what_was_changed_since_is_not_asked(served: Served, cases: Cases) -> None:
    installed("onnx")
    add_form(served, "onnx", "float32", cases)
    with (form_folder(served.folder, "onnx-float32") / "model.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BrokenState, match="is not what was converted and measured"):
        load_model(served.folder, engine="onnx")


def test_what_cannot_be_asked_is_named(served: Served) -> None:
    for engine, precision, named in [
        ("openvino", None, r"does not offer openvino. It was not converted to it: maskline convert MODEL"),
        ("openvino", "float16", r"precision 'float16': expected one of float32, bfloat16, int8"),
        ("onnx", "int8", r"onnx in 'int8': it computes in float32"),
        ("tensorflow", "int8", r"it answers as the model was exported"),
        ("tensort", None, r"engine 'tensort': expected one of tensorflow, auto, openvino, onnx"),
    ]:
        with pytest.raises(UsageError, match=named):
            load_model(served.folder, engine=engine, precision=precision)


def test_an_engine_that_is_missing_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "openvino", replace(ENGINES["openvino"], converts=("openvino_that_is_nowhere",)))
    with pytest.raises(UsageError, match=r"openvino_that_is_nowhere missing: pip install 'maskline\[fast\]'"):
        engine_module("openvino", converts=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_its_extra_is_imported_beside_tensorflow(engine: str) -> None:
    """That a resolver finds versions proves nothing: some did not import."""
    installed(engine)
    for module in ENGINES[engine].converts:
        import_module(module)
    if engine == "openvino":
        # Nobody is told that it is used.
        assert sys.modules["openvino_telemetry"] is None
