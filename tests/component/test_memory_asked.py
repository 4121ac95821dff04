"""A batch that does not fit into memory is refused before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tfx.types import Artifact

from components.errors import UsageError
from components.memory import Free
from pipeline.config.root import Config


def test_before_the_first_step(
    train: Callable, config: Config, augmented: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.trainer.attempts.free_on", lambda devices: Free(10**6, "of this machine"))
    with pytest.raises(UsageError, match=r"\[training\] batch_size = 8: .* The largest that fits is [1-7];"):
        train(config, augmented, tmp_path)
    assert not list(tmp_path.rglob("history.csv"))
