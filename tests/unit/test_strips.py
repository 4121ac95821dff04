"""Strips of predictions over the epochs: which images, which epochs, and the right pixels in them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tensorflow as tf
from epochs import write

from components.imaging.files.codecs import read_image
from components.imaging.geometry.tiles import tile_ids, tile_placements
from components.overlays import PREDICTION_RGB
from components.records.record import Record
from components.task import Task
from components.trainer.strip_samples import Sample, chosen_samples
from components.trainer.strips import Strips

pytestmark = pytest.mark.long

SIDE, HEAD, GAP = 224, 24, 4


def record(id: str, side: int, size: tuple[int, int] = (32, 32)) -> Record:
    """A square of foreground in the upper left corner, its borders one pixel from those of the image."""
    mask = np.zeros(size, np.uint8)
    mask[1 : 1 + side, 1 : 1 + side] = 1
    return Record(np.full(size, 90, np.uint8), mask, id, id, f"{id}.png", b"\0" * 32, {})


def tiles(id: str, mask: np.ndarray) -> list[Record]:
    """Of an image, 32 x 32 pixels each with an overlap of 8; its values are its rows."""
    image = np.arange(mask.shape[0], dtype=np.uint8)[:, None].repeat(mask.shape[1], axis=1)
    places = tile_placements(*mask.shape, 32, 32, 8, "overlap")
    return [
        Record(
            *(place.image(image), place.mask(mask), tile, id, f"{id}.png", b"\0" * 32, place.as_json()),
            derived_from=id,
            moments=(0.5, 0.1),
        )
        for tile, place in zip(tile_ids(id, places), places, strict=True)
    ]


def files(tmp_path: Path, *records: Record) -> list[str]:
    return write(tmp_path / "eval", list(records))


def strips(samples: list[Sample], tmp_path: Path, task: Task | None = None) -> Strips:
    made = Strips(samples, task or Task(), tmp_path / "strips", tmp_path / "tensorboard")
    made.set_model(SimpleNamespace())
    return made


def epochs(made: Strips, predicted: np.ndarray, losses: list[float], first: int = 0, batch: int = 3) -> None:
    """Validation images `(N, H, W)` in batches."""
    for epoch, loss in enumerate(losses, first):
        made.on_epoch_begin(epoch)
        for row in range(0, len(predicted), batch):
            classes = tf.constant(predicted[row : row + batch, ..., None])
            made.saw(classes, classes)
        made.on_epoch_end(epoch, {"val_loss": loss})


def panels(path: Path, count: int) -> list[np.ndarray]:
    strip = read_image(path)
    assert strip.shape[1] == count * (SIDE + GAP) - GAP
    return [strip[HEAD:, n * (SIDE + GAP) : n * (SIDE + GAP) + SIDE] for n in range(count)]


def coloured(panel: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(panel.astype(int) - colour).sum(axis=-1) < 60


def test_small_median_large_and_empty_ones_are_chosen_whatever_their_order(tmp_path: Path) -> None:
    records = [record("e", 0), *(record(id, side) for id, side in zip("dcba", (3, 9, 14, 20), strict=True))]
    for ordered in (records, records[::-1]):
        chosen = {sample.title: sample.id for sample in chosen_samples(files(tmp_path, *ordered))}
        assert chosen == {
            "smallest foreground": "d",
            "median foreground": "c",
            "largest foreground": "a",
            "no foreground": "e",
        }


@pytest.mark.parametrize(("sides", "count"), [((5,), 1), ((5, 6), 2), ((0, 0), 1), ((), 0)])
def test_of_few_images_none_is_shown_twice(tmp_path: Path, sides: tuple[int, ...], count: int) -> None:
    samples = chosen_samples(files(tmp_path, *(record(str(n), side) for n, side in enumerate(sides))))
    assert len({sample.id for sample in samples}) == len(samples) == count
    made = strips(samples, tmp_path)
    epochs(made, np.zeros((len(sides), 32, 32), np.uint8), [1.0])
    made.on_train_end()
    assert len(list((tmp_path / "strips").glob("*.png"))) == len(made.told()) == count


def test_outlines_lie_where_truth_and_prediction_are(tmp_path: Path) -> None:
    [sample] = chosen_samples(files(tmp_path, record("a", 8)))
    made = strips([sample], tmp_path)
    predicted = np.zeros((1, 32, 32), np.uint8)
    predicted[0, 16:28, 16:28] = 1
    epochs(made, predicted, [1.0])
    made.on_train_end()
    truth, first = panels(tmp_path / "strips" / "1.png", 2)
    scale = SIDE / 32
    for panel in (truth, first):
        rows, columns = np.nonzero(coloured(panel, Task().colour(1)))
        assert np.array([rows.min(), columns.min()]) / scale == pytest.approx(1, abs=0.3)
        assert np.array([rows.max(), columns.max()]) / scale == pytest.approx(9, abs=0.4)
    assert not coloured(truth, PREDICTION_RGB).any()
    rows, columns = np.nonzero(coloured(first, PREDICTION_RGB))
    assert np.array([rows.min(), columns.min()]) / scale == pytest.approx(16, abs=0.3)
    assert np.array([rows.max(), columns.max()]) / scale == pytest.approx(28, abs=0.4)


@pytest.mark.parametrize(
    ("losses", "shown"),
    [
        ([1.0], [1]),
        ([1.0, 0.9, 0.8], [1, 2, 3]),
        ([0.9, 0.8, 0.7, 0.6, 0.5, 0.6, 0.4, 0.5, 0.6, 0.7], [1, 2, 4, 7, 8, 10]),
    ],
)
def test_epochs_that_double_the_last_and_the_best(tmp_path: Path, losses: list[float], shown: list[int]) -> None:
    samples = chosen_samples(files(tmp_path, record("a", 8)))
    blank = np.zeros((1, 32, 32), np.uint8)
    whole, other = strips(samples, tmp_path), strips(samples, tmp_path)
    epochs(whole, blank, losses)
    state = whole.state()
    assert [int(name) for name in state if name.isdigit()] == shown
    assert state["best"] == np.argmin(losses) + 1
    other.restore({name: value if isinstance(value, list) else np.asarray(value) for name, value in state.items()})
    whole.on_train_end()
    panels(tmp_path / "strips" / "1.png", 1 + len(shown))
    before = (tmp_path / "strips" / "1.png").read_bytes()
    other.on_train_end()
    assert (tmp_path / "strips" / "1.png").read_bytes() == before


def test_tiles_are_shown_as_the_image_that_they_are_of(tmp_path: Path) -> None:
    mask = np.zeros((50, 80), np.uint8)
    mask[20:30, 20:60] = 1
    predicted = np.zeros_like(mask)
    predicted[5:45, 30:34] = 1
    parts = tiles("slide", mask)
    alone = tiles("other", np.zeros((32, 32), np.uint8))
    [slide, other] = chosen_samples(files(tmp_path, *alone, *parts))
    assert (slide.id, other.id, other.title) == ("slide", "other", "no foreground")
    seen = np.stack([part.mask for part in tiles("slide", predicted)])
    made = strips([slide], tmp_path)
    epochs(made, np.concatenate((np.zeros((1, 32, 32), np.uint8), seen)), [1.0], batch=2)
    factor = 512 // 80
    assert slide.image.shape == (50 * factor, 80 * factor, 3)
    np.testing.assert_array_equal(
        slide.image[..., 0], np.arange(50, dtype=np.uint8).repeat(factor)[:, None].repeat(80 * factor, 1)
    )
    for found, expected in ((slide.truth, mask), (slide.predicted, predicted)):
        size = (80 * factor, 50 * factor)
        np.testing.assert_array_equal(found, cv2.resize(expected, size, interpolation=cv2.INTER_NEAREST_EXACT))


def test_of_images_of_very_many_tiles_single_ones_are_shown(tmp_path: Path) -> None:
    mask = np.zeros((300, 300), np.uint8)
    mask[100:120, 100:120] = 1
    samples = chosen_samples(files(tmp_path, *tiles("slide", mask)))
    assert {sample.id.partition("_")[0] for sample in samples} == {"slide"}
    assert {sample.image.shape for sample in samples} == {(512, 512, 3)}


def test_a_small_lesion_of_a_large_image_is_seen_and_classes_keep_their_colours(tmp_path: Path) -> None:
    task = Task(classes=["breast", "lesion"])
    large = record("a", 1, (2000, 1500))
    large.mask[1000:1002, 700:702] = 2
    [sample] = chosen_samples(files(tmp_path, large))
    assert sample.truth.shape == sample.image.shape[:2] == (512, 384)
    assert set(np.unique(sample.truth)) == {0, 1, 2}
    made = strips([sample], tmp_path, task)
    predicted = np.zeros((1, 2000, 1500), np.uint8)
    predicted[0, 200:600, 200:600], predicted[0, 1200:1600, 200:600] = 1, 2
    epochs(made, predicted, [1.0])
    made.on_train_end()
    strip = read_image(tmp_path / "strips" / "1.png")
    panel = strip[HEAD:, -168:]
    for index, rows in ((1, slice(0, 90)), (2, slice(112, 224))):
        assert coloured(panel[rows], task.colour(index)).sum() > 50
        assert not coloured(panel[rows], task.colour(3 - index)).any()


def test_tensorboard_shows_them_as_well(tmp_path: Path) -> None:
    made = strips(chosen_samples(files(tmp_path, record("a", 8))), tmp_path)
    epochs(made, np.zeros((1, 32, 32), np.uint8), [1.0, 0.9, 0.8])
    made.on_train_end()
    [path] = (tmp_path / "tensorboard" / "predictions").iterdir()
    shown = {
        (event.step, value.tag)
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert shown == {(step, "predictions/smallest foreground: a") for step in (0, 1, 2)}
