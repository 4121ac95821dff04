"""Why a node has failed, where that is not its own fault."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from components.disk import DiskFull
from components.errors import DataRefused
from pipeline.runs.contents import note
from pipeline.runs.outputs import DamagedOutput, explained, tidied


@pytest.fixture
def outputs(tmp_path: Path) -> list[Path]:
    """Two artifacts of a whole output folder."""
    made = [tmp_path / "artifacts" / node / key / "1" for node, key in (("Gate", "report"), ("Gen", "examples"))]
    for artifact in made:
        artifact.mkdir(parents=True)
        (artifact / "file").write_bytes(b"0" * 1000)
        note(artifact)
    return made


def damage_silently(path: Path) -> None:
    time = path.stat().st_mtime_ns
    path.write_bytes(b"0" * 999 + b"1")
    os.utime(path, ns=(time, time))


def test_damage_is_the_reason_of_a_failure_and_is_removed_before_the_next_run(
    tmp_path: Path, outputs: list[Path]
) -> None:
    damage_silently(outputs[1] / "file")
    said = f"{outputs[1]}/file is damaged: it is not what Gen has written, and Trainer failed. Give the same command"
    with pytest.raises(DamagedOutput, match=re.escape(said)), explained("Trainer", [tmp_path], outputs):
        raise RuntimeError("DataLossError: corrupted record at 123")
    assert tidied(tmp_path, outputs) == {"Gen": "its output examples/1/file is damaged"}
    assert [artifact.exists() for artifact in outputs] == [True, False]


@pytest.mark.parametrize("error", [RuntimeError("a bug"), DataRefused(["a leak"], {}), KeyboardInterrupt()])
def test_without_damage_or_where_it_was_no_failure_the_error_passes(
    tmp_path: Path, outputs: list[Path], error: BaseException
) -> None:
    if not isinstance(error, RuntimeError):
        damage_silently(outputs[1] / "file")
    with pytest.raises(type(error)) as passed, explained("Trainer", [tmp_path], outputs):
        raise error
    assert passed.value is error
    assert all(artifact.exists() for artifact in outputs)


def test_a_full_disk_is_no_damage(tmp_path: Path, outputs: list[Path]) -> None:
    damage_silently(outputs[1] / "file")
    with pytest.raises(DiskFull), explained("Trainer", [tmp_path], outputs):
        Path("/dev/full").write_bytes(b"x")
    assert all(artifact.exists() for artifact in outputs)


def test_before_a_run_damage_is_removed_and_said_by_node(tmp_path: Path, outputs: list[Path]) -> None:
    (outputs[1] / "file").unlink()
    # The folder was moved: its store knows the paths of before.
    finished = [Path("/before") / artifact.relative_to(tmp_path) for artifact in outputs]
    assert tidied(tmp_path, finished) == {"Gen": "its output examples/1/file is missing"}
    assert [artifact.exists() for artifact in outputs] == [True, False]
    assert tidied(tmp_path, finished) == {}
