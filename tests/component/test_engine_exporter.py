"""Faster engines made at the push: which a version offers, and that none keeps it back."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pushing import push_model
from room import no_file_above
from small_network import DERIVATION, cases_in, drawn, network, save
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils

from components.artifact_types import Engines
from components.disk import DiskFull
from components.engine_export.executor import Executor
from components.engine_export.settings import ExporterSettings
from components.errors import UsageError
from components.files import write_json
from components.inference.engines.frozen import Frozen, frozen
from components.inference.engines.registry import ENGINES, engine_module
from components.inference.model import load_model
from components.serving_dir import content_sha256, read_manifest
from components.state import BrokenState
from components.task import Task
from components.weights import check_weights
from pipeline.config.loader import load_config
from pipeline.runs.launch import prepared

CASES = 900
FORMS = ["openvino-float32", "onnx-float32"]
Make = Callable[..., Artifact]


@pytest.fixture(scope="module")
def model(artifact: Make, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    made = artifact(standard_artifacts.Model, tmp_path_factory.mktemp("model"))
    save(network(), Path(path_utils.serving_model_dir(made.uri)))
    return made


@pytest.fixture(scope="module")
def examples(artifact: Make, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """As many groups as ±0.005 takes."""
    made = artifact(standard_artifacts.Examples, tmp_path_factory.mktemp("examples"))
    cases_in(Path(made.uri), CASES)
    return made


@pytest.fixture
def export(
    run_executor: Callable, artifact: Make, model: Artifact, examples: Artifact, tmp_path: Path
) -> Callable[..., Artifact]:
    def run(blessed: int = 1, forms: list[str] = FORMS, examples: Artifact = examples) -> Artifact:
        folder = tmp_path / f"exported-{len(list(tmp_path.iterdir()))}"
        engines, blessing = artifact(Engines, folder / "engines"), artifact(standard_artifacts.ModelBlessing, folder)
        blessing.set_int_custom_property("blessed", blessed)
        settings = ExporterSettings(
            engines=forms, task=Task(), derivation=DERIVATION, empty_masks="skip", learnt=["train"], judged=["eval"]
        )
        inputs = {"model": model, "examples": examples, "model_blessing": blessing}
        run_executor(Executor, inputs, {"engines": engines}, settings=settings)
        return engines

    return run


def told(engines: Artifact) -> dict[str, Any]:
    return json.loads((Path(engines.uri) / "engines.json").read_text())["engines"]


def plant(monkeypatch: pytest.MonkeyPatch, engine: str, convert: Callable[..., None]) -> None:
    """Makes an engine convert like this from now on."""
    monkeypatch.setattr(engine_module(engine, converts=True), "convert", convert)


def test_what_differs_is_refused_and_the_push_goes_on_with_what_agrees(
    export: Callable[..., Artifact],
    model: Artifact,
    run_executor: Callable,
    artifact: Make,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """The planted engine has another model: its last layer has lost its sign, and finds what is dark."""
    broken, convert = frozen(save(network(gain=-1.0), tmp_path / "broken")), engine_module("openvino").convert
    plant(monkeypatch, "openvino", lambda _, *given: convert(broken, *given))
    before = content_sha256(Path(model.uri))
    engines = export()
    assert content_sha256(Path(model.uri)) == before
    found = told(engines)
    assert {form: found[form]["offered"] for form in found} == dict(zip(FORMS, (False, True), strict=True))
    assert found["openvino-float32"]["measured"]["change"]["mean"] < -0.5
    assert {path.name for path in Path(engines.uri).iterdir()} == {"engines.json", "engines"}

    def push(name: str, engines: Artifact | None) -> Artifact:
        return push_model(run_executor, artifact, tmp_path / "serving", tmp_path / name, model, engines=engines)

    # Nobody has asked for engines, then somebody does: the version that is served offers none.
    first, second, third = push("first", None), push("second", engines), push("third", engines)
    assert [each.get_int_custom_property("pushed") for each in (first, second, third)] == [1, 1, 0]
    # What the same forms are found to be may depend on the processor: two machines would push in turn.
    elsewhere = artifact(Engines, tmp_path / "elsewhere")
    nowhere = {form: {**verdict, "offered": False} for form, verdict in found.items()}
    write_json(Path(elsewhere.uri) / "engines.json", {"engines": nowhere})
    assert push("fourth", elsewhere).get_int_custom_property("pushed") == 0
    version = Path(second.get_string_custom_property("pushed_destination"))
    assert read_manifest(version.parent, version.name)["engines"] == dict(zip(FORMS, (False, True), strict=True))
    check_weights(version)
    assert json.loads((version / "assets.extra/engines.json").read_text())["engines"] == found
    assert [path.name for path in (version / "assets.extra/engines").iterdir()] == ["onnx-float32"]
    slow, fast = (load_model(version.parent, engine=name) for name in ("tensorflow", "onnx"))
    image = drawn(0)[0]
    for one, other in zip(slow.predict(image), fast.predict(image), strict=True):
        np.testing.assert_array_equal(one.classes, other.classes)
    with pytest.raises(UsageError, match="openvino-float32 was refused: the mean changes by -0"):
        load_model(version.parent, engine="openvino")


@pytest.mark.parametrize("breaks", ["converting", "answering"])
def test_one_that_breaks_is_refused_for_it_and_the_next_has_its_turn(
    export: Callable[..., Artifact], monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    def convert(given: Frozen, folder: Path, *_: Any) -> None:
        folder.mkdir(parents=True)
        (folder / "model.xml").write_text("no model")
        if breaks == "converting":
            raise RuntimeError("no operation of this name")

    plant(monkeypatch, "openvino", convert)
    engines = export()
    broken, good = (told(engines)[form] for form in FORMS)
    assert (broken["offered"], good["offered"]) == (False, True)
    assert broken["reason"].startswith(
        "openvino-float32: the model cannot be converted to it: no operation of this name"
        if breaks == "converting"
        else "openvino-float32: it does not answer: "
    )
    assert [path.name for path in (Path(engines.uri) / "engines").iterdir()] == ["onnx-float32"]


@pytest.mark.parametrize("lacks", [MemoryError("std::bad_alloc"), RuntimeError("bad_alloc"), OSError(errno.EIO, "no")])
def test_what_the_machine_lacks_is_no_verdict(
    export: Callable[..., Artifact], monkeypatch: pytest.MonkeyPatch, lacks: Exception, tmp_path: Path
) -> None:
    """Verdicts are kept: with memory, or another disk, the same form may well be offered."""

    def convert(*_: Any) -> None:
        raise lacks

    plant(monkeypatch, "openvino", convert)
    with pytest.raises(MemoryError if "alloc" in str(lacks) else OSError):
        export()
    assert not list(tmp_path.rglob("engines.json"))


@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_is_no_verdict(export: Callable[..., Artifact], form: str, tmp_path: Path) -> None:
    with no_file_above(3000), pytest.raises(DiskFull, match=rf"^disk full: {tmp_path}.*File too large"):
        export(forms=[form])
    assert not list(tmp_path.rglob("engines.json"))


def test_damaged_records_are_named(
    export: Callable[..., Artifact], examples: Artifact, artifact: Make, tmp_path: Path
) -> None:
    for split in ("train", "eval"):
        damaged = artifact(standard_artifacts.Examples, tmp_path / split)
        shutil.copytree(examples.uri, damaged.uri, dirs_exist_ok=True)
        [shard] = (tmp_path / split / f"Split-{split}").iterdir()
        shard.write_bytes(shard.read_bytes()[:-9])
        with pytest.raises(BrokenState, match=f"^{damaged.uri}: cannot be read: "):
            export(examples=damaged)


def test_of_a_model_that_is_not_blessed_there_are_none(
    export: Callable[..., Artifact], monkeypatch: pytest.MonkeyPatch
) -> None:
    for engine in ENGINES:
        plant(monkeypatch, engine, lambda *_: pytest.fail("converted"))
    engines = export(blessed=0)
    assert told(engines) == {}
    assert [path.name for path in Path(engines.uri).iterdir()] == ["engines.json"]


def test_an_engine_that_is_missing_is_said_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, write_pairs: Callable[..., Path], tmp_path: Path
) -> None:
    config = load_config("folders", ['serving.engines=["onnx-float32"]'])
    data, out = write_pairs(tmp_path / "data", 12), tmp_path / "out"
    with prepared("folders", config, data, out):
        shutil.rmtree(out / "runs")
    monkeypatch.setitem(ENGINES, "onnx", replace(ENGINES["onnx"], converts=("onnx_that_is_nowhere",)))
    with (
        pytest.raises(UsageError, match=r"onnx_that_is_nowhere missing: pip install 'maskline\[onnx\]'"),
        prepared("folders", config, data, out),
    ):
        pytest.fail("begun")
    assert not (out / "runs").exists()


def test_what_is_not_built_is_no_form() -> None:
    expected = r"\[serving\.engines\] 1: found 'onnx-int8', expected 'tensorflow-bfloat16', .* or 'onnx-float32'"
    with pytest.raises(UsageError, match=expected):
        load_config("folders", ['serving.engines=["onnx-float32", "onnx-int8"]'])
