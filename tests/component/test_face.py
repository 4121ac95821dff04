"""`import maskline`: its examples, in a thread of a process that is someone else's."""

from __future__ import annotations

import doctest
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import maskline
from components.errors import UsageError

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
def test_a_prediction_is_the_mask_that_the_evaluator_kept(names: dict[str, Any]) -> None:
    model = maskline.load_model(names["out"] / "serving")
    pixels = np.zeros((50, 70, 3), np.uint8)
    pixels[10:30, 20:40] = 255
    [one] = maskline.predict(model, [pixels])
    assert one.source == ""
    assert one.classes.shape == (50, 70)
    assert one.probability.shape == (50, 70, 1)
    np.testing.assert_array_equal(one.classes, one.probability[..., 0] >= 0.5)
    with pytest.raises(UsageError, match=r"data/nowhere.png: "):
        list(maskline.predict(model, [names["folder"] / "nowhere.png"]))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds neither a model nor CHAMPION\.json\. Give a version's folder"):
        maskline.load_model(tmp_path)


def test_importing_it_imports_nothing_heavy() -> None:
    program = "import sys, maskline; print([m for m in ('tensorflow', 'tfx', 'numpy', 'cv2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
