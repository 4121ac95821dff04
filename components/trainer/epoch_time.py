"""How long an epoch takes, told once the first steps have shown it."""

from __future__ import annotations

import logging
import time

import keras

_LOG = logging.getLogger("maskline.trainer")
_STEPS, _SECONDS = 5, 2.0
"""So many steps are measured, and so long: of fast ones more."""


class TellEpochTime(keras.callbacks.Callback):
    """Tells the log, from the first steps after the one in which the graph is made, what an epoch and all will take."""

    def __init__(self, epochs: int | None, steps: int) -> None:
        """`steps` are those of an epoch; `epochs` is None where time ends the training."""
        super().__init__()
        self._epochs, self._steps = epochs, steps
        self._seen, self._begun = 0, 0.0
        self.seconds: float | None = None
        """Of an epoch, validation left out; None while that is not known."""

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self.seconds is not None or batch != self._seen:
            return
        now = time.monotonic()
        self._begun = self._begun or now
        measured, self._seen = self._seen, self._seen + 1
        last = self._seen == self._steps
        if measured and (last or (measured >= _STEPS and now - self._begun >= _SECONDS)):
            self.seconds = (now - self._begun) / measured * self._steps
            of_all = f", {self._epochs} of them at most {in_words(self._epochs * self.seconds)}" if self._epochs else ""
            _LOG.info("an epoch will take about %s%s, validation left out", in_words(self.seconds), of_all)


def in_words(seconds: float) -> str:
    """`0.4 s`, `85 s`, `12 min` or `3.4 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
