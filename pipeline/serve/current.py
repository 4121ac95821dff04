"""The model that answers, and the one that takes its place without a restart."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock, Thread

import numpy as np

from components.brief import brief
from components.errors import MasklineError
from components.inference.model import Model
from components.serving_dir import MANIFEST_FILE, read_paper
from components.serving_papers import Manifest
from pipeline.serve.deadline import Deadline

_LOOKS_SECONDS = 1.0
_TRIED_AGAIN_SECONDS = 60.0
_ENDS_SECONDS = 60.0


@dataclass(frozen=True)
class Served:
    """A model that has answered once."""

    folder: Path
    version: str
    """Of its push; `1` of a model without the papers of one."""
    model: Model
    lock: Lock = field(default_factory=Lock)
    """Held while it computes: it has all cores, and not every engine answers two at once."""


class Current:
    """What is served now. Whoever has begun with a model ends with it."""

    def __init__(self, find: Callable[[], Path], load: Callable[..., Model], say: Callable[[str], None]) -> None:
        """
        Args:
            find: the folder of the version that is to be served.
            load: as `load_model`, its model.
            say: told when another is served, or cannot be.

        Raises:
            MasklineError: there is none, or it does not answer.
        """
        self._find, self._load, self._say = find, load, say
        self._refused: tuple[Path, float] | None = None
        self._ended = Event()
        self._thread = Thread(target=self._follow, name="follow", daemon=True)
        self.deadline = Deadline()
        """Of an answer."""
        self.fault = ""
        """Why another is not served that should be; empty: none should."""
        self.served = self._opened(find())

    def start(self) -> None:
        """Follows the champion from now on, a look a second."""
        self._thread.start()

    def end(self) -> None:
        """A model that is being loaded is waited for: within TensorFlow no thread can be ended in peace."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(_ENDS_SECONDS)

    def look(self) -> None:
        """Serves what is to be served now; the old model goes on where that is not whole."""
        folder = None
        try:
            folder = self._find()
            if folder == self.served.folder:
                self._refused, self.fault = None, ""
            elif not self._is_refused(folder):
                self.served = self._opened(folder)
                self._refused, self.fault = None, ""
                # What the old one has made of TensorFlow goes now, and not when there is much of it.
                gc.collect()
                self._say(f"version {self.served.version} is served")
        # Of a model that somebody else wrote anything may come; what is served goes on.
        except Exception as error:
            self._refuse(folder, error)

    def _follow(self) -> None:
        while not self._ended.wait(_LOOKS_SECONDS):
            self.look()

    def _opened(self, folder: Path) -> Served:
        model = self._load(folder, heed=self.deadline.heed)
        height, width = model.derivation.height, model.derivation.width
        # The first answer is what is traced and compiled by; no pixel has to be like the others.
        [first] = model.predict(np.arange(height * width).astype(np.uint8).reshape(height, width))
        if not np.isfinite(first.probability).all():
            raise MasklineError(f"{folder}: answers with what is no number. Roll it back, or push another")
        manifest = folder / MANIFEST_FILE
        return Served(folder, read_paper(manifest, Manifest)["version"] if manifest.is_file() else "1", model)

    def _is_refused(self, folder: Path) -> bool:
        return self._refused is not None and self._refused[0] == folder and time.monotonic() < self._refused[1]

    def _refuse(self, folder: Path | None, error: Exception) -> None:
        if folder:
            self._refused = folder, time.monotonic() + _TRIED_AGAIN_SECONDS
        fault = str(error) if isinstance(error, MasklineError) else brief(f"{folder}: {type(error).__name__}: {error}")
        if fault != self.fault:
            self.fault = fault
            self._say(f"version {self.served.version} goes on: {fault}")
