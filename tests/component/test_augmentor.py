"""Augmentor on real shards: whatever Beam does the copies are the same, and they are what their parameters say."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tensorflow as tf
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import Artifact, standard_artifacts

from components.augmentor import executor
from components.augmentor.executor import Executor
from components.augmentor.shards import AugmentShard
from components.imaging.augmentation.augment import AugmentationDraw
from components.imaging.augmentation.fields import distortion_from_fraction_blur
from components.imaging.augmentation.operations import Operation
from components.imaging.augmentation.settings import Augmentation as Settings
from components.imaging.augmentation.warp import Warp
from components.imaging.geometry.placement import letterbox
from components.parallel import THREADS
from components.records.record import Record
from components.records.tfexample import parse, read_split, serialize, shard_name
from pipeline.config.execution import Execution
from pipeline.graph.beam import beam_arguments

Augment = Callable[..., Artifact]

OPERATIONS = [name for name, value in Settings() if isinstance(value, Operation)]
EVERYTHING = {
    **{"copies": 3, "seed": 5, "horizontal_flip": 0.5, "vertical_flip": 0.5, "right_angle": 0.5},
    **{name: {"probability": 0.5} for name in OPERATIONS},
}
SIDE = 160


def record(number: int) -> Record:
    """A noisy image of two lesions of two classes; every fourth has none."""
    rng = np.random.default_rng(number)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for value in (1, 4) if number % 4 else ():
        row, column = rng.integers(30, SIDE - 30, 2).tolist()
        cv2.circle(mask, (column, row), 15, value, cv2.FILLED)
    noise = cv2.GaussianBlur(rng.normal(size=(SIDE, SIDE, 3)), (0, 0), 2)
    image = (60 + 100 * (mask > 0)[..., None] + 40 * noise).clip(0, 255).astype(np.uint8)
    transform = letterbox(SIDE, SIDE, SIDE, SIDE).as_json()
    return Record(image, mask, f"case{number}", f"patient{number}", f"images/{number}.png", b"hash", transform)


@pytest.fixture(scope="module")
def examples(artifact: Callable[..., Artifact], tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Three shards of training records, and one each of the other splits."""
    made = artifact(standard_artifacts.Examples, tmp_path_factory.mktemp("examples"), ("train", "eval", "test"))
    for split, shards, numbers in (("train", 3, range(17)), ("eval", 1, range(17, 20)), ("test", 1, range(20, 22))):
        folder = Path(made.uri) / f"Split-{split}"
        folder.mkdir()
        for index in range(shards):
            with tf.io.TFRecordWriter(str(folder / shard_name(index, shards))) as writer:
                for number in numbers[index::shards]:
                    writer.write(serialize(record(number)))
    return made


@pytest.fixture
def augment(artifact: Callable[..., Artifact], examples: Artifact, tmp_path: Path) -> Augment:
    """`(arguments, **settings)` -> the augmented examples, made with these Beam arguments."""

    def run(arguments: Sequence[str] = (), **settings: Any) -> Artifact:
        made = artifact(standard_artifacts.Examples, tmp_path / f"made-{len(list(tmp_path.iterdir()))}")
        context = BaseBeamExecutor.Context(beam_pipeline_args=list(arguments), tmp_dir=str(tmp_path / "tmp"))
        parameters = {"settings": Settings.model_validate(settings).model_dump_json()}
        Executor(context).Do({"examples": [examples]}, {"augmented_examples": [made]}, parameters)
        return made

    return run


def files(made: Artifact) -> dict[str, bytes]:
    folder = Path(made.uri)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def train_records(made: Artifact) -> dict[str, Record]:
    return {found.id: found for found in map(parse, read_split(made.uri, "train"))}


def copies(made: Artifact) -> list[tuple[Record, Record]]:
    """Each copy with its original."""
    found = train_records(made)
    return [(found[copy.derived_from], copy) for copy in found.values() if copy.derived_from]


@pytest.mark.parametrize(
    ("workers", "arguments"),
    [
        ("2", []),
        ("", []),
        ("2", ["--direct_running_mode=multi_threading", "--direct_num_workers=2"]),
        ("1", beam_arguments(Execution(workers=2, parallel="processes"))),
    ],
    ids=["two threads", "default", "multi_threading", "multi_processing"],
)
def test_workers_and_modes_change_no_bit(
    augment: Augment, monkeypatch: pytest.MonkeyPatch, workers: str, arguments: list[str]
) -> None:
    monkeypatch.setenv(THREADS, "1")
    alone = files(augment(**EVERYTHING))
    monkeypatch.setenv(THREADS, workers)
    together = files(augment(arguments, **EVERYTHING))
    assert len(alone) == 4
    assert together == alone


def test_the_test_split_stays_behind_and_the_others_keep_their_records(augment: Augment, examples: Artifact) -> None:
    made = augment(**EVERYTHING)
    assert json.loads(made.split_names) == ["train", "eval"]
    given, found = files(examples), files(made)
    assert found.keys() == {name for name in given if not name.startswith("Split-test/")}
    for name in found:
        assert name.startswith("Split-train/") or found[name] == given[name]
    originals, written = list(read_split(examples.uri, "train")), list(read_split(made.uri, "train"))
    # An original is followed by its copies, in the shard where it was.
    assert written[::4] == originals
    ids = [parse(item).id for item in written]
    assert ids == [f"{parse(item).id}{copy}" for item in originals for copy in ("", "+1", "+2", "+3")]


def test_no_copies_are_the_records_as_they_are(augment: Augment, examples: Artifact) -> None:
    """Also where the trainer augments."""
    for settings in ({}, {"online": True, "horizontal_flip": 0.5}):
        assert list(read_split(augment(**settings).uri, "train")) == list(read_split(examples.uri, "train"))


def test_parameters_rebuild_every_copy_bit_for_bit(augment: Augment) -> None:
    found = copies(augment(**EVERYTHING))
    assert len(found) == 3 * 17
    for original, copy in found:
        image, mask = AugmentationDraw.from_json(copy.augmentation).apply(original.image, original.mask)
        assert image.tobytes() == copy.image.tobytes()
        assert mask.tobytes() == copy.mask.tobytes()


def test_masks_gain_no_value(augment: Augment) -> None:
    for original, copy in copies(augment(**EVERYTHING)):
        assert copy.mask.dtype == np.uint8
        assert set(copy.classes) <= set(original.classes)


def test_image_and_mask_get_one_field_and_each_image_its_own(augment: Augment) -> None:
    """Defect D3 of older systems: image and mask were warped by two random fields, which at this strength put their
    lesions at a Dice of 0.57 to 0.86; or by one of a fixed seed, which warped all images alike."""
    field = distortion_from_fraction_blur(0.03, 40)
    strong = {"probability": 1.0, "amplitude": [field.amplitude] * 2, "grid": field.grid}
    found = copies(augment(copies=1, distortion=strong))
    for original, copy in found:
        warped = Warp.from_json(copy.augmentation["warp"])
        assert warped.distortion is not None
        truth, _ = warped.apply(np.uint8(255) * (original.mask > 0), original.mask)
        assert ((truth > 127) == (copy.mask > 0)).mean() > 0.99
        if original.mask.any():
            bright = cv2.GaussianBlur(copy.image[..., 0], (0, 0), 1.5) > 110
            assert 2 * (bright & (copy.mask > 0)).sum() / (bright.sum() + (copy.mask > 0).sum()) > 0.9
            moved = (
                2 * ((original.mask > 0) & (copy.mask > 0)).sum() / ((original.mask > 0).sum() + (copy.mask > 0).sum())
            )
            assert moved < 0.99
    assert len({copy.augmentation["warp"]["distortion"]["seed"] for _, copy in found}) == len(found)


def test_brighter_and_sharper_copies_have_the_masks_of_their_originals(augment: Augment) -> None:
    """Defect D4 of older systems: masks were brightened by 10 as well, and foreground everywhere."""
    brighter = {"probability": 1.0, "alpha": 1.2, "beta": 10}
    found = copies(augment(copies=1, brightness=brighter, sharpening={"probability": 1.0}))
    assert sum(not original.mask.any() for original, _ in found) == 5
    for original, copy in found:
        assert copy.image.mean() > original.image.mean() + 10
        np.testing.assert_array_equal(copy.mask, original.mask)


class LosesAShard(AugmentShard):
    """As a runner that drops an element."""

    def process(self, shard: tuple[str, str]) -> None:
        if shard[1].endswith(shard_name(0, 3)):
            super().process(shard)


def test_a_lost_shard_is_an_error(augment: Augment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "AugmentShard", LosesAShard)
    with pytest.raises(RuntimeError, match="3 shards went into Beam, 1 came out"):
        augment(**EVERYTHING)
