"""The demo from first run to refusals, on small phantoms; every step is a process of its own."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import pytest
from driver import REPOSITORY, Result, command, maskline, nodes, overrides
from told import told_by

FIRST_STEPS = [
    "ImageMaskExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "DataGate",
    "Augmentor",
]


def run_demo(out: Path, *arguments: object, source: Path = REPOSITORY, **changes: str) -> Result:
    return maskline("run", "demo", "--out", out, "--json", *overrides(**changes), *arguments, source=source)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def first(out: Path) -> Result:
    result = maskline("run", "demo", "--out", out, "--json", *overrides(), cold=True)
    assert result.code == 0, result.stderr
    return result


@pytest.fixture(scope="module")
def champion(out: Path, first: Result) -> bytes:
    """The pointer as the first run left it."""
    assert first.record["pushed"]
    return (out / "serving" / "CHAMPION.json").read_bytes()


def test_first_run_record_is_complete(out: Path, first: Result) -> None:
    record = first.record
    assert first.states == dict.fromkeys(nodes(), "ran")
    golden = json.loads((REPOSITORY / "tests" / "golden" / "runs.json").read_text())["done"]
    assert list(record) == [*golden, "artifacts"]
    # The loss has its own name now, every measure its change, and the threshold is part of the operating point.
    assert {*golden["metrics"]["test"]} - {*record["metrics"]["test"]} == {"loss", "dice_change", "threshold"}
    assert {*record["metrics"]["test"]} >= {"measures", "ce_dice", "change", "classes", "limits", "notes"}
    assert (record["status"], record["exit_code"], record["blessed"], record["reasons"]) == ("done", 0, True, [])
    # 24 women have 48 films; film 8 has a lesion without coordinates.
    assert record["counts"]["sources"] == 48
    assert record["counts"]["rejects"] == 1
    assert sum(record["counts"]["records"].values()) == 47
    assert record["metrics"]["test"]["cases"] == record["counts"]["records"]["test"]
    assert {"train", "eval", "test"} == set(record["metrics"])
    assert all(device.startswith(("CPU:", "GPU:")) for device in record["devices"])
    assert record["versions"]["tensorflow"]
    assert record["config"]["training"]["epochs"] == 20
    assert (record["seed"], record["warnings"]) == (0, [])
    run_dir = out / "runs" / record["id"]
    assert json.loads((run_dir / "run.json").read_text()) == record
    report = Path(record["report"]).read_text()
    assert "phantoms" in report
    assert (run_dir / "log.txt").stat().st_size > 0


def test_pushed_version_has_a_manifest_and_is_champion(out: Path, first: Result, champion: bytes) -> None:
    version = first.record["pushed"]["version"]
    assert json.loads(champion) == {"version": version}
    manifest = json.loads((out / "serving" / version / "MANIFEST.json").read_text())
    assert "phantoms" in manifest["notice"]
    assert manifest["metrics"]["dice"] == first.record["metrics"]["test"]["dice"]
    assert manifest["replaces"] is None
    assert manifest["run"] == first.record["id"]
    assert manifest["config"]["training"]["epochs"] == 20
    # The answer to "was this woman in the training set?" travels with the model.
    split_report = json.loads((out / "serving" / version / "split_report.json").read_text())
    assert {entry["split"] for entry in split_report["records"]} == {"train", "eval", "test"}


def test_the_report_is_written_again_without_names(out: Path, first: Result, tmp_path: Path) -> None:
    run, hidden = out / "runs" / first.record["id"], tmp_path / "hidden"
    wrong = {"--out DIR": ["--anonymous"], "exists": ["--anonymous", "--out", tmp_path]}
    for message, options in wrong.items():
        refused = maskline("report", run, "--json", *options)
        assert (refused.code, message in refused.record["error"]) == (2, True), refused.stdout
    result = maskline("report", run, "--anonymous", "--out", hidden, "--json")
    assert (result.code, result.record) == (0, {"report": str(hidden / "report.html")})
    files = ["doubtful.csv", "per_case.csv", "report.html", "report.json"]
    assert sorted(path.name for path in hidden.iterdir()) == files
    told, plain = told_by(hidden), told_by(run)
    records = json.loads((Path(first.record["pushed"]["path"]) / "split_report.json").read_text())["records"]
    names = {record[key] for record in records for key in ("id", "source")}
    assert {name for name in names if name.encode() in plain}
    assert {name for name in (*names, "mdb008", str(out), str(REPOSITORY)) if name.encode() in told} == set()
    # Who has the salt knows of whom is spoken: the owner alone can read it.
    assert (out / "salt").stat().st_mode & 0o077 == 0
    stands_for = json.loads((run / "names.json").read_text())
    [*cases] = csv.DictReader((hidden / "per_case.csv").read_text().splitlines())
    assert {stands_for[case["id"]] for case in cases} == {r["id"] for r in records if r["split"] == "test"}
    # The numbers are those of the run, and pictures as many.
    page, before = ((folder / "report.html").read_text() for folder in (hidden, run))
    assert page.count("<img ") == before.count("<img ")
    assert f"{first.record['metrics']['test']['dice']['mean']:.3f}" in page


@pytest.mark.parametrize("options", [[], ["--anonymous"]], ids=["with names", "without names"])
def test_a_version_in_one_file_predicts_where_nothing_else_is(
    out: Path, first: Result, tmp_path: Path, options: list[str]
) -> None:
    archive, served = tmp_path / "model.zip", Path(first.record["pushed"]["path"])
    result = maskline("registry", "export", out, "--out", archive, "--json", *options)
    assert result.code == 0, result.stderr
    assert result.record["report"] == first.record["id"]
    again = maskline("registry", "export", out, "--out", archive)
    assert (again.code, "nothing is overwritten" in again.stderr) == (2, True)
    with ZipFile(archive) as content:
        content.extractall(tmp_path / "there")
    [model] = (tmp_path / "there").iterdir()
    own = {path.relative_to(served).as_posix() for path in served.rglob("*")}
    extra = {path.relative_to(model).as_posix() for path in model.rglob("*")} - own
    assert {"report/report.html", "licences/licences.json", "licences/maskline-LICENSE.txt"} <= extra
    records = json.loads((served / "split_report.json").read_text())["records"]
    names = {record[key] for record in records for key in ("id", "source")} | {str(out), str(REPOSITORY)}
    told = told_by(model)
    assert {name for name in names if name.encode() in told} == (set() if options else names)
    films = sorted((out / "data").rglob("*.pgm"))[:2]
    predicted = [
        maskline("predict", where, *films, "--out", tmp_path / f"by-{number}", "--json")
        for number, where in enumerate((served, archive))
    ]
    assert [each.code for each in predicted] == [0, 0], predicted[1].stderr
    for film in films:
        masks = [(tmp_path / f"by-{number}" / "masks" / f"{film.stem}.png").read_bytes() for number in (0, 1)]
        assert masks[0] == masks[1]


def test_bytes_signature_answers_at_the_size_of_each_image(out: Path, first: Result) -> None:
    import tensorflow as tf

    film = cv2.imread(str(out / "data" / "mdb001.pgm"), cv2.IMREAD_GRAYSCALE)
    wide = cv2.resize(film, (77, 50))
    files = [cv2.imencode(".png", film)[1].tobytes(), cv2.imencode(".jpg", wide)[1].tobytes()]
    model = tf.saved_model.load(first.record["pushed"]["path"])
    answer = model.signatures["serve_image_bytes"](images=tf.constant(files))
    masks = [cv2.imdecode(np.frombuffer(png, np.uint8), -1) for png in answer["mask"].numpy()]
    probabilities = [cv2.imdecode(np.frombuffer(png, np.uint8), -1) for png in answer["probability"].numpy()]
    assert [mask.shape for mask in masks] == [(96, 96), (50, 77)]
    for mask, probability in zip(masks, probabilities, strict=True):
        assert probability.dtype == np.uint16
        np.testing.assert_array_equal(mask, probability >= 65535 / 2)


def test_unchanged_run_reuses_everything_and_pushes_nothing(out: Path, champion: bytes) -> None:
    # The first rerun meets a champion, its predecessor met none: what compares with it is made again, once.
    second, third = run_demo(out), run_demo(out)
    assert (second.code, third.code) == (0, 0)
    for node in {*FIRST_STEPS, "Trainer", "BulkInferrer", "Calibrator"} - {"DataGate"}:
        assert second.step(node)["cached"], second.step(node)
    for node in ("DataGate", "ChampionInferrer"):
        assert second.step(node)["reason"] == "new champion"
    assert second.step("Evaluator")["reason"] == "new champion inference"
    assert second.step("ServingCheck")["reason"] == "new evaluation"
    assert {node for node, state in third.states.items() if state == "ran"} == {"Pusher", "RunReport"}
    assert third.step("Pusher")["reason"] == "always runs"
    for result in (second, third):
        assert result.record["pushed"] is None
        assert "is the model served as version" in result.record["not_pushed"]
        assert all(step["reason"] for step in result.record["steps"])
    assert (out / "serving" / "CHAMPION.json").read_bytes() == champion
    # The same data as the champion's: compared, and no drift found.
    reports = [json.loads(path.read_text()) for path in out.glob("artifacts/DataGate/split_report/*/split_report.json")]
    assert sum(report["drift"] is None for report in reports) == 1
    [drift] = [report["drift"] for report in reports if report["drift"]]
    assert drift["champion"] == json.loads(champion)["version"]
    assert {feature["verdict"] for feature in drift["features"]} == {"no drift"}
    assert {feature["statistic"] for feature in drift["features"]} == {0}


def test_low_dice_is_refused(out: Path, champion: bytes) -> None:
    versions = sorted((out / "serving").iterdir())
    result = run_demo(out, evaluation__min_dice="0.99", inference__threshold="0.6")
    # Another threshold asks no model again.
    for node in ("BulkInferrer", "ChampionInferrer"):
        assert result.step(node)["cached"], result.step(node)
    assert result.step("Calibrator")["state"] == "ran"
    assert result.record["metrics"]["test"]["operating_point"]["threshold"] == 0.6
    assert result.code == 3
    assert result.record["blessed"] is False
    assert "is below min_dice 0.99" in result.record["reasons"][0]
    assert "min_dice 0" in result.step("Evaluator")["reason"]
    assert "threshold auto -> 0.6" in result.step("Calibrator")["reason"]
    assert result.step("Trainer")["cached"]
    assert (out / "serving" / "CHAMPION.json").read_bytes() == champion
    assert sorted((out / "serving").iterdir()) == versions
    assert maskline("runs", out, "--json").record[-1]["status"] == "refused by the evaluation"


def test_worse_than_champion_is_refused(out: Path, champion: bytes) -> None:
    result = run_demo(out, training__epochs="1", training__learning_rate="1e-6")
    assert result.code == 3
    assert "against the champion" in result.record["reasons"][0]
    assert result.record["metrics"]["test"]["champion"]["version"] == json.loads(champion)["version"]
    assert (out / "serving" / "CHAMPION.json").read_bytes() == champion


def copy_source(folder: Path) -> None:
    for package in ("components", "pipeline", "schemas"):
        shutil.copytree(REPOSITORY / package, folder / package)


@pytest.mark.slow
def test_a_model_that_is_not_judged_as_it_was_trained_is_told(out: Path, champion: bytes, tmp_path: Path) -> None:
    """With averages of batch norm that never leave the 0 and 1 that they begin with."""
    copy_source(tmp_path)
    for file, line, planted in (
        ("models/architecture.py", r"(?m)^MOMENTUM = .*$", "MOMENTUM = 1.0"),
        ("run.py", r"(?m)^    begin_averages\(.*$", ""),
    ):
        source = tmp_path / "components" / "trainer" / file
        changed, count = re.subn(line, planted, source.read_text())
        assert count == 1, file
        source.write_text(changed)
    shown = maskline("run", "demo", "--out", out, *overrides(), source=tmp_path).stdout
    assert re.search(
        r"(?m)^✓ Trainer .*\n! the training loss is \d+\.\d{3} in inference mode, .* in training mode", shown
    )
    record = json.loads(max((out / "runs").glob("*/run.json")).read_text())
    assert f"! {record['warnings'][0]}\n" in shown
    assert record["warnings"][0].replace("'", "&#39;") in Path(record["report"]).read_text()


def test_edited_component_runs_again_with_what_follows(out: Path, champion: bytes, tmp_path: Path) -> None:
    copy_source(tmp_path)
    with (tmp_path / "components" / "serving_check" / "core.py").open("a") as source:
        source.write("# edited\n")
    result = run_demo(out, source=tmp_path)
    assert result.step("ServingCheck")["reason"] == "its code or a library has changed"
    assert "new infra blessing" in result.step("RunReport")["reason"]
    for node in (*FIRST_STEPS, "Trainer"):
        assert result.step(node)["cached"]
    assert json.loads(champion)["version"] in result.record["not_pushed"]


def test_from_node_runs_again_without_a_change(out: Path, champion: bytes) -> None:
    result = run_demo(out, "--from", "ServingCheck")
    assert result.step("Trainer")["cached"]
    assert result.step("ServingCheck")["reason"] == "asked to run again"


def test_same_film_in_two_groups_is_refused(out: Path, first: Result, tmp_path: Path) -> None:
    films = tmp_path / "films"
    shutil.copytree(out / "data", films)
    report = json.loads(maskline("check", films, "--json", *overrides(), "--recipe", "demo").stdout)
    split = {entry["source"]: entry["split"] for entry in report["records"]}
    original = next(name for name, where in split.items() if where == "train")
    copy = next(name for name, where in split.items() if where == "test")
    shutil.copyfile(films / original, films / copy)
    result = run_demo(tmp_path / "out", "--data", films)
    assert result.code == 4
    [reason] = [text for text in result.record["reasons"] if text.startswith("identical pixels (1): ")]
    assert original in reason
    assert copy in reason
    assert result.step("DataGate")["state"] == "failed"
    assert result.record["pushed"] is None
    kept = json.loads((tmp_path / "out" / "runs" / result.record["id"] / "split_report.json").read_text())
    assert kept["problems"][0]["kind"] == "identical pixels"


def stop_in_training(out: Path, arguments: list[object], stop: signal.Signals) -> int:
    """Runs until an epoch has been trained, then sends a signal; the exit code of the process."""
    histories = "artifacts/Trainer/model_run/*/history.csv"
    earlier = set(out.glob(histories))
    process = subprocess.Popen(
        command(*arguments),
        stdout=subprocess.DEVNULL,
        cwd=REPOSITORY,
        # Where the tests run in the background, interrupts are ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not any(path.stat().st_size for path in set(out.glob(histories)) - earlier):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(stop)
    return process.wait()


def test_killed_training_resumes_from_the_finished_nodes(tmp_path: Path) -> None:
    arguments = ["run", "demo", "--out", tmp_path, "--json", *overrides(training__epochs="30")]
    assert stop_in_training(tmp_path, arguments, signal.SIGKILL) == -signal.SIGKILL
    [killed] = maskline("runs", tmp_path, "--json").record
    assert killed["status"] == "killed"
    assert not list((tmp_path / "serving").glob("[!.]*"))

    assert stop_in_training(tmp_path, arguments, signal.SIGINT) == 130
    assert maskline("runs", tmp_path, "--json").record[-1]["status"] == "interrupted"

    again = maskline(*arguments)
    assert again.code == 0, again.stderr
    assert all(again.step(node)["cached"] for node in FIRST_STEPS)
    assert again.step("Trainer")["reason"] == "no finished run before"
    assert again.record["pushed"]
    # Of the two that were ended nothing is left.
    for output in ("model", "model_run"):
        assert len(list((tmp_path / "artifacts" / "Trainer" / output).glob("[!.]*"))) == 1


@pytest.mark.slow
def test_swapped_masks_are_read_again_and_own_data_are_no_phantoms(tmp_path: Path) -> None:
    data = tmp_path / "data"
    write_pairs(data)
    arguments = ["run", "folders", "--data", data, "--out", tmp_path / "out", "--to", "ImageMaskExampleGen"]
    first = maskline(*arguments, "--json")
    (data / "masks" / "c1.png").rename(data / "masks" / "kept")
    (data / "masks" / "c2.png").rename(data / "masks" / "c1.png")
    (data / "masks" / "kept").rename(data / "masks" / "c2.png")
    second = maskline(*arguments, "--json")
    assert (first.code, second.code) == (0, 0), first.stdout
    assert second.step("ImageMaskExampleGen")["reason"] == "its input files have changed"
    third = maskline(*arguments)
    assert "cached" in third.stdout
    assert "phantoms" not in third.stdout


def write_pairs(folder: Path) -> None:
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(20):
        mask = cv2.circle(np.zeros((32, 32), np.uint8), tuple(map(int, rng.integers(8, 24, 2))), 5, 255, -1)
        cv2.imwrite(str(folder / "masks" / f"c{number}.png"), mask)
        cv2.imwrite(str(folder / "images" / f"c{number}.png"), mask // 2 + rng.integers(0, 60, (32, 32), np.uint8))


def test_people_see_a_line_per_node_and_no_chatter(out: Path, champion: bytes) -> None:
    result = maskline("run", "demo", "--out", out, *overrides())
    lines = result.stdout.splitlines()
    assert result.code == 0
    assert result.stderr == ""
    assert sum(line.startswith(("✓", "=")) for line in lines) == len(nodes())
    assert "! rejected mdb008.pgm: Info.txt: a lesion without coordinates" in result.stdout
    assert "phantoms" in lines[1]
    assert lines[-1].startswith("Report: ")
    assert len(lines) <= len(nodes()) + 8


@pytest.mark.slow
def test_terminal_shows_no_chatter_either(out: Path, champion: bytes) -> None:
    # With bars drawn: the library that draws them must not bring back what goes to the log.
    terminal, process_side = pty.openpty()
    arguments = command("run", "demo", "--out", out, "--from", "Trainer", "--to", "Trainer", *overrides())
    process = subprocess.Popen(arguments, stdout=process_side, stderr=process_side, cwd=REPOSITORY)
    os.close(process_side)
    shown = b""
    with contextlib.suppress(OSError):  # how a pseudo-terminal ends
        while chunk := os.read(terminal, 65536):
            shown += chunk
    os.close(terminal)
    assert process.wait() == 0
    text = shown.decode()
    assert re.search(r"Trainer epoch \d+/20, validation Dice 0\.\d", text)
    assert "✓" in text
    for chatter in ("Warning", "tensorflow", "oneDNN", "absl"):
        assert chatter not in text


def test_second_run_on_a_busy_folder_is_refused(tmp_path: Path) -> None:
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = run_demo(tmp_path)
    assert result.code == 2
    assert "another run uses this output folder" in result.record["error"]


@pytest.mark.slow
@pytest.mark.skipif(
    not (REPOSITORY.parent / "shared" / "data" / "inbreast-mini").is_dir(), reason="the real mammograms are not here"
)
def test_real_mammograms_run_the_whole_graph(tmp_path: Path) -> None:
    result = maskline(
        "run", "inbreast", "--data", REPOSITORY.parent / "shared" / "data" / "inbreast-mini", "--out", tmp_path,
        "--json", "--set", "data.height=64", "--set", "data.width=64", "--set", "augmentation.copies=1",
        "--set", "model.parameters.base_filters=4", "--set", "training.epochs=2",
    )  # fmt: skip
    record = result.record
    # Two epochs are not enough for the recipe's floor: the gate refuses, and says what was measured.
    assert result.code == 3
    assert set(result.states) == set(nodes("inbreast"))
    assert record["counts"] == {"sources": 24, "rejects": 0, "records": record["counts"]["records"]}
    assert sum(record["counts"]["records"].values()) == 24
    assert 0 <= record["metrics"]["test"]["dice"]["mean"] < 0.5
    assert "is below min_dice 0.5" in record["reasons"][0]


def test_what_is_pruned_is_needed_by_neither_the_champion_nor_the_last_run(out: Path, first: Result) -> None:
    """The last one here: it empties the folder that all share."""
    served = Path(first.record["pushed"]["path"])
    run_demo(out)
    before = {path: path.stat().st_size for path in (out / "artifacts").rglob("*") if path.is_file()}
    pruned = maskline("registry", "prune", out, "--keep", "1", "--yes", "--json")
    assert pruned.code == 0, pruned.stderr
    assert pruned.record["versions"] == {}
    assert len(pruned.record["artifacts"]) > 3
    assert not any((out / "artifacts" / name).exists() for name in pruned.record["artifacts"])
    left = sum(path.stat().st_size for path in before if path.is_file() and not path.parent.name.startswith("."))
    assert left < sum(before.values())
    again = run_demo(out)
    assert {step["id"] for step in again.record["steps"] if not step["cached"]} == {"Pusher", "RunReport"}
    assert maskline("report", out / "runs" / first.record["id"], "--out", out / "again", "--json").code == 0
    assert served.is_dir()
