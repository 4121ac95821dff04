"""The small demo on Kubeflow as far as it goes without a cluster: compiled, linted, and run from the YAML alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from driver import Result, maskline, nodes, overrides

from pipeline.kubeflow.simulator.backend import BACKENDS, NEWEST
from pipeline.kubeflow.spec.package import read_package, write_package
from pipeline.runs.phantoms.sets import write_phantoms

LOOKS_OUTSIDE = {"ChampionResolver", "Evaluator", "Pusher"}
"""Never cached: what they look at may have changed since."""
OLDER = [backend.release for backend in BACKENDS if backend is not NEWEST]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data and the serving folder, as volumes of the cluster would hold them."""
    place = tmp_path_factory.mktemp("kubeflow")
    write_phantoms(place / "data", women=24, size=96, seed=7)
    (place / "serving").mkdir()
    return place


@pytest.fixture(scope="module")
def pipeline(place: Path) -> Path:
    file = place / "demo.yaml"
    settings = overrides(
        training__epochs="2",
        kubeflow__image="registry.example.org/maskline:1.0",
        kubeflow__pipeline_root="s3://bucket/runs",
        serving__destination=str(place / "serving"),
    )
    result = maskline("kubeflow", "compile", "demo", "--out", file, "--data", place / "data", *settings)
    assert result.code == 0, result.stderr
    return file


def simulation(place: Path, pipeline: Path, release: str = NEWEST.release) -> list[object]:
    out = place / f"cluster-{release}"
    return ["kubeflow", "simulate", pipeline, "--out", out, "--data", place / "data", "--backend", release]


def simulate(place: Path, pipeline: Path) -> Result:
    return maskline(*simulation(place, pipeline), "--json")


@pytest.fixture(scope="module")
def first(place: Path, pipeline: Path) -> Result:
    """The first simulation: every step runs, each in a process of its own, as the newest release of Kubeflow calls it.

    The other tests reuse its results.
    """
    result = simulate(place, pipeline)
    assert result.code == 0, result.stdout + result.stderr
    assert result.states == dict.fromkeys(nodes(), "ran")
    return result


def test_a_model_is_pushed_from_the_yaml_alone(place: Path, first: Result) -> None:
    import tensorflow as tf

    version = first.record["pushed"]["version"]
    assert json.loads((place / "serving/CHAMPION.json").read_text()) == {"version": version}
    manifest = json.loads((place / f"serving/{version}/MANIFEST.json").read_text())
    assert manifest["metrics"]["blessed"]
    # The record is that of a local run, as far as a pipeline without its config can tell.
    assert first.record["metrics"]["test"] == manifest["metrics"]
    assert (first.record["blessed"], first.record["warnings"]) == (True, [])
    # The id that the driver gave to the run, by which it stored the artifacts.
    assert f"/demo/{manifest['run']}/Trainer/" in first.step("Trainer")["outputs"]["model"]["uri"]
    model = tf.saved_model.load(str(place / f"serving/{version}"))
    film = (place / "data/mdb001.pgm").read_bytes()
    png = tf.io.encode_png(tf.reshape(tf.io.decode_raw(film[-96 * 96 :], tf.uint8), (96, 96, 1)))
    assert model.signatures["serve_image_bytes"](images=tf.stack([png]))["mask"].shape == (1,)


def test_properties_reach_the_next_steps_and_addresses_are_the_stores(first: Result) -> None:
    blessing = first.step("Evaluator")["outputs"]["blessing"]
    model = first.step("Calibrator")["outputs"]["calibrated"]
    assert blessing["uri"].startswith("s3://bucket/runs/demo/")
    assert (blessing["metadata"]["blessed"], blessing["metadata"]["current_model"]) == (1.0, model["uri"])
    assert first.step("ChampionResolver")["outputs"]["champion"]["metadata"]["version"] == ""
    examples = first.step("ImageMaskExampleGen")["outputs"]["examples"]
    assert "num_files" in examples["metadata"]["input_fingerprint"]
    assert first.record["report"].startswith(first.step("RunReport")["outputs"]["report"]["path"])
    assert "Dice" in Path(first.record["report"]).read_text()


@pytest.mark.slow
def test_a_second_simulation_runs_only_what_the_new_champion_concerns(
    place: Path, pipeline: Path, first: Result
) -> None:
    second = simulate(place, pipeline)
    assert second.code == 0, second.stdout + second.stderr
    ran = {node for node, state in second.states.items() if state == "ran"}
    assert ran == LOOKS_OUTSIDE | {"DataGate", "ChampionInferrer", "RunReport"}
    assert second.record["pushed"] is None
    version = first.record["pushed"]["version"]
    assert second.step("ChampionResolver")["outputs"]["champion"]["metadata"]["version"] == version
    reason = second.step("Pusher")["outputs"]["pushed_model"]["metadata"]["reason"]
    assert reason == f"the candidate is the model served as version {version}"
    assert second.record["not_pushed"] == reason
    assert second.step("Trainer")["outputs"] == first.step("Trainer")["outputs"]


def test_a_refusal_of_the_data_gate_is_the_last_word(place: Path, pipeline: Path, first: Result) -> None:
    package = read_package(pipeline)
    parameters = package.spec["root"]["dag"]["tasks"]["DataGate"]["inputs"]["parameters"]
    settings = json.loads(parameters["settings"]["runtimeValue"]["constant"])
    strict = json.dumps({**settings, "min_groups": 1000})
    parameters["settings"] = {"runtimeValue": {"constant": strict}}
    write_package(package, place / "strict.yaml")
    champion = (place / "serving/CHAMPION.json").read_bytes()
    refused = maskline(*simulation(place, place / "strict.yaml"))
    assert refused.code == 4
    assert "✗ DataGate" in refused.stdout
    assert (
        "1000"
        in refused.stdout[refused.stdout.index("Refused: DataGate: ended with code 4: DataRefused (exit code 4)") :]
    )
    assert "Trainer" not in refused.stdout
    logs = (place / f"cluster-{NEWEST.release}/store").glob("s3/bucket/runs/demo/*/DataGate/*/executor-logs-0")
    assert any("DataRefused (exit code 4)" in log.read_text() for log in logs)
    assert (place / "serving/CHAMPION.json").read_bytes() == champion


def test_the_log_that_kubeflow_adds_has_what_the_step_printed(first: Result) -> None:
    for step in first.record["steps"]:
        log = step["outputs"]["executor-logs"]
        assert log["uri"].endswith("/executor-logs-0")
        assert Path(log["path"]).read_text() == Path(step["log"]).read_text()


@pytest.mark.parametrize("release", OLDER)
def test_a_step_runs_as_older_releases_call_it(place: Path, pipeline: Path, release: str) -> None:
    """One alone, whose results have files and properties; `make test-releases` runs all."""
    package = read_package(pipeline)
    tasks = package.spec["root"]["dag"]["tasks"]
    package.spec["root"]["dag"]["tasks"] = {"ImageMaskExampleGen": tasks["ImageMaskExampleGen"]}
    write_package(package, place / "short.yaml")
    result = maskline(*simulation(place, place / "short.yaml", release), "--json")
    assert result.code == 0, result.stdout + result.stderr
    outputs = result.step("ImageMaskExampleGen")["outputs"]
    assert outputs["examples"]["metadata"]["split_names"] == '["train", "eval", "test"]'
    assert "num_files" in outputs["examples"]["metadata"]["input_fingerprint"]
    assert list(Path(outputs["examples"]["path"]).glob("Split-test/*"))
    if release == "2.4":
        assert set(outputs) == {"examples"}
    else:
        assert '"components.example_gen.executor.Executor: done"' in Path(outputs["executor-logs"]["path"]).read_text()


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("release", OLDER)
def test_every_step_runs_as_older_releases_call_it(place: Path, pipeline: Path, release: str) -> None:
    (place / "serving/CHAMPION.json").unlink(missing_ok=True)
    result = maskline(*simulation(place, pipeline, release), "--json")
    assert result.code == 0, result.stdout + result.stderr
    assert result.states == dict.fromkeys(nodes(), "ran")
    assert result.record["pushed"]


def test_what_cannot_be_run_is_said_before_anything_runs(place: Path, pipeline: Path) -> None:
    conditional = place / "conditional.yaml"
    text = pipeline.read_text(encoding="utf-8")
    task = "        taskInfo:\n          name: Trainer\n"
    assert task in text
    conditional.write_text(
        text.replace(task, f"{task}        triggerPolicy:\n          condition: 'true'\n"), encoding="utf-8"
    )
    for arguments, message in (
        ([conditional], "Trainer: has a condition or a trigger"),
        ([place / "missing.yaml"], "missing.yaml: cannot be read"),
        ([pipeline, "--parameter", "epochs=3"], "epochs: no such parameter. The pipeline has none"),
        ([pipeline, "--data", place / "nowhere"], "nowhere: no such folder"),
        ([pipeline, "--mount", "films=/mnt"], "--mount goes with --image"),
        ([pipeline, "--backend", "2.3"], "--backend 2.3: expected one of 2.4, 2.5, 2.15, 2.17"),
    ):
        result = maskline("kubeflow", "simulate", "--out", place / "other", *arguments)
        assert result.code == 2, arguments
        assert message in result.stderr
    assert not (place / "other").exists()
