"""`import maskline`: its examples, in a thread of a process that is someone else's."""

from __future__ import annotations

import doctest
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from typer.testing import CliRunner

import maskline
from components.artifacts import TRAINING_FILE
from components.errors import UsageError
from components.files import read_json, write_json
from components.imaging.files.codecs import decode_image
from components.serving_dir import MANIFEST_FILE
from pipeline.cli.app import app

SETTINGS = [
    *("data.height=32", "data.width=32", "data.groups.by=pattern", "data.groups.pattern=(p\\d+)_"),
    *("model.parameters.levels=2", "model.parameters.base_filters=4", "training.epochs=2", "augmentation.copies=0"),
    "validation.min_groups=1",
]


@pytest.fixture(scope="module")
def names(write_pairs: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the examples know."""
    folder = write_pairs(tmp_path_factory.mktemp("face") / "data", patients=12)
    return {
        **{name: getattr(maskline, name) for name in maskline.__all__},
        **{"folder": folder, "out": folder.parent / "out", "seen": set()},
        "config": maskline.load_config("folders", SETTINGS),
        "images": sorted((folder / "images").iterdir())[:2],
    }


@pytest.fixture(scope="module")
def told(names: dict[str, Any]) -> list[str]:
    """What doctest says of every example, all of them run in one thread; and what of the process has changed."""
    said: list[str] = []

    def examples() -> None:
        runner = doctest.DocTestRunner()
        # A model is run before it is loaded.
        order = ["load_config", "check", "run", "load_model", "predict", "measures"]
        assert sorted(order) == maskline.__all__
        for name in order:
            [test] = doctest.DocTestFinder().find(getattr(maskline, name), name, globs=dict(names))
            assert test.examples, name
            runner.run(test, out=said.append)

    before = state()
    sys.argv, arguments = [*sys.argv, "--runner=NoSuchRunner", "--output=x"], sys.argv
    try:
        thread = threading.Thread(target=examples)
        thread.start()
        thread.join()
    finally:
        sys.argv = arguments
    return said + [f"changed: {one} -> {other}" for one, other in zip(before, state(), strict=True) if one != other]


def state() -> list[Any]:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    streams = [os.fstat(descriptor).st_ino for descriptor in (1, 2)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return [*handlers, *streams, sys.stdout, sys.stderr, environment, Path.cwd()]


def test_the_examples_are_true_in_a_thread_and_leave_the_process_as_it_was(told: list[str]) -> None:
    assert told == []


@pytest.mark.usefixtures("told")
def test_a_prediction_is_the_mask_that_the_model_serves(names: dict[str, Any]) -> None:
    model = maskline.load_model(names["out"] / "serving")
    serve = tf.saved_model.load(str(model.folder)).signatures["serve_image_bytes"]
    answer = serve(images=tf.constant([path.read_bytes() for path in names["images"]]))
    masks, probabilities = (answer[key].numpy() for key in ("mask", "probability"))
    predictions = maskline.predict(model, names["images"])
    for prediction, path, mask, probability in zip(predictions, names["images"], masks, probabilities, strict=True):
        assert prediction.source == str(path)
        served = decode_image(probability) / 65535
        # Where an image shrinks, records and so the predictor have whole grey levels, the graph has not.
        difference = np.abs(prediction.probability[..., 0] - served)
        assert difference.max() < 0.05
        assert difference.mean() < 0.005
        clear = np.abs(served - 0.5) > 0.05
        np.testing.assert_array_equal(prediction.classes[clear], decode_image(mask)[clear])


@pytest.mark.usefixtures("told")
def test_arrays_are_images_and_what_is_none_is_named(names: dict[str, Any]) -> None:
    model = maskline.load_model(names["out"] / "serving")
    pixels = np.zeros((50, 70, 3), np.uint8)
    pixels[10:30, 20:40] = 255
    [one] = maskline.predict(model, [pixels])
    assert (one.source, one.classes.shape, one.probability.shape) == ("", (50, 70), (50, 70, 1))
    for wrong in (pixels / 255, np.zeros((5, 5, 4), np.uint8), np.zeros((0, 5), np.uint8), np.zeros(5, np.uint8)):
        with pytest.raises(UsageError, match=r"an image of .*: expected uint8 or uint16"):
            list(maskline.predict(model, [wrong]))
    [same] = maskline.predict(model, pixels)
    np.testing.assert_array_equal(same.classes, one.classes)
    found = maskline.predict(model, [pixels, pixels, names["folder"] / "nowhere.png", pixels])
    assert [next(found).classes.shape for _ in range(2)] == [(50, 70)] * 2
    with pytest.raises(UsageError, match=r"data/nowhere.png: "):
        next(found)


@pytest.mark.usefixtures("told")
def test_a_run_leaves_what_tells_its_images_again(names: dict[str, Any], write_pairs: Callable, tmp_path: Path) -> None:
    """From the folder to the version: ingestion, data gate and pusher."""
    [run] = (names["out"] / "runs").iterdir()
    # The same patients by their names, of whom the first has another image.
    foreign = write_pairs(tmp_path / "foreign", patients=2)
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 48)).astype(np.uint8)).save(
        foreign / "images/p00_a.png"
    )
    for model in (names["out"] / "serving", run):
        asked = CliRunner().invoke(app, ["seen", str(model), *map(str, names["images"]), "--json"])
        assert (asked.exit_code, json.loads(asked.stdout)["seen"]) == (4, 2)
        asked = CliRunner().invoke(app, ["evaluate", str(model), "--data", str(foreign), "--json"])
        found = {row["image"]: row["matches"][0]["by"] for row in json.loads(asked.stdout)["seen"]}
        assert asked.exit_code == 4
        assert found.pop("images/p00_a.png") == "same group"
        assert set(found.values()) == {"same pixels"}


@pytest.mark.usefixtures("told")
def test_a_model_that_was_copied_in_part_is_named(names: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(maskline.load_model(names["out"] / "serving").folder, tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy/variables")
    with pytest.raises(UsageError, match=r"copy/variables: cannot be read: .*Copy the whole folder anew"):
        maskline.load_model(tmp_path / "copy")
    (tmp_path / "copy/MANIFEST.json").unlink()
    with pytest.raises(UsageError, match=r"copy: cannot be read: .*Copy the whole folder anew"):
        maskline.load_model(tmp_path / "copy")


@pytest.mark.usefixtures("told")
def test_pixels_are_turned_as_those_were_that_the_model_learnt(names: dict[str, Any], tmp_path: Path) -> None:
    folder = maskline.load_model(names["out"] / "serving").folder
    stored = shutil.copytree(folder, tmp_path / "stored")
    training = read_json(stored / "assets.extra" / TRAINING_FILE)
    assert training["config"]["derivation"]["orientation"] is None
    training["config"]["derivation"]["orientation"] = "ignore"
    write_json(stored / "assets.extra" / TRAINING_FILE, training)
    # Which tells what was pushed.
    (stored / MANIFEST_FILE).unlink()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.arange(50 * 70, dtype=np.uint16).reshape(50, 70).astype(np.uint8)).save(
        tmp_path / "turned.jpg", exif=exif
    )
    for version, shape in ((folder, (70, 50)), (stored, (50, 70))):
        [prediction] = maskline.predict(maskline.load_model(version), tmp_path / "turned.jpg")
        assert prediction.classes.shape == shape


class Enough(Exception):
    pass


def test_a_second_run_at_a_time_is_refused(names: dict[str, Any], tmp_path: Path) -> None:
    refused = []

    def another(_: object) -> None:
        with pytest.raises(UsageError, match="another run is on in this process"):
            maskline.run(names["config"], names["folder"], tmp_path / "other")
        refused.append(True)
        raise Enough

    with pytest.raises(Enough):
        maskline.run(names["config"], names["folder"], tmp_path / "one", another)
    assert refused == [True]


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds neither a model nor CHAMPION\.json\. Give a version's folder"):
        maskline.load_model(tmp_path)


def test_importing_it_imports_nothing_heavy() -> None:
    program = "import sys, maskline; print([m for m in ('tensorflow', 'tfx', 'numpy', 'cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
