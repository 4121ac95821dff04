"""Training on real records: what it leaves behind, and how the exported model answers."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy_loss import bce_dice
from room import no_file_above
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils

from components.disk import DiskFull
from components.files import write_bytes
from components.imaging.files.codecs import decode_image, encode_png
from components.imaging.geometry.placement import letterbox
from components.measures.confusion import confusion
from components.measures.overlap import dice
from components.records.record import Record
from components.records.tfexample import parse, read_split, serialize, shard_name
from components.task import Task
from components.trainer.batches import evaluation_batches
from components.trainer.callbacks import TrainingDiverged
from components.trainer.choices import loss_named, optimizer_named
from components.trainer.run import keras_file
from pipeline.config.root import Config

Signatures = dict[str, Callable[..., dict[str, tf.Tensor]]]


@pytest.fixture(scope="module")
def history(trained: FnArgs) -> list[dict[str, float]]:
    rows = csv.DictReader((Path(trained.model_run_dir) / "history.csv").read_text().splitlines())
    return [{key: float(value) for key, value in row.items()} for row in rows]


@pytest.fixture(scope="module")
def summary(trained: FnArgs) -> dict:
    return json.loads((Path(trained.model_run_dir) / "training.json").read_text())


@pytest.fixture(scope="module")
def signatures(model: Artifact) -> Signatures:
    return tf.saved_model.load(path_utils.serving_model_path(model.uri)).signatures


@pytest.fixture(scope="module")
def validation(augmented: Artifact) -> list[bytes]:
    return list(read_split(augmented.uri, "eval"))


def keras_model(arguments: FnArgs) -> keras.Model:
    return keras.models.load_model(Path(arguments.serving_model_dir) / "assets.extra" / "model.keras")


def tensor(image: np.ndarray) -> np.ndarray:
    scaled = image.astype(np.float32) / np.iinfo(image.dtype).max
    return scaled.reshape(*image.shape[:2], -1)


class TestRun:
    def test_files(self, trained: FnArgs) -> None:
        run, serving = Path(trained.model_run_dir), Path(trained.serving_model_dir)
        assert {path.name for path in run.iterdir()} == {
            "history.csv",
            "strips",
            "tensorboard",
            "training.json",
        }
        assert list((run / "tensorboard").rglob("events.*"))
        assert (serving / "saved_model.pb").is_file()
        extra = json.loads((serving / "assets.extra" / "training.json").read_text())
        assert extra["config"]["training"]["seed"] == 7
        assert extra["config"]["derivation"]["fit"] == "letterbox"

    def test_no_weights_of_it_meet_a_disk_as_hdf5_which_ends_the_process_where_it_is_full(
        self, trained: FnArgs, tmp_path: Path
    ) -> None:
        model = keras_model(trained)
        with no_file_above(10_000), pytest.raises(OSError, match="File too large"):
            write_bytes(tmp_path / "model.keras", keras_file(model))
        write_bytes(tmp_path / "model.keras", keras_file(model))
        again = keras.saving.load_model(tmp_path / "model.keras")
        for one, other in zip(model.weights, again.weights, strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy())

    def test_a_model_for_which_there_is_no_room_is_not_trained(
        self, train: Callable, config: Config, augmented: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("components.trainer.attempts._LEAST_GRAPH", 10**18)
        with pytest.raises(DiskFull, match=r"the model will take .* MB or more"):
            train(config, augmented, tmp_path)
        assert not list(tmp_path.rglob("history.csv"))

    def test_summary_is_that_of_the_epoch_with_the_lowest_validation_loss(
        self, history: list[dict[str, float]], summary: dict
    ) -> None:
        assert len(history) == summary["epochs_run"] == 24
        assert not summary["stopped_early"]
        losses = [row["val_loss"] for row in history]
        best = history[int(np.argmin(losses))]
        assert summary["best_epoch"] == np.argmin(losses) + 1
        assert summary["eval"] == pytest.approx({"ce_dice": best["val_loss"], "dice": best["val_dice"]})
        # Training helped, or the tests below compare noise.
        assert best["val_dice"] > 0.5

    @pytest.mark.parametrize("split", ["train", "eval"])
    def test_the_summary_is_measured_on_the_exported_model(
        self, signatures: Signatures, augmented: Artifact, summary: dict, split: str
    ) -> None:
        # The history's training numbers are means over a moving model: they are not these.
        records = list(read_split(augmented.uri, split))
        probability = signatures["serving_default"](examples=tf.constant(records))["probability"].numpy()[..., 0]
        truths = [parse(serialized).mask for serialized in records]
        loss = np.mean([bce_dice(*pair) for pair in zip(truths, probability, strict=True)])
        assert loss == pytest.approx(summary[split]["ce_dice"], abs=1e-4)
        counts = [confusion(truth, p >= 0.5) for truth, p in zip(truths, probability, strict=True)]
        mean = np.mean([dice(count) for count in counts if count.truth_pixels])
        assert mean == pytest.approx(summary[split]["dice"], abs=1e-3)

    def test_the_same_seed_gives_the_same_weights(
        self, trained: FnArgs, train: Callable, config: Config, augmented: Artifact, tmp_path: Path
    ) -> None:
        once, again = keras_model(trained), keras_model(train(config, augmented, tmp_path / "again"))
        for one, other in zip(once.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_the_best_epoch_is_restored_where_later_ones_are_worse(
    train: Callable, artifact: Callable, config: Config, augmented: Artifact, validation: list[bytes], tmp_path: Path
) -> None:
    """Validation masks turned inside out: the better the model fits the discs, the worse it validates."""
    examples = artifact(standard_artifacts.Examples, tmp_path / "examples")
    shutil.copytree(f"{augmented.uri}/Split-train", tmp_path / "examples" / "Split-train")
    (tmp_path / "examples" / "Split-eval").mkdir()
    with tf.io.TFRecordWriter(f"{examples.uri}/Split-eval/{shard_name(0, 1)}") as writer:
        for record in map(parse, validation):
            writer.write(serialize(replace(record, mask=1 - record.mask)))
    spoilt = train(config, examples, tmp_path, early_stopping_patience=2)
    run = Path(spoilt.model_run_dir)
    losses = [float(row["val_loss"]) for row in csv.DictReader((run / "history.csv").read_text().splitlines())]
    assert len(losses) < 8
    assert json.loads((run / "training.json").read_text())["stopped_early"]
    assert losses[-1] > min(losses) + 0.01
    batches = evaluation_batches(tf.io.gfile.glob(spoilt.eval_files), (32, 32, 1), 8)
    model, loss = keras_model(spoilt), loss_named("ce_dice", Task())
    found = np.concatenate([loss(truth, model(images)) for images, truth in batches])
    assert found.mean() == pytest.approx(min(losses), rel=1e-5)


@pytest.mark.usefixtures("bursting")
class TestNonFiniteLoss:
    @pytest.fixture
    def bursting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A step of a length that no config may name breaks every weight."""
        monkeypatch.setattr(
            "components.trainer.choices.optimizer_named",
            lambda training: optimizer_named(training.model_copy(update={"learning_rate": 1e38})),
        )

    def test_the_run_stops_and_keeps_the_batch(
        self, train: Callable, config: Config, augmented: Artifact, tmp_path: Path
    ) -> None:
        with pytest.raises(
            TrainingDiverged, match=r"loss is (?:nan|inf) in epoch 1, step (\d+)\..* learning_rate"
        ) as error:
            train(config, augmented, tmp_path)
        [kept] = tmp_path.glob("nonfinite_batch_epoch1_step*.npz")
        assert str(kept) in str(error.value)
        batch = np.load(kept)
        records = [parse(serialized) for serialized in read_split(augmented.uri, "train")]
        assert batch["images"].shape == (8, 32, 32, 1)
        for image, mask in zip(batch["images"], batch["masks"], strict=True):
            assert any(
                np.allclose(image, tensor(record.image)) and np.array_equal(mask[..., 0], record.mask)
                for record in records
            )

    def test_a_validation_loss_counts_as_well(
        self, train: Callable, config: Config, augmented: Artifact, tmp_path: Path
    ) -> None:
        """The weights break in the last step of the last epoch: only the validation sees it."""
        with pytest.raises(TrainingDiverged, match=r"validation loss is (?:nan|inf) in epoch 1, step 1\."):
            train(config, augmented, tmp_path, epochs=1, batch_size=1000)
        assert np.load(tmp_path / "nonfinite_batch_epoch1_step1.npz")["images"].shape[0] > 8
        assert not (tmp_path / "model").exists()


class TestSignatures:
    def test_there_are_those_that_are_served_and_the_models_own_answer(self, signatures: Signatures) -> None:
        assert set(signatures) == {"serving_default", "serve_image_bytes", "serve_tensor", "answer_windows"}

    def test_they_agree_on_records(self, signatures: Signatures, validation: list[bytes]) -> None:
        records = [parse(serialized) for serialized in validation]
        served = signatures["serving_default"](examples=tf.constant(validation))
        probability = served["probability"].numpy()
        np.testing.assert_array_equal(served["mask"].numpy(), probability >= 0.5)
        assert probability.shape == (len(records), 32, 32, 1)

        tensors = np.stack([tensor(record.image) for record in records])
        answer = signatures["serve_tensor"](images=tf.constant(tensors))
        np.testing.assert_allclose(answer["probability"].numpy(), probability, atol=1e-5)
        files = tf.constant([encode_png(record.image) for record in records])
        answer = signatures["serve_image_bytes"](images=files)
        found = np.stack([decode_image(content) for content in answer["probability"].numpy()]) / 65535
        np.testing.assert_allclose(found, probability[..., 0], atol=2e-5)
        masks = np.stack([decode_image(content) for content in answer["mask"].numpy()])
        assert (masks == served["mask"].numpy()[..., 0]).mean() > 0.9999

    def test_the_keras_file_is_the_same_model(
        self, trained: FnArgs, signatures: Signatures, validation: list[bytes]
    ) -> None:
        tensors = np.stack([tensor(parse(serialized).image) for serialized in validation])
        answer = signatures["serve_tensor"](images=tf.constant(tensors))["probability"].numpy()
        np.testing.assert_allclose(keras_model(trained).predict(tensors, verbose=0), answer, atol=1e-5)

    def test_files_of_different_sizes_come_back_at_their_own(self, signatures: Signatures, disc_pair: Callable) -> None:
        sizes = [(64, 64), (50, 81), (97, 40), (20, 20), (32, 32)]
        pairs = [disc_pair(*size, seed=number) for number, size in enumerate(sizes)]
        images = [image for image, _ in pairs]
        files = [
            encode_png(images[0]),
            encode_png(np.dstack([images[1]] * 3)),
            encode_png(images[2].astype(np.uint16) * 257),
            cv2.imencode(".jpg", images[3], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes(),
            encode_png(images[4]),
        ]
        answer = signatures["serve_image_bytes"](images=tf.constant(files))
        masks = [decode_image(content) for content in answer["mask"].numpy()]
        probabilities = [decode_image(content) for content in answer["probability"].numpy()]
        assert [mask.shape for mask in masks] == sizes
        assert [probability.shape for probability in probabilities] == sizes
        assert all(mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 1} for mask in masks)
        assert all(probability.dtype == np.uint16 for probability in probabilities)

        for image, probability in zip(images, probabilities, strict=True):
            box = letterbox(*image.shape, 32, 32)
            boxed = tensor(box.image(image))
            expected = signatures["serve_tensor"](images=tf.constant(boxed[None]))["probability"].numpy()[0, ..., 0]
            content = expected[box.top : box.top + box.content_height, box.left : box.left + box.content_width]
            expected = cv2.resize(content, image.shape[::-1], interpolation=cv2.INTER_LINEAR)
            assert np.abs(probability / 65535 - expected).mean() < 0.01

    def test_sixteen_bits_and_eight_bits_of_one_image_get_one_answer(
        self, signatures: Signatures, disc_pair: Callable
    ) -> None:
        image, _ = disc_pair(45, 60, seed=8)
        files = [encode_png(image), encode_png(image.astype(np.uint16) * 257)]
        one, other = signatures["serve_image_bytes"](images=tf.constant(files))["probability"].numpy()
        np.testing.assert_array_equal(decode_image(one), decode_image(other))

    def test_a_disc_is_found_where_it_lies_in_the_source(self, signatures: Signatures, disc_pair: Callable) -> None:
        for seed, size in enumerate([(64, 64), (90, 60), (32, 48)]):
            image, truth = disc_pair(*size, seed=seed)
            [content] = signatures["serve_image_bytes"](images=tf.constant([encode_png(image)]))["mask"].numpy()
            assert dice(confusion(truth, decode_image(content))) > 0.6


def test_records_of_other_sizes_are_refused(signatures: Signatures, disc_pair: Callable) -> None:
    image, mask = disc_pair(40, 40, seed=1)
    record = Record(image, mask, "a", "a", "a.png", b"\0" * 32, {})
    with pytest.raises(tf.errors.InvalidArgumentError):
        signatures["serving_default"](examples=tf.constant([serialize(record)]))
