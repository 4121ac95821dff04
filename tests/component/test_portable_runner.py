"""The nodes that work in Beam, on workers of their own that a job server drives over gRPC, as those of Flink and Spark.

Job server and worker pool are Beam's own, each a process; the pool starts a process per worker.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ingest import box, film, ingest, save
from small_network import network
from small_network import save as save_model
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.components.statistics_gen.executor import Executor as StatisticsGen
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import Artifact, standard_artifacts

from components.augmentor.executor import Executor as Augmentor
from components.example_gen import executor
from components.example_gen.shards import Shard, WriteShard
from components.imaging.augmentation.settings import Augmentation
from pipeline.config.execution import BeamRunner, Execution
from pipeline.graph.beam import beam_arguments
from pipeline.runs.predict import Options, predict

DATA = {"layout": "folders", "height": 24, "width": 32, "tiles": {"overlap": 4, "keep_empty": 0.5}}
IMAGES = 60
AUGMENTATION = {"copies": 2, "horizontal_flip": 0.5, "rotation": {"probability": 1.0}}
START_SECONDS = 30


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("localhost", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args} does not listen")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def cluster() -> Iterator[Execution]:
    """A job server and a worker pool, which live as long as the tests here."""
    modules = {
        "apache_beam.runners.portability.local_job_service_main": (job := _free_port(), "--job_port"),
        "apache_beam.runners.worker.worker_pool_main": (pool := _free_port(), "--service_port"),
    }
    # The pool starts its workers as `python`.
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    processes = [
        subprocess.Popen([sys.executable, "-m", module, f"{option}={port}"], env=environment, stderr=subprocess.DEVNULL)
        for module, (port, option) in modules.items()
    ]
    try:
        for process, port in zip(processes, (job, pool), strict=True):
            _wait_for(port, process)
        options = [f"--job_endpoint=localhost:{job}", "--environment_type=EXTERNAL"]
        options.append(f"--environment_config=localhost:{pool}")
        yield Execution(beam=BeamRunner(runner="portable", options=options))
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)


@pytest.fixture(scope="module")
def arguments(cluster: Execution) -> list[str]:
    """Beam's."""
    return beam_arguments(cluster)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("source") / "data"
    for number in range(IMAGES):
        save(root / f"images/{number}.png", film(number))
        save(root / f"masks/{number}.png", 255 * box(number % 20, 8, 30, 30))
    (root / "masks/7.png").unlink()
    return root


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def beam_steps(root: Path, folder: Path, arguments: list[str], artifact: Callable[..., Artifact]) -> None:
    """Ingest, statistics and augmentation, as the graph's nodes."""
    examples = ingest(root, folder / "examples", arguments, **DATA).examples
    context = BaseBeamExecutor.Context(beam_pipeline_args=list(arguments), tmp_dir=str(folder.parent / "tmp"))
    statistics = artifact(standard_artifacts.ExampleStatistics, folder / "statistics")
    StatisticsGen(context).Do(
        {"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]", "stats_options_json": None}
    )
    augmented = artifact(standard_artifacts.Examples, folder / "augmented")
    settings = Augmentation.model_validate(AUGMENTATION).model_dump_json()
    Augmentor(context).Do({"examples": [examples]}, {"augmented_examples": [augmented]}, {"settings": settings})


def read_statistics(folder: Path) -> dict[str, Any]:
    """By split; order of features and time do not count."""
    found = {}
    for path in (folder / "statistics").rglob("FeatureStats.pb"):
        [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(path.read_bytes()).datasets
        found[path.parent.name] = dataset.num_examples, sorted(str(feature) for feature in dataset.features)
    return found


@pytest.mark.slow
def test_workers_of_their_own_leave_what_one_process_leaves(
    root: Path, arguments: list[str], artifact: Callable[..., Artifact], tmp_path: Path
) -> None:
    for name, given in (("here", []), ("there", arguments)):
        beam_steps(root, tmp_path / name, given, artifact)
    here, there = (files(tmp_path / name) for name in ("here", "there"))
    assert here.keys() == there.keys()
    assert len([name for name in here if name.startswith("augmented/Split-train/")]) > 1
    for name in here:
        assert name.endswith("FeatureStats.pb") or here[name] == there[name], name
    statistics = read_statistics(tmp_path / "here")
    assert set(statistics) == {"Split-train", "Split-eval", "Split-test"}
    assert read_statistics(tmp_path / "there") == statistics


@pytest.mark.slow
def test_predictions_of_workers_of_their_own_are_those_of_one_process(
    root: Path, cluster: Execution, tmp_path: Path
) -> None:
    version = save_model(network(), tmp_path / "7")
    asked = ([root / "images"], Options(kinds=("probability", "coco")), False, lambda items, count: items)
    execution = cluster.model_copy(update={"shared": [str(root), str(tmp_path)]})
    told = [
        predict(version, asked[0], tmp_path / out, *asked[1:], place)
        for out, place in (("here", None), ("there", execution))
    ]
    assert [each["answered"] for each in told] == [IMAGES, IMAGES]
    here, there = (files(tmp_path / name) for name in ("here", "there"))
    assert there == here


class SeesOtherFolders(WriteShard):
    """As a worker on a machine where the data are not mounted."""

    def setup(self) -> None:
        self._root = "/elsewhere"
        super().setup()


class LeavesItsProcess(WriteShard):
    """As a worker that a cluster takes away, or that lacks memory."""

    def process(self, shard: Shard) -> Iterator[str]:
        os._exit(9)
        yield from super().process(shard)


def test_a_worker_that_dies_ends_the_node(
    root: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(executor, "WriteShard", LeavesItsProcess)
    with pytest.raises(RuntimeError):
        ingest(root, tmp_path / "out", arguments, **DATA)
    assert not (tmp_path / "out" / "account.json").exists()


def test_a_worker_that_does_not_see_the_data_says_so(
    root: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(executor, "WriteShard", SeesOtherFolders)
    with pytest.raises(RuntimeError, match="a worker of Beam, does not see the data folder /elsewhere"):
        ingest(root, tmp_path / "out", arguments, **DATA)
