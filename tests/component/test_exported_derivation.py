"""A model trained on adjusted tiles: what it answers to files is what it answers to the records made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from ingest import Made, box, film, ingest, save
from judged import judged_by
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils

from components.evaluator.per_case import read_cases
from components.imaging.files.codecs import as_float, decode_image, read_image
from components.imaging.geometry.placement import Placement
from components.inference.operating_point import OperatingPoint
from components.measures.confusion import confusion
from components.serving_check.core import check_model
from components.serving_graph.export import export_model
from pipeline.config.loader import parse_config
from pipeline.config.root import Config

SIZE = (72, 100)
ADJUST = {"gamma": 0.7, "invert": True, "clahe_clip": 4.0, "clahe_grid": 4}
TILED = {"layout": "folders", "height": 32, "width": 32, "adjust": ADJUST}
TILES = {"overlap": 8, "edge": "pad", "keep_empty": 1.0}
SPLITS = {"train": 2, "eval": 1, "test": 1}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve images, every other of them with 16 bit."""
    root = tmp_path_factory.mktemp("source") / "data"
    rng = np.random.default_rng(0)
    for number in range(12):
        mask = box(*(int(n) for n in (*rng.integers(0, 30, 2), *rng.integers(40, 70, 2))), size=SIZE)
        pixels = (film(number, *SIZE) // 2 + 120 * mask).astype(np.uint8)
        deep = pixels.astype(np.uint16) * 256 + rng.integers(0, 256, SIZE, np.uint16)
        save(root / f"images/{number}.png", deep if number % 2 else pixels)
        save(root / f"masks/{number}.png", 255 * mask)
    return root


def configured(**data: Any) -> Config:
    document = {
        "data": {**TILED, "splits": SPLITS, **data},
        "model": {"parameters": {"levels": 2, "base_filters": 4, "normalisation": "batch"}},
        "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.01},
    }
    return parse_config(document, "tests")


def derived(root: Path, folder: Path, **data: Any) -> Made:
    return ingest(root, folder, **{**TILED, "splits": SPLITS, **data})


@pytest.fixture(scope="module")
def tiled(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return derived(root, tmp_path_factory.mktemp("tiled"), tiles=TILES)


@pytest.fixture(scope="module")
def trained(
    tiled: Made, train: Callable[..., FnArgs], served: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The SavedModel of a training on adjusted tiles."""
    config = configured(tiles=TILES)
    return served(train(config, tiled.examples, tmp_path_factory.mktemp("trained")), config)


Signatures = dict[str, Callable[..., dict[str, tf.Tensor]]]


def answers(signatures: Signatures, files: list[bytes]) -> list[np.ndarray]:
    pngs = signatures["serve_image_bytes"](images=tf.constant(files))["probability"].numpy()
    return [decode_image(png) / 65535 for png in pngs]


def of_records(signatures: Signatures, made: Made, source: str) -> np.ndarray:
    """The mean of the answers to an image's records at each pixel of the image, by their transforms alone."""
    records = [record for record in made.records.values() if record.source == source]
    tensors = tf.constant(np.stack([as_float(record.image) for record in records]))
    if records[0].moments:
        moments = tf.constant([record.moments for record in records], tf.float32)
        found = signatures["serve_windows"](images=tensors, moments=moments)["probability"].numpy()[..., 0]
    else:
        found = signatures["serve_tensor"](images=tensors)["probability"].numpy()[..., 0]
    first = Placement.from_json(records[0].transform)
    height, width = first.content_height, first.content_width
    total, looks = np.zeros((height, width)), np.zeros((height, width))
    for record, probability in zip(records, found, strict=True):
        place = Placement.from_json(record.transform)
        rows, columns = np.arange(place.height) - place.top, np.arange(place.width) - place.left
        on_rows, on_columns = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
        there = np.ix_(rows[on_rows], columns[on_columns])
        total[there] += probability[np.ix_(on_rows, on_columns)]
        looks[there] += 1
    content = np.divide(total, looks, out=np.zeros_like(total), where=looks > 0)
    return cv2.resize(content, SIZE[::-1], interpolation=cv2.INTER_LINEAR)


def test_the_probabilities_of_a_film_are_those_of_its_tiles(root: Path, trained: Path, tiled: Made) -> None:
    names = [f"{number}.png" for number in range(4)]
    signatures = tf.saved_model.load(str(trained)).signatures
    found = answers(signatures, [(root / "images" / name).read_bytes() for name in names])
    for name, probability in zip(names, found, strict=True):
        expected = of_records(signatures, tiled, f"images/{name}")
        # Training did not leave one answer everywhere, or this would compare nothing.
        assert np.ptp(expected) > 0.1
        np.testing.assert_allclose(probability, expected, atol=1e-4)


@pytest.mark.parametrize(
    "data",
    [
        {"fit": "stretch", "adjust": {"contrast": 1.5, "brightness": -0.2}},
        {"fit": "crop"},
        {"tiles": {"overlap": 4, "edge": "stretch", "keep_empty": 1.0}},
    ],
    ids=["stretch and other tones", "crop", "stretched tiles"],
)
def test_the_same_network_behind_every_other_derivation(
    root: Path, trained: Path, data: dict[str, Any], tmp_path: Path
) -> None:
    config = configured(**data)
    network = keras.models.load_model(trained / "assets.extra" / "model.keras")
    # Of gentle slope: a steep one makes much of the whole grey levels to which records are rounded.
    *weights, kernel, bias = network.get_weights()
    network.set_weights([*weights, kernel / 4, bias / 4])
    export_model(network, tmp_path / "model", config.data.task, OperatingPoint(), config.data.derivation)
    made = derived(root, tmp_path / "records", **data)
    files = [root / "images/1.png", root / "images/2.png"]
    signatures = tf.saved_model.load(str(tmp_path / "model")).signatures
    found = answers(signatures, [path.read_bytes() for path in files])
    for path, probability in zip(files, found, strict=True):
        expected = of_records(signatures, made, f"images/{path.name}")
        assert np.ptp(expected) > 0.05
        # Where an image shrinks, the graph's area average differs from OpenCV's by rounding to whole grey levels.
        np.testing.assert_allclose(probability, expected, atol=0.02)
        assert np.abs(probability - expected).mean() < 2e-3


def test_the_serving_check_knows_the_adjustment(trained: Path, tiled: Made) -> None:
    """And asks about whole images of models of tiles."""

    def failures(**adjust: Any) -> list[str]:
        settings, point = configured(adjust=adjust, tiles=TILES).serving_check, OperatingPoint()
        cases = judged_by(trained, tiled.examples.uri, "eval", settings, point)
        return [each["name"] for each in check_model(trained, cases, point, settings)["checks"] if not each["passed"]]

    assert failures(**ADJUST) == []
    assert failures(**{**ADJUST, "invert": False}) == [
        "serve_image_bytes agrees with serve_tensor",
        "serve_image_bytes gives the evaluated masks",
    ]


@pytest.mark.parametrize("edge", ["pad", "stretch"])
def test_tiles_are_judged_per_image_at_the_size_of_the_source(
    root: Path,
    trained: Path,
    edge: str,
    measure_by: Callable[..., Path],
    artifact: Callable[..., Artifact],
    tmp_path: Path,
) -> None:
    """By the masks that the model serves for the files, and the masks that stand beside these."""
    config = configured(tiles={**TILES, "edge": edge})
    made = derived(root, tmp_path / "records", tiles={**TILES, "edge": edge})
    network = keras.models.load_model(trained / "assets.extra" / "model.keras")
    model = artifact(standard_artifacts.Model, tmp_path / "model")
    serving = Path(path_utils.serving_model_dir(model.uri))
    export_model(network, serving, config.data.task, OperatingPoint(), config.data.derivation)
    settings = config.evaluator.model_copy(update={"point": OperatingPoint()})
    evaluation = measure_by(model, made.examples, config.inferrer_on("test"), settings)
    cases = read_cases(evaluation / "per_case.csv")
    tested = {record.source for name, record in made.records.items() if made.splits[name] == "test"}
    assert sorted(case.source for case in cases) == sorted(tested)
    serve = tf.saved_model.load(str(serving)).signatures["serve_image_bytes"]
    for case in cases:
        predicted = read_image(evaluation / case.prediction)
        truth = read_image(root / case.source.replace("images", "masks")) // 255
        served = decode_image(serve(images=tf.constant([(root / case.source).read_bytes()]))["mask"].numpy()[0])
        assert predicted.shape == truth.shape == SIZE
        # Records are rounded to whole grey levels, and stretched truth to whole pixels: it is a pixel here and there.
        assert np.count_nonzero(predicted != served) <= 0.005 * truth.size
        counts, expected = case.classes["foreground"].counts, confusion(truth, predicted)
        if edge == "pad":
            assert counts == expected
        assert (counts.tp, counts.tn) == pytest.approx((expected.tp, expected.tn), abs=0.02 * truth.size)
