"""What is told of a prediction of several classes, and which files are asked about."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from components.errors import UsageError
from components.imaging.files.codecs import decode_image, encode_png
from components.predictions.answered import Answered, Loaded
from components.predictions.inputs import Given, inputs_of
from components.predictions.outputs import probability
from components.task import Task

TASK = Task(classes=["lesion", "a/b", "vessel"])


def answered(probabilities: list[list[float]]) -> Answered:
    """Of an image of a row, with the probabilities of background and three classes for each pixel."""
    values = np.float32(probabilities)[None]
    loaded = Loaded(Given(Path("x/y.png"), "x/y.png"), np.zeros(values.shape[:2], np.uint8), None, b"")
    return Answered(loaded, TASK, TASK.predicted(values, 0.5), values)


def test_each_of_several_classes_has_its_probability_and_counts_where_it_is_predicted() -> None:
    answer = answered([[0.1, 0.8, 0.1, 0.0], [0.7, 0.2, 0.1, 0.0], [0.2, 0.0, 0.1, 0.7]])
    assert answer.pixels == {"lesion": 1, "a/b": 0, "vessel": 1}
    # 2 sum(p m) / (sum p + sum m) of the first and the third class; the second is not predicted.
    assert answer.confidence == pytest.approx((1.6 / 2.0 + 1.4 / 1.7) / 2)
    files = {name: decode_image(content) for name, content in probability(answer, "model")}
    assert list(files) == [f"probability/{folder}/x/y.png" for folder in ("lesion", "class-2", "vessel")]
    np.testing.assert_array_equal(files["probability/lesion/x/y.png"][0], np.rint([0.8 * 65535, 0.2 * 65535, 0]))
    assert answered([[0.9, 0.1, 0.0, 0.0]]).confidence == 0


def test_files_are_found_below_folders_once_and_not_where_predictions_go(tmp_path: Path) -> None:
    for name in ("b.png", "a/b.png", "a/c.jpg", "a/.hidden.png", "a/read.me", "out/masks/b.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_bytes(encode_png(np.zeros((3, 3), np.uint8)))
    (tmp_path / "list.csv").write_text("\ufeffid,Image\n1,a/c.jpg\n", "utf-8")
    (tmp_path / "a/link").symlink_to(tmp_path / "out")
    found = inputs_of([tmp_path, tmp_path / "a/c.jpg", tmp_path / "list.csv"], tmp_path / "out")
    assert [image.name for image in found.images] == ["b", "a/b", "a/c"]
    assert [Path(reject.source).name for reject in found.not_read] == ["list.csv", "link", "read.me"]
    (tmp_path / "list.csv").write_text("file\nb.png\n")
    with pytest.raises(UsageError, match=r"list\.csv: has no column 'image', found file"):
        inputs_of([tmp_path / "list.csv"], tmp_path / "out")
