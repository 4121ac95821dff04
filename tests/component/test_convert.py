"""`maskline convert`: the copy, its verdict and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from small_network import SIDE, cases_in, network, save
from typer.testing import CliRunner

from components.files import write_json
from components.inference.model import load_model
from components.serving_dir import read_paper
from components.serving_papers import Manifest
from pipeline.cli.app import app
from pipeline.config.loader import load_config
from pipeline.runs.record import RunRecord, write_run

ACCOUNT = {"sources": 0, "records": {}, "rejects": [], "left_out": [], "without_records": [], "empty_tiles_dropped": 0}
ACCOUNT |= {"lossy_masks": None, "lesions_lost": {}, "truth": {}, "turns": {}}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = save(network(), tmp_path_factory.mktemp("serving") / "7")
    write_json(folder / "MANIFEST.json", {"version": "7", "run": "20261101-000000", "data_fingerprint": "these"})
    return folder


def run_in(out: Path, count: int, fingerprint: str = "these") -> Path:
    """A run with records of so many groups for validation."""
    examples, run = out / "artifacts/ImageMaskExampleGen/examples/1", out / "runs/20261101-000000"
    cases_in(examples, count)
    write_json(examples / "account.json", {**ACCOUNT, "data_fingerprint": fingerprint})
    run.mkdir(parents=True)
    config = load_config("folders", [f"data.height={SIDE}", f"data.width={SIDE}"]).model_dump(mode="json")
    record = RunRecord(id=run.name, recipe="folders", status="done", exit_code=0, config=config)
    record.artifacts = {"examples": str(examples)}
    write_run(run, record)
    return run


def convert(
    model: Path, run: Path, out: Path, form: str = "openvino-float32", *more: str
) -> tuple[Result, dict[str, Any]]:
    given = ["convert", str(model), "--to", form, "--data", str(run), "--out", str(out), *more, "--json"]
    result = CliRunner().invoke(app, given)
    return result, json.loads(result.stdout)


@pytest.mark.long
def test_what_agrees_is_offered_beside_what_was_before(saved: Path, tmp_path: Path) -> None:
    run = run_in(tmp_path / "out", 900)
    first, told = convert(saved, run, tmp_path / "first", "openvino-bfloat16")
    second, _ = convert(tmp_path / "first", run, tmp_path / "second")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert (told["form"], told["offered"], told["measured"]["groups"]) == ("openvino-bfloat16", True, 900)
    kept = json.loads((tmp_path / "second/assets.extra/engines.json").read_text())["engines"]
    assert kept["openvino-bfloat16"] == {key: told[key] for key in kept["openvino-bfloat16"]}
    manifest = read_paper(tmp_path / "second/MANIFEST.json", Manifest)
    assert manifest["engines"] == {"openvino-float32": True, "openvino-bfloat16": True}
    assert manifest == {**read_paper(saved / "MANIFEST.json", Manifest), "engines": manifest["engines"]}
    for precision in ("float32", "bfloat16"):
        load_model(tmp_path / "second", engine="openvino", precision=precision)
    assert not (saved / "assets.extra/engines.json").exists()


def test_what_few_groups_cannot_show_is_refused_and_the_verdict_kept(saved: Path, tmp_path: Path) -> None:
    result, told = convert(saved, run_in(tmp_path / "out", 9), tmp_path / "copy")
    assert result.exit_code == 3
    assert told["reason"].startswith("too few groups to say: the mean changes by +0.0000")
    assert "takes some 738 groups" in told["reason"]
    kept = tmp_path / "copy/assets.extra"
    assert not json.loads((kept / "engines.json").read_text())["engines"]["openvino-float32"]["offered"]
    assert not (kept / "engines/openvino-float32").exists()
    assert read_paper(tmp_path / "copy/MANIFEST.json", Manifest)["engines"] == {"openvino-float32": False}
    load_model(tmp_path / "copy", engine="auto")


def test_what_does_not_belong_together_is_a_mistake(saved: Path, tmp_path: Path) -> None:
    run = run_in(tmp_path / "out", 9, fingerprint="others")
    for out, more, named in [
        (tmp_path / "new", [], "is of other data than"),
        (tmp_path, [], "exists, and nothing is overwritten"),
        (tmp_path / "new", ["onnx-int8"], "--to 'onnx-int8': expected of a model one of tensorflow-bfloat16, openvino"),
        (tmp_path / "new", ["tensorrt"], "of a folder of images one of coco, cvat, label-studio, qupath, folders"),
        (tmp_path / "new", ["onnx-float32", "--recipe", "x"], "--recipe: is of converting a folder, and this converts"),
        (tmp_path / "new", ["coco"], "--data: is of converting a model, and this converts truth to coco. Leave it out"),
    ]:
        result, told = convert(saved, run, out, *more)
        assert (result.exit_code, named in told["error"]) == (2, True), told
    assert not (tmp_path / "new").exists()
