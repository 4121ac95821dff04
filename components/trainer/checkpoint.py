"""Going on after a kill: all that the next epoch depends on, kept at the end of epochs until the training has ended.

A checkpoint lies in the folder of all runs of the Trainer, which is left alone where a run fails or is killed, below
a name that says what the training depends on: whoever trains the same goes on from it, whoever trains anything else
does not see it. Where pods have disks of their own, as on Kubeflow, what a pod leaves outside of its artifacts ends
with it: a step that is tried again there starts anew.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from components.disk import DiskFull, ask_room
from components.files import write_bytes
from components.foreign import foreign
from components.reading import opened
from components.serving_dir import content_sha256
from components.zipped import archive_of

State = Mapping[str, Any]
"""By name: numbers, strings, arrays, and lists of arrays."""

_LOG = logging.getLogger("maskline.trainer")
_SHARE = 0.02
"""Of the time, at most, that goes into writing: of a large model with short epochs, not each of them is kept."""
_READ_BYTES = 2**24
_EMPTY = "/"
"""Ends the key of a list that has nothing, of which an archive would know nothing."""


class Resumable(Protocol):
    """Has a state that the next epoch depends on."""

    def state(self) -> State: ...

    def restore(self, state: State) -> None:
        """As `state` gave it; strings and numbers come as arrays without axes."""


class DamagedCheckpoint(ValueError):
    """A file that is no whole checkpoint of this training."""


class Attributes:
    """The state of what does not tell it by itself: the attributes of some names."""

    def __init__(self, of: object, *names: str) -> None:
        self._of = of
        self._names = names

    def state(self) -> State:
        return {name: getattr(self._of, name) for name in self._names}

    def restore(self, state: State) -> None:
        for name in self._names:
            value = state[name]
            setattr(self._of, name, value.item() if isinstance(value, np.ndarray) and not value.ndim else value)


class Checkpoint(keras.callbacks.Callback):
    """Writes and restores checkpoints of one training. The last of the callbacks: what others do with an epoch is part
    of it, and Keras's own forget what they know when a training begins."""

    def __init__(self, path: Path, parts: Mapping[str, Resumable], log: Path, board: Path, room: int) -> None:
        """
        Args:
            path: of the checkpoint, which may not be there, as its folder.
            parts: what has a state, beside the model and its optimizer.
            log: the table of epochs, which `keras.callbacks.CSVLogger` goes on with.
            board: TensorBoard's folder.
            room: bytes that the disk must have left for others once a checkpoint is written.
        """
        super().__init__()
        self._path, self._parts, self._log, self._board, self._room = path, parts, log, board, room
        self._found: dict[str, dict[str, Any]] = {}
        self._began, self._written, self._cost = time.monotonic(), -np.inf, 0.0
        self._epoch, self._epoch_written = 0, 0
        self.seconds_before = 0.0
        """Of training, in earlier processes, as far as it was not in vain."""
        self._warned = False
        self.history: dict[str, list[float]] = {}
        """By name, one number per epoch, NaN of what an epoch was not told: not each one is validated."""
        self.resumed: list[int] = []
        """The epochs, counted from 1, that a process has gone on with after another's end."""

    @property
    def epochs(self) -> int:
        """Those that are over, in earlier processes as well."""
        return self._epoch

    def begin(self, model: keras.Model, epochs: int | None) -> int:
        """Restores model and optimizer, and returns the number of the epoch to begin with, from 0.

        Where none is to come, it is one that Keras does not begin. `epochs` is None where time ends the training. A
        damaged checkpoint is named, and nothing restored.
        """
        self._began = time.monotonic()
        # A log that a process before has left here would be gone on with.
        self._log.unlink(missing_ok=True)
        if not self._path.is_file():
            return 0
        try:
            with foreign(DamagedCheckpoint, "is no whole checkpoint"):
                found = _read(self._path, {"run", "history", "variables", *self._parts})
                run = {name: value.item() for name, value in found["run"].items()}
                history = {name: values.tolist() for name, values in found["history"].items()}
                resumed = json.loads(run["resumed"])
                _assign(model, found["variables"]["values"])
        except DamagedCheckpoint as error:
            _LOG.warning("%s %s: training starts anew", self._path, error)
            return 0
        self._found, self.history, self.seconds_before = found, history, run["seconds"]
        self._epoch = self._epoch_written = run["epoch"]
        self._log.write_text(run["log"], encoding="utf-8", newline="")
        self.resumed = resumed
        if run["stopped"] or (epochs and self._epoch >= epochs):
            return epochs or sys.maxsize
        self.resumed.append(self._epoch + 1)
        return self._epoch

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self._found:
            for name, part in self._parts.items():
                part.restore(self._found[name])
            self._tell_board()
            self._found = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        told = {name: float(value) for name, value in (logs or {}).items()}
        for name in {*self.history, *told}:
            self.history.setdefault(name, [math.nan] * self._epoch).append(told.get(name, math.nan))
        self._epoch = epoch + 1
        if time.monotonic() - self._written >= self._cost / _SHARE:
            self._write()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        # Of a training that is over, a run that is killed later must not repeat anything.
        if self._epoch_written < self._epoch:
            self._write()

    def _write(self) -> None:
        begin = time.monotonic()
        content = _packed(dict(self._states()))
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            ask_room(self._path.parent, len(content) + self._room, "the state of the training, beside the model,")
            write_bytes(self._path, content)
            self._epoch_written = self._epoch
        except (OSError, DiskFull) as error:
            if not self._warned:
                _LOG.warning("%s. The training goes on; were it killed, it would start anew", error)
            self._warned = True
        self._written = time.monotonic()
        self._cost = self._written - begin

    def _states(self) -> Iterator[tuple[str, State]]:
        yield (
            "run",
            {
                "epoch": self._epoch,
                "stopped": self.model.stop_training,
                "seconds": self.seconds_before + time.monotonic() - self._began,
                "resumed": json.dumps(self.resumed),
                "log": self._log.read_bytes().decode(),
            },
        )
        yield "history", {name: np.array(values) for name, values in self.history.items()}
        yield "variables", {"values": [variable.numpy() for variable in _variables(self.model)]}
        for name, part in self._parts.items():
            yield name, part.state()

    def _tell_board(self) -> None:
        """What TensorBoard was told of the epochs before: the folder is a new one."""
        for split, prefix in (("train", ""), ("validation", "val_")):
            names = [name for name in self.history if name.startswith("val_") == bool(prefix)]
            with tf.summary.create_file_writer(str(self._board / split)).as_default():
                for name in names:
                    for epoch, value in enumerate(self.history[name]):
                        if not math.isnan(value):
                            tf.summary.scalar(f"epoch_{name.removeprefix(prefix)}", value, step=epoch)


def fingerprint(depends_on: Any, files: Iterable[str], champion: Path | None) -> str:
    """Of what a training depends on: the first 16 hex digits of a SHA-256.

    Args:
        depends_on: settings, version of the code, devices; as JSON has them.
        files: those of the records, whose contents count, not their names.
        champion: folder of the version that training starts from.
    """
    digest = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode())
    for file in sorted(files):
        one = hashlib.sha256()
        with tf.io.gfile.GFile(file, "rb") as opened:
            while block := opened.read(_READ_BYTES):
                one.update(block)
        digest.update(one.digest())
    digest.update((content_sha256(champion) if champion else "").encode())
    return digest.hexdigest()[:16]


def _variables(model: keras.Model) -> list[keras.Variable]:
    """Weights, averages and the seeds of dropout, and the optimizer's: moments, step, learning rate."""
    return [*model.variables, *model.optimizer.variables]


def _assign(model: keras.Model, values: list[np.ndarray]) -> None:
    with model.distribute_strategy.scope():
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        variables = _variables(model)
        if [(value.shape, str(value.dtype)) for value in values] != [(one.shape, one.dtype) for one in variables]:
            raise DamagedCheckpoint("has other variables than the model")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _packed(states: Mapping[str, State]) -> bytes:
    """An `.npz`, made in memory: not by HDF5, which ends the process where the disk is full."""
    arrays = {}
    for part, state in states.items():
        for name, value in state.items():
            listed = {f"/{index}": one for index, one in enumerate(value)} if isinstance(value, list) else {"": value}
            listed = listed or {_EMPTY: np.empty(0)}
            arrays.update({f"{part}/{name}{index}": one for index, one in listed.items()})
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _read(path: Path, parts: set[str]) -> dict[str, dict[str, Any]]:
    """The states of `_packed`; a file of which a bit has changed is refused by its checksums."""
    states: dict[str, dict[str, Any]] = {}
    with archive_of(path) as archive:
        # As they are written: what is packed, or lies on other members, could be any amount when unpacked.
        if sum(member.file_size for member in archive.infolist()) > path.stat().st_size:
            raise ValueError("holds more than it weighs")
    with opened(path) as content, np.load(content, allow_pickle=False) as file:
        for key in file.files:
            part, name, *index = key.split("/")
            state = states.setdefault(part, {})
            if key.endswith(_EMPTY):
                state[name] = []
            elif index:
                state.setdefault(name, []).append(file[key])
            else:
                state[name] = file[key]
    if states.keys() != parts:
        raise DamagedCheckpoint(f"has {', '.join(sorted(states))}, expected {', '.join(sorted(parts))}")
    return states
