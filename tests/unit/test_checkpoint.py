"""A training that is killed goes on from its last epoch: the same curve, the same weights."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from epochs import write_records
from interrupted import keep_every_epoch, killed, trained
from room import no_file_above
from tensorflow.python.framework import config

from components.trainer import checkpoint as module
from components.trainer.checkpoint import Attributes, Checkpoint, fingerprint
from components.trainer.determinism import deterministic_operations

pytestmark = pytest.mark.long

TIMES = dict.fromkeys(("seconds_training", "seconds_validation"))


@pytest.fixture(autouse=True)
def every_epoch_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SHARE", module._SHARE)
    keep_every_epoch(module)


def scalars(run: Path) -> dict[str, dict[int, float]]:
    """Numbers that TensorBoard shows, by epoch."""
    found: dict[str, dict[int, float]] = {}
    for path in sorted((run / "tensorboard").rglob("events.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                if path.parent.name != "predictions" and "learning_rate" not in value.tag:
                    name = f"{path.parent.name}/{value.tag}"
                    found.setdefault(name, {})[event.step] = float(tf.make_ndarray(value.tensor))
    return found


@pytest.mark.parametrize(
    ("training", "of"),
    [
        pytest.param({"epochs": 4, "reduce_lr_patience": 1}, "4", id="epochs"),
        pytest.param(
            {"ema": 0.9, "accumulate": 2, "budget": "11 steps", "epochs": None},
            "4",
            id="budget",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_killed_between_epochs_and_within_one_it_ends_with_the_same_curve_and_the_same_weights(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, training: dict[str, Any], of: str
) -> None:
    files = write_records(tmp_path)
    model, whole = trained(files, str(tmp_path / "whole"), 9, **training)
    folder = tmp_path / "Trainer"
    # The second checkpoint is half written; then the third epoch is.
    killed(
        "interrupted:trained",
        {"files": files, "folder": str(folder), **training},
        [{"write": 2}, {"epoch": 3, "step": 2}],
    )
    [kept] = folder.glob("checkpoint-0/*.npz")
    with caplog.at_level(logging.INFO, "maskline.progress"):
        resumed, fitted = trained(files, str(folder), 9, **training)
    assert f"training goes on from epoch 3 of {of}" in caplog.messages
    assert (whole.checkpoint.resumed, fitted.checkpoint.resumed) == ([], [2, 3])
    np.testing.assert_equal(fitted.checkpoint.history, whole.checkpoint.history)
    assert len(whole.checkpoint.history["val_loss"]) == whole.epochs_run == fitted.epochs_run == 4
    assert {**fitted.as_json(), **TIMES} == {**whole.as_json(), **TIMES}
    variables = [[*each.variables, *each.optimizer.variables] for each in (model, resumed)]
    for one, other in zip(*variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), one.path)
    runs = [tmp_path / "whole" / "model_run" / "9", folder / "model_run" / "9"]
    curves = [(run / "history.csv").read_bytes() for run in runs]
    assert curves[0] == curves[1]
    assert scalars(runs[0]) == scalars(runs[1])
    assert {len(values) for values in scalars(runs[0]).values()} == {4}
    strips = [[path.read_bytes() for path in sorted((run / "strips").iterdir())] for run in runs]
    assert strips[0] == strips[1]

    # A training that is over, as where its export was killed, is not repeated.
    before = kept.read_bytes()
    with caplog.at_level(logging.INFO, "maskline.progress"):
        over, told = trained(files, str(folder), 10, **training)
    np.testing.assert_equal(told.checkpoint.history, whole.checkpoint.history)
    assert told.checkpoint.resumed == [2, 3]
    assert sum("goes on" in message for message in caplog.messages) == 1
    assert {**told.as_json(), **TIMES} == {**whole.as_json(), **TIMES}
    assert kept.read_bytes() == before
    for one, other in zip(over.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.slow
def test_killed_before_anything_was_validated_it_ends_with_the_same_weights(tmp_path: Path) -> None:
    """An epoch is three of 63 steps, of which validations lie four apart at least."""
    training = {"budget": "63 steps", "epochs": None, "early_stopping_patience": 50}
    files = write_records(tmp_path)
    model, _ = trained(files, str(tmp_path / "whole"), 9, **training)
    folder = tmp_path / "Trainer"
    killed("interrupted:trained", {"files": files, "folder": str(folder), **training}, [{"epoch": 2, "step": 1}])
    resumed, fitted = trained(files, str(folder), 9, **training)
    assert fitted.checkpoint.resumed == [2]
    for one, other in zip(model.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


class Small:
    """A model of one layer, whose epochs end when they are told to."""

    def __init__(self, folder: Path, units: int = 3, room: int = 0) -> None:
        self.model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(units), keras.layers.Dropout(0.5)])
        self.model.compile(keras.optimizers.Adam(0.1), "mse")
        self.model.stop_training = False
        self.log = folder / "history.csv"
        self.log.write_text("epoch,loss\n0,0.5\n")
        self.best = type("Best", (), {"lowest": 0.25, "state": [np.arange(2), np.eye(2)]})()
        self.path = folder / "checkpoint-0" / "1.npz"
        parts = {"best": Attributes(self.best, "lowest", "state")}
        self.checkpoint = Checkpoint(self.path, parts, self.log, folder / "tensorboard", room)
        self.checkpoint.set_model(self.model)
        self.model.optimizer.build(self.model.trainable_variables)

    def end_epoch(self, epoch: int, loss: float = 0.1) -> None:
        self.log.touch()  # which the training writes
        self.checkpoint.on_epoch_end(epoch, {"loss": loss})

    def begin(self, epochs: int = 5) -> int:
        return self.checkpoint.begin(self.model, epochs)


@pytest.fixture
def written(tmp_path: Path) -> Small:
    small = Small(tmp_path)
    small.end_epoch(0, 1 / 3)
    return small


def _cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _bit_changed(content: bytes) -> bytes:
    where = content.index(np.float32(0.1).tobytes())  # the learning rate
    return content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :]


def _packed(content: bytes) -> bytes:
    packed = io.BytesIO()
    with np.load(io.BytesIO(content)) as arrays:
        np.savez_compressed(packed, **{"history/zeros": np.zeros(10**7), **arrays})
    return packed.getvalue()


@pytest.mark.parametrize(
    "damage",
    [_cut, _bit_changed, _packed, lambda _: b"", lambda _: b"no archive"],
    ids=["cut", "bit", "packed", "empty", "other"],
)
def test_a_damaged_checkpoint_is_named_and_training_starts_anew(
    written: Small, tmp_path: Path, damage: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    written.path.write_bytes(damage(written.path.read_bytes()))
    other = Small(tmp_path)
    before = [variable.numpy() for variable in other.model.variables]
    assert other.begin() == 0
    [message] = caplog.messages
    assert message.startswith(f"{written.path} is no whole checkpoint")
    assert message.endswith("training starts anew")
    for one, variable in zip(before, other.model.variables, strict=True):
        np.testing.assert_array_equal(one, variable.numpy())
    other.end_epoch(0)
    assert Small(tmp_path).begin() == 1


def test_one_of_another_model_is_not_restored(written: Small, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert Small(tmp_path, units=4).begin() == 0
    assert "has other variables than the model" in caplog.text


def test_a_log_that_was_left_in_the_folder_is_not_gone_on_with(tmp_path: Path) -> None:
    small = Small(tmp_path)
    assert small.begin() == 0
    assert not small.log.exists()


def test_states_come_back_as_they_were(written: Small, tmp_path: Path) -> None:
    other = Small(tmp_path)
    other.log.unlink()
    other.best.lowest, other.best.state = 9.0, []
    assert other.begin() == 1
    other.checkpoint.on_train_begin()
    assert other.best.lowest == 0.25
    np.testing.assert_array_equal(other.best.state[1], np.eye(2))
    assert other.checkpoint.history == {"loss": [1 / 3]}
    assert other.log.read_text() == "epoch,loss\n0,0.5\n"


@pytest.mark.parametrize(("stopped", "epochs"), [(True, 5), (False, 1)])
def test_no_epoch_comes_after_the_last_or_after_an_early_stop(tmp_path: Path, stopped: bool, epochs: int) -> None:
    small = Small(tmp_path)
    small.model.stop_training = stopped
    small.end_epoch(0)
    assert Small(tmp_path).begin(epochs) == epochs


@pytest.mark.parametrize("full", ["disk", "room for the model"])
def test_without_room_for_it_training_goes_on_and_it_is_told_once(
    tmp_path: Path, full: str, caplog: pytest.LogCaptureFixture
) -> None:
    small = Small(tmp_path, room=0 if full == "disk" else 10**18)
    with no_file_above(500):
        small.end_epoch(0)
        small.end_epoch(1)
    [message] = caplog.messages
    assert ("File too large" if full == "disk" else "disk full") in message
    assert message.endswith("The training goes on; were it killed, it would start anew")
    assert not list(small.path.parent.iterdir())


def test_it_is_written_as_seldom_as_it_takes_long_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    monkeypatch.setattr(module, "_SHARE", 0.02)
    small = Small(tmp_path)
    written = []

    def write(path: Path, _: bytes) -> None:
        nonlocal now
        written.append(epoch)
        now += 1.0

    monkeypatch.setattr(module, "write_bytes", write)
    for epoch in range(12):
        now += 10.0
        small.end_epoch(epoch)
    small.checkpoint.on_train_end()
    assert written == [0, 5, 10, 11]


def test_what_is_trained_is_known_by_what_it_depends_on(tmp_path: Path) -> None:
    for name in ("a", "b", "copy of a"):
        (tmp_path / name).write_bytes(name[-1:].encode() * 5)
    champions = [tmp_path / "champion", tmp_path / "other"]
    for champion in champions:
        champion.mkdir()
        (champion / "weights").write_text(champion.name)

    def of(depends_on: Any, file: str, champion: Path | None = None) -> str:
        return fingerprint(depends_on, [str(tmp_path / file)], champion)

    assert of({"seed": 1, "epochs": 2}, "a") == of({"epochs": 2, "seed": 1}, "copy of a")
    others = [of({"seed": 2, "epochs": 2}, "a"), of({"seed": 1, "epochs": 2}, "b")]
    others += [of({"seed": 1, "epochs": 2}, "a", champion) for champion in (None, *champions)]
    assert len(set(others)) == 5
    assert all(len(name) == 16 for name in others)


def test_the_switch_of_the_process_is_set_back() -> None:
    with deterministic_operations(True):
        with deterministic_operations(False):
            assert config.is_op_determinism_enabled()
        assert config.is_op_determinism_enabled()
    assert not config.is_op_determinism_enabled()
