"""Predictions in Beam: paths of images go in, the files that are written of them come out."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any
from uuid import uuid4

import apache_beam as beam

from components.errors import UsageError
from components.example_gen.samples import Reject
from components.files import read_json, remove_unfinished, write_json
from components.inference.model import Model
from components.inference.worker import WorkerModel, raise_refusal
from components.predictions import groups, slides
from components.predictions.inputs import Given
from components.predictions.outputs import Manner
from components.predictions.records import is_whole

_MOMENT = 0.5
"""Seconds between two looks at what is finished."""


@dataclass(frozen=True)
class Part:
    """What is asked about at once."""

    number: int
    images: tuple[Given, ...]
    """A group of those that memory holds, or a slide."""
    streamed: bool


@dataclass(frozen=True)
class Work:
    """What is done with all parts, wherever."""

    load: Callable[[], Model]
    out: Path
    manner: Manner
    """How it is written there."""
    device: str
    threads: int | None
    seen: tuple[Path, ...]
    """Folders that a worker must see."""


def parts_of(grouped: Iterable[Sequence[Given]], streamed: Iterable[Given]) -> list[Part]:
    """Numbered in the order in which one process does them."""
    each = [*((tuple(group), False) for group in grouped), *(((slide,), True) for slide in streamed)]
    return [Part(number, *part) for number, part in enumerate(each)]


def written(work: Work, parts: Sequence[Part], arguments: Sequence[str], watch: slides.Watch) -> list[Reject]:
    """As `groups.written` and `slides.written`, by workers of Beam.

    Raises:
        UsageError: a worker cannot do it.
    """
    if not parts:
        return []
    # Of this time alone: workers that nobody has told of an end may still be at what they were given before.
    told = work.out / slides.UNFINISHED / uuid4().hex
    told.mkdir(parents=True)
    with _followed(told, parts, watch), beam.Pipeline(argv=[*arguments]) as pipeline:
        _ = pipeline | beam.Create(parts, reshuffle=True) | beam.ParDo(PredictPart(work, told))
    # Of workers that were ended while they wrote; others have written it since.
    remove_unfinished(work.out)
    raise_refusal(str(_refusals(told)))
    reports = [read_json(path) for path in sorted(told.glob("*.json"))]
    # Beam runners have been seen to lose elements without an error (tensorflow/data-validation #247).
    if len(reports) != len(parts):
        raise RuntimeError(f"{len(parts)} groups of images went into Beam, {len(reports)} came out")
    return [Reject(**reject) for report in reports for reject in report]


class PredictPart(beam.DoFn):
    """Writes what is asked for of a part, and a file that tells what became of it.

    A part that is given again, since its worker died, is as if it had been given once: files of images are moved into
    place when they are whole, and then stay.
    """

    def __init__(self, work: Work, told: Path) -> None:
        self._out, self._manner = work.out, work.manner
        self._told = told
        self._worker = WorkerModel(partial(_Held, work), str(_refusals(told)), work.device, work.threads)

    def process(self, part: Part) -> None:
        self._worker(partial(self._tell, part))

    def _tell(self, part: Part, held: _Held) -> None:
        with held.lock:
            rejects = self._rejects(part, held.model)
        write_json(self._told / _report_name(part), list(map(asdict, rejects)))

    def _rejects(self, part: Part, model: Model) -> list[Reject]:
        whole = {image for image in part.images if is_whole(self._out, image)}
        if part.streamed:
            left = [slide for slide in part.images if slide not in whole]
            return list(slides.written(model, left, self._out, self._manner, _unwatched))
        return list(groups.written(model, [part.images], whole, self._out, self._manner, _unwatched))


class _Held:
    """A model, which engines let ask by one thread at a time."""

    def __init__(self, work: Work) -> None:
        for folder in work.seen:
            if not folder.is_dir():
                raise UsageError(
                    f"{folder}: {socket.gethostname()}, a worker of Beam, does not see it. Mount it there under the "
                    "same path"
                )
        self.model = work.load()
        self.lock = Lock()


@contextmanager
def _followed(told: Path, parts: Sequence[Part], watch: slides.Watch) -> Iterator[None]:
    """`watch` sees the images of parts pass of which is told."""
    ended = Event()

    def passing() -> Iterator[Given]:
        left = {_report_name(part): part.images for part in parts}
        last = False
        while not last:
            last = ended.wait(_MOMENT)
            for name in left.keys() & {path.name for path in told.iterdir()}:
                yield from left.pop(name)

    images = sum(len(part.images) for part in parts)
    thread = Thread(target=lambda: deque(watch(passing(), images), maxlen=0))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _refusals(told: Path) -> Path:
    return told / "refused"


def _report_name(part: Part) -> str:
    return f"{part.number:09d}.json"


def _unwatched(items: Iterable[Any], count: int) -> Iterable[Any]:
    return items
