"""Faster engines: what each answers, which is offered, and that a broken one is refused."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from small_network import DERIVATION, SAMPLES, SIDE, cases_in, drawn, network, save

from components.engine_export.core import add_form, judge_form
from components.engine_export.measured import Cases, Served
from components.errors import UsageError
from components.inference.engines.engine import Asked
from components.inference.engines.frozen import frozen
from components.inference.engines.offered import chosen, form_folder, open_form, verdicts
from components.inference.engines.registry import ENGINES, FORMS, engine_module
from components.inference.model import load_model
from components.inference.operating_point import OWN, OperatingPoint
from components.measures.agreement import MARGIN
from components.state import BrokenState
from components.task import Task

CASES = 900
AVX512 = "avx512" in Path("/proc/cpuinfo").read_text()
NEEDS_AVX512 = pytest.mark.skipif(not AVX512, reason="TensorFlow has no bfloat16 on this processor")
FORM = [pytest.param(form, marks=NEEDS_AVX512 if form == "tensorflow-bfloat16" else ()) for form in FORMS]
ENGINE = [pytest.param(engine, marks=NEEDS_AVX512 if engine == "tensorflow" else ()) for engine in ENGINES]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(network(), tmp_path_factory.mktemp("engines") / "model")


@pytest.fixture
def served(saved: Path, tmp_path: Path) -> Served:
    shutil.copytree(saved, tmp_path / "model")
    return Served(tmp_path / "model", Task(), DERIVATION, OperatingPoint())


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """As many groups as ±0.005 takes."""
    return cases_in(tmp_path_factory.mktemp("examples"), CASES)


@pytest.mark.parametrize("form", FORM)
def test_it_answers_as_tensorflow(form: str, served: Served, capsys: pytest.CaptureFixture) -> None:
    engine, precision = form.split("-")
    module, folder = engine_module(engine, converts=True), form_folder(served.folder, form)
    windows = Asked(*map(np.concatenate, zip(*SAMPLES, strict=True)))
    before = open_form(served.folder, "tensorflow", own=True)(windows)
    module.convert(frozen(served.folder), folder, precision, SAMPLES)
    assert capsys.readouterr().out == ""
    found, expected = module.open_engine(folder, precision), open_form(served.folder, "tensorflow", own=True)
    assert (found.size, found.channels) == (expected.size, expected.channels) == ((SIDE, SIDE), 1)
    # Converting leaves no option behind.
    np.testing.assert_array_equal(expected(windows), before)
    answer = found(windows)
    assert (answer.dtype, answer.shape) == (np.float32, (4, SIDE, SIDE, 1))
    tolerance = {"float32": 1e-4, "bfloat16": 0.03, "int8": 0.2}[precision]
    np.testing.assert_allclose(answer, before, atol=tolerance)
    # What a window is answered does not depend on those beside it.
    np.testing.assert_allclose(found(SAMPLES[2]), answer[2:3], atol=1e-5)


@pytest.mark.parametrize("engine", ENGINE)
def test_tiles_are_answered_by_the_moments_of_the_whole(engine: str, tmp_path: Path) -> None:
    module, model = engine_module(engine, converts=True), tf.Module()
    specs = [tf.TensorSpec([None, SIDE, SIDE, 1], name="images"), tf.TensorSpec([None, 2], name="moments")]

    @tf.function(input_signature=specs)
    def answer(images: tf.Tensor, moments: tf.Tensor) -> dict[str, tf.Tensor]:
        mean, spread = tf.split(moments[:, None, None], 2, axis=-1)
        return {"probability": tf.sigmoid(tf.nn.conv2d((images - mean) / spread, tf.ones((1, 1, 1, 1)), 1, "SAME"))}

    tf.saved_model.save(model, tmp_path / "model", signatures={OWN: answer})
    precision = ENGINES[engine].precisions[0]
    module.convert(frozen(tmp_path / "model"), tmp_path / "form", precision, SAMPLES)
    window = SAMPLES[0]._replace(moments=np.array([[0.2, 0.1]], np.float32))
    expected = 1 / (1 + np.exp(-(window.images - 0.2) / 0.1))
    found = module.open_engine(tmp_path / "form", precision)(window)
    np.testing.assert_allclose(found, expected, atol=1e-5 if precision == "float32" else 0.01)


@pytest.mark.long
@pytest.mark.parametrize("form", FORM)
def test_what_agrees_is_offered_and_gives_the_same_masks(form: str, served: Served, cases: Cases) -> None:
    engine, precision = form.split("-")
    verdict = add_form(served, engine, precision, cases)
    assert verdict["offered"], verdict["reason"]
    assert verdict == verdicts(served.folder)[form]
    measured = verdict["measured"]
    assert (measured["change"]["n"], measured["groups"], measured["splits"]) == (CASES, CASES, ["eval"])
    assert measured["made_by"] == {"splits": ["train"], "windows": 20}
    assert chosen(served.folder, engine, precision) == form
    images = [drawn(number)[0] for number in range(9)]
    slow, fast = (
        load_model(served.folder, {"mirror": True, "temperature": 2.0}, engine=name, precision=of)
        for name, of in (("tensorflow", None), (engine, precision))
    )
    assert (slow.engine, fast.engine) == ("tensorflow", form)
    for one, other in zip(slow.predict(images), fast.predict(images), strict=True):
        assert (one.classes != other.classes).mean() < 0.02
        np.testing.assert_allclose(one.probability, other.probability, atol=0.2)


def test_a_broken_layer_is_refused_with_its_numbers(served: Served, cases: Cases, tmp_path: Path) -> None:
    """Int8 of another model: its last layer has lost its sign, and finds what is dark."""
    module, folder = engine_module("openvino", converts=True), form_folder(served.folder, "openvino-int8")
    broken = save(network(gain=-1.0), tmp_path / "broken")
    module.convert(frozen(broken), folder, "int8", SAMPLES)
    verdict = judge_form(served, "openvino", "int8", cases, SAMPLES, MARGIN)
    assert not verdict["offered"]
    assert verdict["measured"]["change"]["mean"] < -0.5
    assert "more than ±0.005" in verdict["reason"]
    assert not folder.exists()
    with pytest.raises(UsageError, match="openvino-int8 was refused: the mean changes by -0"):
        chosen(served.folder, "openvino", "int8")
    assert chosen(served.folder, "auto", None) == "tensorflow"


def test_too_few_groups_are_refused_however_well_it_answers(served: Served, tmp_path: Path) -> None:
    verdict = add_form(served, "openvino", "float32", cases_in(tmp_path / "few", 24))
    assert not verdict["offered"]
    assert verdict["reason"].startswith("too few groups to say: the mean changes by ")
    assert "takes some 738 groups even where nothing changes" in verdict["reason"]


def test_what_was_changed_since_is_not_asked(served: Served, cases: Cases) -> None:
    add_form(served, "onnx", "float32", cases)
    with (form_folder(served.folder, "onnx-float32") / "model.onnx").open("ab") as file:
        file.write(b"more")
    with pytest.raises(BrokenState, match="is not what was converted and measured"):
        load_model(served.folder, engine="onnx")


def test_what_cannot_be_asked_is_named(served: Served) -> None:
    for engine, precision, named in [
        ("openvino", None, r"does not offer openvino. It was not converted to it: maskline convert MODEL"),
        ("openvino", "float16", r"precision 'float16': expected one of float32, bfloat16, int8"),
        ("onnx", "int8", r"onnx in 'int8': models are converted to it in float32"),
        ("tensorflow", "int8", r"tensorflow in 'int8': models are converted to it in bfloat16"),
        ("tensorflow", "bfloat16", r"does not offer tensorflow-bfloat16. It was not converted to it: maskline convert"),
        ("tensort", None, r"engine 'tensort': expected one of tensorflow, openvino, onnx, auto"),
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
    engine_module(engine, converts=True)
    for module in ENGINES[engine].converts:
        import_module(module)
    if engine == "openvino":
        # Nobody is told that it is used.
        assert sys.modules["openvino_telemetry"] is None
