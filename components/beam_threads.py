"""How many threads a Beam worker uses: our own Beam argument, which is no part of the key of TFX's cache."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions


class ThreadOptions(PipelineOptions):
    """Registers `--threads` with Beam, which would discard an argument that it does not know."""

    @classmethod
    def _add_argparse_args(cls, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)


def threads(beam_arguments: Sequence[str]) -> int:
    """Threads per Beam worker; without the argument one per core."""
    return PipelineOptions(beam_arguments).view_as(ThreadOptions).threads
