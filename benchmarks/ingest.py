"""ImageMaskExampleGen as the graph runs it: two workers, and memory with the number of images."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import standard_artifacts

from benchmarks._films import multiply, write_films, write_pairs
from benchmarks._timing import peak_mebibytes, ratio
from components.example_gen.executor import Executor
from pipeline.config.execution import Execution
from pipeline.config.loader import load_config
from pipeline.graph.beam import beam_arguments
from pipeline.runs.environment import set_threads

_SIZE = ("data.height=512", "data.width=512")
_FILMS = 400
_ROUNDS = 3


def measure() -> Iterator[str]:
    """Yields the gain of a second worker for threads and for Beam's processes, and peak memory at two sizes."""
    with TemporaryDirectory() as folder:
        pairs = write_pairs(Path(folder) / "pairs", write_films(Path(folder) / "films", women=20))
        sizes = {count: multiply(pairs, Path(folder) / str(count), count) for count in (200, _FILMS, 2000)}
        one = partial(ingest, sizes[_FILMS], Execution(workers=1), _SIZE)
        for parallel in ("threads", "processes"):
            two = partial(ingest, sizes[_FILMS], Execution(workers=2, parallel=parallel), _SIZE)
            yield f"{_FILMS} films of 1024 px to 512 px, one thread over two {parallel}: {ratio(one, two, _ROUNDS)}"
        few, many = (peak_mebibytes("benchmarks.ingest", str(sizes[count]), *_SIZE) for count in (200, 2000))
        yield f"peak memory of the node: {few:.0f} MiB for 200 films, {many:.0f} MiB for 2000, {many / few:.3f} times"
        few, many = (
            peak_mebibytes("pipeline.cli", "check", str(sizes[count]), "--json", status=4) for count in (200, 2000)
        )
        yield f"peak memory of the check: {few:.0f} MiB for 200 films, {many:.0f} MiB for 2000, {many / few:.3f} times"


def ingest(root: Path, execution: Execution, overrides: tuple[str, ...]) -> None:
    """Writes the records of all pairs in a folder, then removes them."""
    data = load_config("folders", overrides).records
    set_threads(execution)
    with TemporaryDirectory() as output:
        examples = standard_artifacts.Examples()
        examples.uri = output
        context = BaseBeamExecutor.Context(beam_pipeline_args=beam_arguments(execution), tmp_dir=f"{output}/tmp")
        parameters = {"input_base": str(root), "held_out": "null", "settings": data.model_dump_json()}
        Executor(context).Do({}, {"examples": [examples]}, parameters)


if __name__ == "__main__":
    ingest(Path(sys.argv[1]), Execution(), tuple(sys.argv[2:]))
