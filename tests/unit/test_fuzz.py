"""Of `make fuzz` what is quick: inputs that have been found once, and a few new ones of each reader."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzz.child import SECONDS, input_of
from fuzz.readers import READERS

CORPUS = Path(__file__).parents[1] / "fuzz/corpus"
INPUTS = 30


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_found_once_is_refused(path: Path, tmp_path: Path) -> None:
    _ask(path.parent.name, tmp_path, [path.read_bytes()])


@pytest.mark.parametrize("name", READERS)
def test_damaged_files_are_refused(name: str, tmp_path: Path) -> None:
    seeds = READERS[name].seeds()
    _ask(name, tmp_path, [input_of(name, seeds, 1, number) for number in range(INPUTS)])


@pytest.mark.parametrize("name", READERS)
def test_the_files_that_are_damaged_were_whole(name: str, tmp_path: Path) -> None:
    path = READERS[name].lay_out(tmp_path)
    for content in READERS[name].seeds()[:1]:
        path.write_bytes(content)
        assert READERS[name].ask(path)


def _ask(name: str, folder: Path, inputs: list[bytes]) -> None:
    path = READERS[name].lay_out(folder)
    for content in inputs:
        path.write_bytes(content)
        begin = time.process_time()
        READERS[name].ask(path)
        assert time.process_time() - begin < SECONDS
