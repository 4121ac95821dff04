"""The section `[execution]`: what is reused, and where Beam works on the images."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from components.settings import Section


class BeamRunner(Section):
    """A runner of Beam with its options."""

    runner: Literal["dataflow", "flink", "spark", "portable"]
    """`portable` sends the work to any job server that speaks Beam's job API."""
    options: list[str] = []
    """As Beam's command line takes them: "--name=value"."""

    @field_validator("options")
    @classmethod
    def _are_options(cls, options: list[str]) -> list[str]:
        for option in options:
            if not re.fullmatch(r"--[a-z]\w*(=.*)?", option, re.DOTALL):
                raise ValueError(f"{option!r} is no option: write it as --name=value, or --name")
            if option.partition("=")[0] == "--runner":
                raise ValueError("--runner does not belong here: name it in the key runner")
        return options


def _form(value: Any) -> str:
    return "runner-name" if isinstance(value, str) else "runner-table"


Beam = Annotated[
    Annotated[Literal["local", "dataflow", "flink", "spark"], Tag("runner-name")]
    | Annotated[BeamRunner, Tag("runner-table")],
    # A mistake in a table is not told as one in a name as well.
    Discriminator(_form),
]


class Execution(Section):
    cache: bool = True
    """Reuse the results of nodes whose inputs, parameters and code have not changed."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Images that are worked on at once on this machine; 0: one per core. Models answer in one process on all cores,
    however many threads read images for it; of `processes` so many answer, on a core each."""
    parallel: Literal["threads", "processes"] = "threads"
    """`threads` within one process, or Beam's worker `processes`, whose start takes seconds. Of `local` alone."""
    beam: Beam = "local"
    """Where the nodes that work in Beam run: on this machine, or on workers of a cluster."""

    shared: list[str] = []
    """Folders that every worker of the cluster sees under the same path, such as a network file system; the data
    folder and the output folder must lie in them."""

    @model_validator(mode="after")
    def _belongs_together(self) -> Execution:
        if self.beam != "local" and self.parallel == "processes":
            raise ValueError('parallel = "processes" is for beam = "local" alone: remove one of the two')
        return self

    @property
    def distributed(self) -> BeamRunner | None:
        """The runner, or None on this machine."""
        if isinstance(self.beam, BeamRunner):
            return self.beam
        return None if self.beam == "local" else BeamRunner(runner=self.beam)

    @property
    def threads(self) -> str:
        """Of each process, for the environment; empty: one per core."""
        return "1" if self.parallel == "processes" else str(self.workers or "")
