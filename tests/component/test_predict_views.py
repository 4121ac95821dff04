"""How a model of tiles looks at an image: a planted one that says of a window the brightest that it has."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from predicting import predict
from slide_files import write_slide

from components.errors import UsageError
from components.files import write_json
from components.imaging.files.codecs import Limits, encode_png, read_image
from components.inference.filtering import Filtering
from components.inference.model import load_model
from components.inference.operating_point import OperatingPoint
from components.inference.predictor import Asking, Predictor
from components.inference.views import VIEWS
from components.records.settings import Derivation, Tiles
from components.serving_graph.export import export_model
from components.task import Task
from pipeline.cli.predict import ViewName

SIDE = 16
IMAGE = np.repeat(np.uint8([128, 127]), SIDE)[None].repeat(SIDE, axis=0)
"""Two tiles side by side."""
RIGHT = {"tiled": 127, "whole": 128, "mean": 127.5, "minimum": 127, "bitwise": 0}
"""What is said of the right one, by 255; of the left one 128 by all."""


class Brightest(tf.Module):
    def __call__(self, inputs: Any, training: bool = False) -> tf.Tensor:
        images = inputs[0] if isinstance(inputs, tuple) else inputs
        return tf.zeros_like(images) + tf.reduce_max(images, axis=(1, 2, 3), keepdims=True)


def told_of(folder: Path, **derived: Any) -> Path:
    """Writes what the model in a folder says that it was trained on."""
    derivation = Derivation(height=SIDE, width=SIDE, **derived).model_dump()
    write_json(folder / "assets.extra/training.json", {"config": {"derivation": derivation, "task": {}}})
    return folder


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiles") / "7"
    export_model(Brightest(), folder, Task(), OperatingPoint(), Derivation(height=SIDE, width=SIDE, tiles=Tiles()))
    (folder / "assets.extra").mkdir()
    return told_of(folder, tiles=Tiles(), fit="stretch")


@pytest.fixture
def whole(version: Path, tmp_path: Path) -> Path:
    return told_of(shutil.copytree(version, tmp_path / "whole"), fit="stretch")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_by_hand(version: Path, view: str) -> None:
    [found] = load_model(version, view=view).predict(IMAGE)
    left, right = np.hsplit(found.probability[..., 0] * 255, 2)
    np.testing.assert_allclose(left, 128, atol=0.01)
    np.testing.assert_allclose(right, RIGHT[view], atol=0.01)
    np.testing.assert_array_equal(found.classes, found.probability[..., 0] >= 0.5)


def test_a_least_region_is_one_of_tiles_however_the_model_has_looked(version: Path) -> None:
    derivation = Derivation(height=SIDE, width=SIDE, tiles=Tiles(), fit="stretch")
    for view in VIEWS:
        images = [IMAGE, np.zeros((50, 40), np.uint8)]
        found = list(Predictor(version, derivation, Asking(view=view, batch=3))(iter(images)))
        assert [(each.probability.shape, each.scale) for each in found] == [((16, 32, 1), 1), ((50, 40, 1), 1)]


def test_of_several_classes_the_background_is_what_is_left() -> None:
    tiled, seen_whole = np.float32([[[0.1, 0.6, 0.3]]]), np.float32([[[0.5, 0.2, 0.3]]])
    for view, expected in (
        ("mean", [0.3, 0.4, 0.3]),
        ("minimum", [0.5, 0.2, 0.3]),
        # 153 AND 51 is 17; 76 (0.3 * 255 is 76.5, rounded to even) stays.
        ("bitwise", [1 - 93 / 255, 17 / 255, 76 / 255]),
    ):
        assert VIEWS[view].joined(tiled, seen_whole)[0, 0] == pytest.approx(expected, abs=1e-6)


def test_a_view_that_a_model_has_not_is_refused(version: Path, whole: Path, tmp_path: Path) -> None:
    assert [*ViewName] == [*VIEWS]
    (tmp_path / "image.png").write_bytes(encode_png(IMAGE))
    result, told = predict(whole, tmp_path / "image.png", "--view", "mean", "--out", tmp_path / "out")
    assert (result.exit_code, (tmp_path / "out").exists()) == (2, False)
    assert told["error"].startswith("view mean: the model was trained on whole images")
    told_of(whole, tiles=Tiles(), fit="crop")
    with pytest.raises(UsageError, match="the whole image is its centre alone"):
        load_model(whole, view="minimum")


def test_the_view_is_that_of_the_folder(version: Path, whole: Path, tmp_path: Path) -> None:
    (tmp_path / "image.png").write_bytes(encode_png(IMAGE))
    asked = (version, tmp_path / "image.png", "--out", tmp_path / "out")
    assert predict(*asked, "--view", "bitwise")[0].exit_code == 0
    np.testing.assert_array_equal(read_image(tmp_path / "out/masks/image.png"), IMAGE == 128)
    result, told = predict(*asked, "--resume")
    assert result.exit_code == 2
    assert "view: found 'bitwise', now 'tiled'" in told["error"]
    assert predict(whole, *asked[1:-1], tmp_path / "two")[1]["view"] == "whole"


def test_a_slide_must_be_in_memory_to_be_seen_whole(
    version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openslide")
    slide = write_slide(tmp_path / "slide.tif", IMAGE)
    asked = (version, slide, "--view", "bitwise", "--out")
    assert predict(*asked, tmp_path / "one")[0].exit_code == 0
    np.testing.assert_array_equal(read_image(tmp_path / "one/masks/slide.png"), IMAGE == 128)
    monkeypatch.setattr("components.predictions.slides.LIMITS", Limits(IMAGE.size - 1))
    result, told = predict(*asked, tmp_path / "two")
    assert (result.exit_code, (tmp_path / "two").exists()) == (2, False)
    assert "slide.tif: has 512 pixels, more than the 511 that are held in memory, and the view bitwise" in told["error"]


def test_blur_and_sharpening_come_before_the_mask_and_are_those_of_the_folder(
    version: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.full((SIDE, 2 * SIDE), 100, np.uint8)
    image[:, SIDE:] = 200
    (tmp_path / "image.png").write_bytes(encode_png(image))
    asked = (version, tmp_path / "image.png", "--write", "probability", "--out", tmp_path / "out", "--threshold", 0.65)
    filters = ("--blur", 3, "--sharpen", 0.5)
    assert predict(*asked, *filters)[0].exit_code == 0
    probability = read_image(tmp_path / "out/probability/image.png") / 65535
    expected = Filtering(blur=3, sharpen=0.5)(image[..., None] / np.float32(255))[..., 0]
    np.testing.assert_allclose(probability, expected, atol=5e-5)
    mask = read_image(tmp_path / "out/masks/image.png")
    np.testing.assert_array_equal(mask, probability >= 0.65)
    # It is the blur that moved the border, which lay at 16.
    assert mask[0].argmax() == 17
    for changed, said in (((), "blur: found 3.0, now 0"), (("--blur", 3), "sharpen: found 0.5, now 0")):
        result, told = predict(*asked, *changed, "--resume")
        assert (result.exit_code, said in told["error"]) == (2, True), told
    monkeypatch.setattr("components.predictions.slides.LIMITS", Limits(image.size - 1))
    for options, said in (
        (("--blur", "nan"), "blur: found nan, expected a finite number"),
        ((write_slide(tmp_path / "slide.tif", image), *filters), "and blur and sharpening are of the whole answer"),
    ):
        result, told = predict(*asked[:2], "--out", tmp_path / "two", *options)
        assert (result.exit_code, said in told["error"], (tmp_path / "two").exists()) == (2, True, False), told
