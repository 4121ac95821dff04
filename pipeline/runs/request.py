"""What to run and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from pipeline.config.root import Config
from pipeline.runs.plan.choices import Choice


@dataclass(frozen=True)
class Request:
    """A config with its place on this machine. `from_node` and `to_node` limit what runs."""

    name: str
    config: Config
    data: Path
    notice: str
    """What must be said of the data wherever their numbers stand."""
    out: Path
    serving: Path
    run_dir: Path
    from_node: str | None = None
    to_node: str | None = None
    plan: Sequence[Choice] = ()
    """What `architecture = "auto"` has come to: the config has it."""
    doubts: Sequence[str] = ()
    """What of the data speaks against what the config states beside it."""

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders that a run writes to, any of which may be full."""
        return self.out, self.serving, Path(gettempdir())
