"""What the compared cases were made of, and how they look: read from the records of the runs, by TensorFlow."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from components.artifacts import MADE_ANEW
from components.evaluator.per_case import Case
from components.imaging.files.codecs import encode_png, read_image
from components.measures.measure import Measure
from components.overlays import overlay_of, picture
from components.records.record import Record
from components.records.sources import read_sources
from components.state import broken_named
from pipeline.runs.compare.core import Sight, chosen_cases
from pipeline.runs.compare.inputs import ComparedRun, Evaluation
from pipeline.runs.compare.page import Illustration
from pipeline.runs.examined import Watch


def sights_of(runs: Sequence[ComparedRun], evaluations: Sequence[Evaluation], watch: Watch) -> list[dict[str, Sight]]:
    """Of each run what the cases of its evaluation were made of, by id; runs of one set of records read it once.

    `watch` sees the cases pass.
    """
    read: dict[tuple[Path, ...], dict[str, Sight]] = {}
    keys = [(run.examples, *map(Path, each.splits)) for run, each in zip(runs, evaluations, strict=True)]
    for key, run, each in zip(keys, runs, evaluations, strict=True):
        if key not in read:
            records = watch(_records(run.examples, each.splits), len(each.cases))
            read[key] = {record.id: Sight(record.source_sha256, _truth(record)) for record in records}
    return [read[key] for key in keys]


def illustrations(runs: Sequence[ComparedRun], cases: Sequence[Sequence[Case]], measure: Measure) -> list[Illustration]:
    """Some of the shared test cases, of each run in the same order, as `chosen_cases` chooses them by a measure."""
    chosen = [(title, [own[place] for own in cases]) for title, place in chosen_cases(cases, measure)]
    ids = {case.id for _, (case, *_) in chosen}
    first = runs[0]
    records = {record.id: record for record in _records(first.examples, first.test.splits) if record.id in ids}
    return [
        Illustration(
            title, own, encode_png(picture(records[own[0].id].image)), _outlined(runs, own, records[own[0].id])
        )
        for title, own in chosen
    ]


def _outlined(runs: Sequence[ComparedRun], cases: Sequence[Case], record: Record) -> list[bytes]:
    """The truth of a case with the prediction of each run."""
    pictures = []
    for run, case in zip(runs, cases, strict=True):
        path = run.test.folder / case.prediction
        with broken_named(path, MADE_ANEW):
            predicted = read_image(path)
        pictures.append(encode_png(overlay_of(record, predicted, run.test.task)))
    return pictures


def _records(examples: Path, splits: Sequence[str]) -> Iterator[Record]:
    with broken_named(examples, MADE_ANEW):
        for split in splits:
            yield from read_sources(str(examples), split)


def _truth(record: Record) -> bytes:
    return hashlib.sha256(repr(record.mask.shape).encode() + record.mask.tobytes()).digest()
